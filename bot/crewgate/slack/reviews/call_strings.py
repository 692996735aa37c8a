"""How people are called: to decide, to look at the next round, to mend what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crewgate.domain.crew import Crew
from crewgate.domain.people import ReviewerRef, User
from crewgate.domain.review import Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Answer, Decision, Person, TimedOut
from crewgate.slack import decisions
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import plain

#: The most people whom one message mentions by themselves; a user group is one of them.
CALLED: Final = 10


def named(people: Sequence[ReviewerRef]) -> str:
    """People as mentions: `@Ana, @Ben and 4 more`."""
    return called(people, ())


def called(people: Sequence[ReviewerRef], away: Sequence[Absence]) -> str:
    """People as mentions, with those who stand in for somebody: `@Ana, @Legal and @Ben for @Ana`.

    Those who may decide anyway are named once. Empty if there is nobody.
    """
    mentions = [shared.reviewer(ref) for ref in people]
    mentions += [
        f"{shared.person(one.delegate)} for {shared.person(one.away)}"
        for one in away
        if User(one.delegate.id) not in people
    ]
    left = len(mentions) - CALLED
    return shared.in_words([*mentions[:CALLED], *([f"{left:,} more"] if left > 0 else [])])


def please_decide(
    people: Sequence[ReviewerRef], *, anyone: bool, away: Sequence[Absence] = ()
) -> str | None:
    """Who is asked to decide; None if nobody is."""
    mentions = called(people, away)
    lines = [
        *([f"{mentions}: please decide."] if mentions else []),
        *(["Anybody in the channel may decide."] if anyone else []),
    ]
    return " ".join(lines) or None


def here_is(author: Person, round_: Round) -> str:
    """Told to who asked for changes."""
    return f"{shared.person(author)}, here is round {round_.number:,}."


def to_operators(operators: Sequence[ReviewerRef], what: str) -> str:
    """What operators can do about a failure."""
    return f"{named(operators)}: {what}"


def decision_is_kept(decision: Decision, operators: Sequence[ReviewerRef]) -> str:
    """Told to the reviewer whose decision did not reach the crew."""
    if isinstance(decision.by, TimedOut):
        return decision_of_is_kept(decision, operators)
    return f"Your {_what(decision)} is kept. {_told(operators)}"


def decision_of_is_kept(decision: Decision, operators: Sequence[ReviewerRef]) -> str:
    """The same on the card, for everybody."""
    if isinstance(decision.by, TimedOut):
        return f"What {decisions.rule_name(decision.by.rule)} decided is kept. {_told(operators)}"
    who = decisions.by_whom(decision, most=decisions.NAMED_SHORT)
    return f"{who}'s {_what(decision)} is kept. {_told(operators)}"


def _what(decision: Decision) -> str:
    if isinstance(decision.verdict, Answer):
        return "answer"
    return "approval" if decision.is_approve else "request for changes"


def _told(operators: Sequence[ReviewerRef]) -> str:
    if not operators:
        return "Ask whoever runs this bot to mend what is wrong."
    has = "has" if len(operators) == 1 else "have"
    return f"{named(operators)} {has} been told."


FILES_REFUSED: Final = (
    "allow files in this workspace, or install the app again with the scopes of the manifest."
)
CHANGES_REFUSED: Final = "let apps change their messages, in the workspace's settings."
FORWARD_REFUSED: Final = "look at that address, and in the bot's log for `not_delivered`."
NOT_UNDERSTOOD: Final = (
    "look at what came. If it was a request for a review, answer it with the crew's own `/resume`."
)


def round_number(number: int) -> str:
    """A later round, as a part of a sentence."""
    return f"round {number:,}"


def came_back_with(where: str, *, is_flow: bool) -> str:
    """On the card of an earlier round; `where` is the latest one."""
    return f"The {'flow' if is_flow else 'crew'} came back with {where}."


def channel_refuses(crew: Crew, code: str) -> str:
    """Told to an operator in private."""
    name = shared.bold(shared.crew(crew.name))
    return (
        f"Nothing of {name} can be posted in {shared.channel(crew.channel)}: Slack says "
        f"{shared.identifier(code)}. {_MEND_CHANNEL.get(code, _LOOK_AT_CHANNEL)} Cards wait and "
        "are posted by themselves then."
    )


def channel_refuses_plain(crew: Crew) -> str:
    """The same for notifications."""
    return f"The channel of {plain(crew.name, shared.CREW_LIMIT)} takes no messages"


_INVITE: Final = (
    "Invite the bot into the channel, or correct it in the settings and start the bot again."
)
_MEND_CHANNEL: Final = {
    "channel_not_found": _INVITE,
    "not_in_channel": _INVITE,
    "is_archived": "Take the channel out of the archive, or name another one in the settings and "
    "start the bot again.",
    "missing_scope": "Install the app again with the scopes of the manifest.",
    "restricted_action": "Let the bot post in the channel, in the channel's settings.",
}
_LOOK_AT_CHANNEL: Final = "Look at the channel and at the bot's log (`not_delivered`)."
