"""Verdicts, the votes and decisions that carry them, and the counting of votes."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from crewgate.domain.people import UserGroup
from crewgate.domain.rules.duration import Duration

#: The feedback of an approval without a comment; fixed and short, for the crew reads all feedback.
APPROVED = "Approved."

#: The longest feedback, in characters; the limit of Slack's `plain_text_input`.
FEEDBACK_LIMIT = 3_000


@dataclass(frozen=True, slots=True)
class Approve:
    """Go on with the next task, with or without a comment for the crew."""

    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Revise:
    """Do the task again, with this feedback, verbatim."""

    feedback: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not run this call; the agent is told why, in these words."""

    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a flow or a hook: exactly one of a flow's labels, or words.

    A flow maps words to a label; a hook takes words as they are.
    """

    text: str
    is_label: bool = False
    to_crew: bool = False


Verdict = Approve | Revise | Refuse | Answer


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Slack: the user id, and a name for places that cannot mention."""

    id: str
    name: str


class Via(StrEnum):
    """The way in which a decision was given."""

    BUTTON = "button"
    MODAL = "modal"
    THREAD = "thread"
    EDIT = "edit"
    """The person rewrote the output: an exact revision, or an approval of the new text."""
    CHANGE = "change"
    """The person changed a call's arguments; the trail and the database say `edit`."""
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody decided in time, so the rule did: never shown or logged as a person."""

    rule: str
    after: Duration


@dataclass(frozen=True, slots=True)
class ByRule:
    """A rule allowed or refused a call without a person: never shown or logged as one."""

    rule: str


Decider = Person | TimedOut | ByRule


@dataclass(frozen=True, slots=True)
class Press:
    """A person's press on a round; `ts` is Slack's own time of it, in seconds since 1970."""

    user: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's approval of a round that needs several."""

    by: Person
    at: datetime
    via: Via
    comment: str | None = None
    on_behalf_of: Person | None = None
    """The absent person whose right the voting delegate used."""
    answer: str | None = None
    """The label or words chosen for a flow; None for words that only approve."""
    groups: tuple[UserGroup, ...] = ()
    """Groups of `approvals_from` with the voter, by the last count; the first one gets the vote."""
    shown_little: int | None = None
    """The percentage of the output that the voter was shown, if it was low."""
    masks_unseen: bool = False
    looked_seconds: int | None = None
    """The time that the voter looked at the output, if nobody reads so fast."""

    @property
    def right(self) -> Person:
        return self.on_behalf_of or self.by

    @property
    def group(self) -> UserGroup | None:
        return self.groups[0] if self.groups else None

    @property
    def voices(self) -> frozenset[str]:
        """The ids of the voter and of the absent person: each counts once."""
        stood_in = () if self.on_behalf_of is None else (self.on_behalf_of.id,)
        return frozenset((self.by.id, *stood_in))


def voices_of(votes: Iterable[Vote]) -> frozenset[str]:
    return frozenset(voice for vote in votes for voice in vote.voices)


class Reading(StrEnum):
    """The meaning that people see in a flow's label."""

    APPROVAL = "approval"
    REJECTION = "rejection"
    REVISION = "revision"
    OTHER = "other"


_READINGS: Final = {
    Reading.APPROVAL: "accept accepted approve approved lgtm ok okay yes",
    Reading.REJECTION: "decline declined denied deny drop no refuse refused reject rejected",
    Reading.REVISION: (
        "change_requested changes_needed changes_requested needs_changes needs_revision"
        " needs_revisions needs_rework needs_work request_changes request_revision"
        " requires_revision revise revision revision_needed rework"
    ),
}
_WORDS: Final = {word: reading for reading, words in _READINGS.items() for word in words.split()}
#: The longest label that can be a known word.
_LONGEST: Final = max(map(len, _WORDS))


def reading_of(label: str) -> Reading:
    """Return the meaning of a label; only whole labels count: `not approved` has no meaning."""
    text = label.strip()
    if len(text) > _LONGEST:
        return Reading.OTHER
    return _WORDS.get(re.sub(r"[\s_-]+", "_", text.casefold()), Reading.OTHER)


def approves(verdict: Verdict) -> bool:
    match verdict:
        case Answer(text, is_label=True):
            return reading_of(text) is Reading.APPROVAL
        case _:
            return isinstance(verdict, Approve)


def words_of(verdict: Verdict) -> str:
    match verdict:
        case Approve(str(words)) | Answer(words, is_label=False):
            return words
        case _:
            return ""


def answer_in(verdict: Verdict) -> str | None:
    match verdict:
        case Answer(text, is_label=is_label) if is_label or not _reads_as_approval(text):
            return text
        case _:
            return None


def choice_of(vote: Vote) -> str | None:
    return None if vote.answer is None or _reads_as_approval(vote.answer) else vote.answer


def combined_answer(before: Sequence[Vote], verdict: Verdict) -> Answer | None:
    """Return the answer of several approvals; words that only agree keep the earlier label."""
    match verdict, [vote.answer for vote in before if vote.answer is not None]:
        case Answer(words, is_label=False), [*_, label] if _reads_as_approval(words):
            return Answer(label, is_label=True)
        case Answer(), _:
            return verdict
        case _:
            return None


def _reads_as_approval(text: str) -> bool:
    return reading_of(text.strip(" .!")) is Reading.APPROVAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with its author, time and way.

    Several approvals make one decision, by the last author, with all comments.
    """

    verdict: Verdict
    by: Decider
    at: datetime
    via: Via
    unsent_notes: int = 0
    votes: tuple[Vote, ...] = ()
    on_behalf_of: Person | None = None
    shown_little: int | None = None
    masks_unseen: bool = False
    looked_seconds: int | None = None

    @property
    def is_approve(self) -> bool:
        return isinstance(self.verdict, Approve)

    @property
    def decider(self) -> str:
        return self.by.id if isinstance(self.by, Person) else "a rule"

    def is_by(self, user: str) -> bool:
        return isinstance(self.by, Person) and self.by.id == user

    @property
    def human_feedback(self) -> str:
        """The `human_feedback` of `/resume`: exactly the text that the reviewers chose to send."""
        match self.verdict:
            case Approve(comment):
                return comment or APPROVED
            case Revise(feedback) | Refuse(feedback) | Answer(feedback):
                return feedback
            case _:
                assert_never(self.verdict)


def decision_of_votes(votes: tuple[Vote, ...], *, unsent_notes: int) -> Decision:
    last = votes[-1]
    comment, several = last.comment, len(votes) > 1
    if several:
        written = [f"{vote.by.name}: {vote.comment}" for vote in votes if vote.comment]
        comment = "\n\n".join(written) or None
    return Decision(
        verdict=Approve(comment),
        by=last.by,
        at=last.at,
        via=last.via,
        unsent_notes=unsent_notes,
        votes=votes if several else (),
        on_behalf_of=last.on_behalf_of,
        shown_little=last.shown_little,
        masks_unseen=last.masks_unseen,
        looked_seconds=last.looked_seconds,
    )


Needed = tuple[tuple[UserGroup, int], ...]
"""User groups, each with the number of its people that must approve."""


def assign(needed: Needed, able: Iterable[Collection[UserGroup]]) -> tuple[UserGroup | None, ...]:
    """Return the group that each person counts for, given the groups that they could count for.

    As few approvals as possible are missing, and earlier people go before later people: a person of
    two groups moves to the other group if that makes room. None: the groups are complete without
    this person.
    """
    left = dict(needed)
    people: list[Collection[UserGroup]] = []
    counts: dict[int, UserGroup] = {}

    def place(person: int, tried: set[UserGroup]) -> bool:
        groups = [group for group in left if group in people[person]]
        # Groups with room come first: people move to make room only if no group has any.
        for group in sorted(groups, key=lambda one: left[one] == 0):
            if group in tried:
                continue
            tried.add(group)
            if left[group] == 0:
                others = [one for one, counted in counts.items() if counted == group]
                if not any(place(one, tried) for one in others):
                    continue
            left[group] -= 1
            if person in counts:
                left[counts[person]] += 1
            counts[person] = group
            return True
        return False

    for person, groups in enumerate(able):
        people.append(groups)
        if any(left.values()):
            place(person, set())
    return tuple(map(counts.get, range(len(people))))


def count_votes(needed: Needed, votes: Sequence[Vote]) -> tuple[Vote, ...]:
    """Return the approvals that count; each counts for the first of its `groups`."""
    groups = assign(needed, (vote.groups for vote in votes))
    return tuple(
        replace(vote, groups=(group, *(one for one in vote.groups if one != group)))
        for vote, group in zip(votes, groups, strict=True)
        if group is not None
    )


def has_room(needed: Needed, votes: Iterable[Vote], groups: Collection[UserGroup]) -> bool:
    return assign(needed, (*(vote.groups for vote in votes), groups))[-1] is not None


def missing(needed: Needed, votes: Iterable[Vote]) -> Needed:
    counted = [vote.group for vote in votes]
    left = ((group, count - counted.count(group)) for group, count in needed)
    return tuple((group, count) for group, count in left if count > 0)
