"""Who decided what, and why somebody cannot: people by name, and a rule never as a person.

What ends in `_plain` is for notifications and for errors inside a modal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from crewgate.domain.answering import choice_of
from crewgate.domain.errors import (
    AlreadyDecided,
    AlreadyVoted,
    NotVoted,
    NotWaiting,
    PerhapsSelfApproval,
    RoundClosed,
    RoundSuperseded,
    SelfApproval,
    StarterNotTold,
    UnknownStarter,
    VotedOtherwise,
    VoteRefused,
)
from crewgate.domain.rules.duration import Duration
from crewgate.domain.verdict import Answer, Decision, Person, TimedOut, Vote
from crewgate.slack.blockkit.text import ago, duration, one_line, plain
from crewgate.slack.reasons import ANSWER_LIMIT, because, reason_text
from crewgate.slack.strings import CREW_LIMIT, in_words, person, person_plain

#: The most people named in a line that is read at a glance; a card's folded part names all.
NAMED_SHORT: Final = 3
#: The most people whom a message about their decision calls.
ADDRESSED: Final = 10
#: Of each way to name people, the most characters: fifty mentions with those they stood in for.
_NAMES_LIMIT: Final = 1_800

#: Of an outcome of a flow that somebody chose, in characters.
_CHOICE_SHOWN: Final = 100

_Name: TypeAlias = Callable[[Person], str]


def voter(vote: Vote | Decision, name: _Name = person) -> str:
    """Who approved, and for whom: `@Ben for @Ana`; of a decision that a person made."""
    assert isinstance(vote.by, Person)  # noqa: S101  # a rule gives no vote
    by = name(vote.by)
    return by if vote.on_behalf_of is None else f"{by} for {name(vote.on_behalf_of)}"


def voters(votes: Sequence[Vote], *, most: int | None = None, name: _Name = person) -> str:
    """Everybody who approved: `@Ana, @Ben for @Cai and 2 more`."""
    names: list[str] = []
    for vote in votes[:most]:
        named = voter(vote, name)
        if sum(map(len, names)) + len(named) > _NAMES_LIMIT:
            break
        names.append(named)
    left = len(votes) - len(names)
    return in_words([*names, f"{left:,} more"] if left else names)


def by_whom(decision: Decision, *, most: int | None = None, name: _Name = person) -> str:
    """Who decided, all of them where several approvals made it; a person's decision only."""
    if decision.votes:
        return voters(decision.votes, most=most, name=name)
    return voter(decision, name)


def addressed(decision: Decision) -> str:
    """Who pressed, to be told something: those they stood in for did not."""
    if decision.votes:
        return in_words([person(vote.by) for vote in decision.votes[:ADDRESSED]])
    return person(decision.by) if isinstance(decision.by, Person) else ""


def did_this(decision: Decision) -> str:
    """Who decided what, as the beginning of a sentence."""
    return _did(decision, person, one_line)


def did_this_plain(decision: Decision) -> str:
    """The same, by names that mention nobody."""
    return _did(decision, person_plain, plain)


def _did(decision: Decision, name: _Name, text: Callable[[str, int], str]) -> str:
    if isinstance(decision.by, TimedOut):
        return timed_out(decision.by, decision, text)
    if isinstance(decision.verdict, Answer):
        did = "answered this"
    else:
        did = "approved this" if decision.is_approve else "asked for changes"
    return f"{by_whom(decision, most=NAMED_SHORT, name=name)} {did}"


def rule_name(name: str, text: Callable[[str, int], str] = one_line) -> str:
    """A rule, by its name; `text` is `plain` where no mrkdwn is read."""
    return f"the rule {rule_quoted(name, text)}"


def rule_quoted(name: str, text: Callable[[str, int], str] = one_line) -> str:
    """A rule's name alone."""
    return f"“{text(name, CREW_LIMIT)}”"


def timed_out(by: TimedOut, decision: Decision, text: Callable[[str, int], str] = one_line) -> str:
    """What a rule did, as the beginning of a sentence."""
    match decision.verdict:
        case Answer(answer, is_label=True):
            did = f"answered “{text(answer, CREW_LIMIT)}”"
        case Answer():
            did = "answered in its words"
        case _:
            did = "approved it" if decision.is_approve else "sent it back"
    return f"Nobody decided within {how_long(by.after)}; {rule_name(by.rule, text)} {did}"


def how_long(waits: Duration) -> str:
    """A rule's duration in words: `3 days`, `4 working hours`."""
    if waits.working:
        return _counted(int(waits.length.total_seconds()) // 3_600, "working hour")
    seconds = int(waits.length.total_seconds())
    for size, unit in _UNITS.items():
        if not seconds % size:
            return _counted(seconds // size, unit)
    return duration(waits.length)  # pragma: no cover  # whole seconds only


_UNITS: Final[Mapping[int, str]] = {86_400: "day", 3_600: "hour", 60: "minute", 1: "second"}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# --- why somebody cannot --------------------------------------------------------------------------


def too_late(error: NotWaiting, now: datetime) -> str:
    """Why a round takes no decision, told to the slower person."""
    match error:
        case AlreadyDecided(decision=decision):
            return f"{did_this(decision)} {ago(decision.at, now)}."
        case RoundSuperseded():
            return "A newer output came in the meantime. Decide on the latest round instead."
        case RoundClosed(reason=reason):
            return f"This is closed: {because(reason)}."
        case _:
            return "This does not wait for a decision."


def too_late_plain(error: NotWaiting, now: datetime) -> str:
    """The same inside the modal, where somebody has just written a text."""
    lost = "Your text was not sent."
    match error:
        case AlreadyDecided(decision=decision):
            return f"{did_this_plain(decision)} {ago(decision.at, now)}. {lost}"
        case RoundSuperseded():
            return f"A newer output came in the meantime. {lost}"
        case RoundClosed(reason=reason):
            return (
                f"This is closed: {plain(reason_text(reason), ANSWER_LIMIT).rstrip('. ')}. {lost}"
            )
        case _:
            return f"This does not wait for a decision. {lost}"


def vote_refused(error: VoteRefused) -> str:
    """Why an approval does not count, or there is none to take back; plain."""
    if isinstance(error, AlreadyVoted):
        return f"{voter(error.vote, person_plain)} approved this already, and that counts for you."
    if isinstance(error, VotedOtherwise):
        chosen = choice_of(error.vote)
        what = (
            f"chose “{one_line(chosen, _CHOICE_SHOWN)}”" if chosen is not None else "approved this"
        )
        who = voter(error.vote, person_plain)
        return f"{who} {what}. Choose the same, or have it taken back first."
    return _VOTE_REFUSED[type(error)]


_MAY_REVISE: Final = "You may ask for changes; a flow only by an outcome that does, not in words."
_VOTE_REFUSED: Final[Mapping[type[VoteRefused], str]] = {
    NotVoted: "You have not approved this, so there is nothing to take back.",
    SelfApproval: "Who started this may not approve it, and nobody may in their place: somebody "
    f"else has to approve it. {_MAY_REVISE}",
    PerhapsSelfApproval: "You had this crew started and it did not answer, so it may be you who "
    f"started this: somebody else has to approve it. {_MAY_REVISE}",
    StarterNotTold: "Slack did not say who started this, and they may not approve it. Try again in "
    f"a minute. {_MAY_REVISE}",
    UnknownStarter: f"Nobody knows who started this, so nobody may approve it. {_MAY_REVISE}",
}
