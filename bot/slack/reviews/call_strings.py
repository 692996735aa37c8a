"""How people are called: to decide, to look at the next round, to mend what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.domain.people import ReviewerRef
from bot.domain.review import Round
from bot.domain.verdict import Person
from bot.slack import strings as shared

#: The most people whom one message mentions by themselves; a user group is one of them.
CALLED: Final = 10


def named(people: Sequence[ReviewerRef]) -> str:
    """People as mentions: `@Ana, @Ben and 4 more`."""
    mentions = [shared.reviewer(ref) for ref in people[:CALLED]]
    left = len(people) - len(mentions)
    if left > 0:
        return f"{', '.join(mentions)} and {left:,} more"
    if len(mentions) == 1:
        return mentions[0]
    return f"{', '.join(mentions[:-1])} and {mentions[-1]}"


def please_decide(people: Sequence[ReviewerRef], *, anyone: bool) -> str | None:
    """Who is asked to decide; None if nobody is."""
    lines = [
        *([f"{named(people)}: please decide."] if people else []),
        *(["Anybody in the channel may decide."] if anyone else []),
    ]
    return " ".join(lines) or None


def here_is(author: Person, round_: Round) -> str:
    """Told to who asked for changes."""
    return f"{shared.person(author)}, here is round {round_.number:,}."


def round_number(number: int) -> str:
    """A later round, as a part of a sentence."""
    return f"round {number:,}"


def came_back_with(where: str) -> str:
    """On the card of an earlier round; `where` is the latest one."""
    return f"The crew came back with {where}."
