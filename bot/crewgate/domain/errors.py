"""The errors that this bot raises on purpose, and the families that they belong to.

CrewgateError
    NotWaiting                  the round takes no decision any longer
        AlreadyDecided, RoundClosed, RoundSuperseded
    VoteRefused                 this person's approval does not count
        AlreadyVoted, ApprovedBefore, GroupsComplete, GroupsUnresolved, NotVoted, OwnLesson,
        PerhapsSelfApproval, PressRepeated, RefusedByRule, SelfApproval, StarterUnresolved,
        UnknownStarter, VotedOtherwise
    NotPermitted                this person lacks the role
        NotAReader, NotAReviewer, NotAStarter, NotAnOperator
    ConfirmationNeeded          nothing is wrong; the person is asked first
    ArgumentsMisfit, MaskUnknown, NothingEdited, TooManyEdits       a person's own text
    AbsenceRefused, LessonRefused, ReferralRefused, VerdictMisplaced        a form's content
    AmbiguousExecution, ExecutionNotFound, LessonNotFound, RoundNotFound, UnknownCrew
    NoCrewUrl, NoPublicUrl, TooManyKickoffs, TooManyWait            not now, or not here
    ChangedMeanwhile, InvalidTransition, RuleLost                   a stale view of the state
    Malformed                   a webhook that could not be parsed
    ChainBroken, RowUnreadable, StoreUnavailable
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crewgate.domain.caveats import Caveats
    from crewgate.domain.people import ReviewerRef
    from crewgate.domain.reason import Reason
    from crewgate.domain.verdict import Decision, Person, Vote


class CrewgateError(Exception):
    """The root of all errors that this bot raises on purpose."""


class NotWaiting(CrewgateError):
    """The round no longer takes a decision."""


class AlreadyDecided(NotWaiting):
    """A person or the rule has decided the round already; carries that decision."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"already decided by {decision.decider} at {decision.at.isoformat()}")
        self.decision = decision


class RoundSuperseded(NotWaiting):
    """A newer output, or a person's own text, replaced the round before anybody decided."""

    def __init__(self, edited_by: Person | None = None) -> None:
        super().__init__("a newer output came")
        self.edited_by = edited_by


class RoundClosed(NotWaiting):
    """The round was closed without or after a decision; carries the reason."""

    def __init__(self, reason: Reason | None) -> None:
        super().__init__(type(reason).__name__)
        self.reason = reason


class VoteRefused(CrewgateError):
    """This person's approval does not count, or there is no approval to take back."""

    others: Sequence[ReviewerRef] = ()


class AlreadyVoted(VoteRefused):
    """Another vote counts as this person's, through a delegate; carries that vote."""

    def __init__(self, vote: Vote) -> None:
        super().__init__(f"approved already by {vote.by.id}")
        self.vote = vote


class ApprovedBefore(VoteRefused):
    """This person has approved the round already."""


class VotedOtherwise(VoteRefused):
    """An earlier vote is for another label of a flow; carries that vote."""

    def __init__(self, vote: Vote) -> None:
        super().__init__(f"another label was chosen by {vote.by.id}")
        self.vote = vote


class GroupsComplete(VoteRefused):
    """The groups that this person counts for have enough approvals; other groups lack some."""


class GroupsUnresolved(VoteRefused):
    """Slack cannot name the members of the groups that must approve now."""


class NotVoted(VoteRefused):
    """This person has not approved the round, so there is nothing to take back."""


class PressRepeated(VoteRefused):
    """The press is not newer than this person's last press that changed the round."""


class RefusedByRule(VoteRefused):
    """A rule refuses the call with a person's changes; carries the rule's name and reason.

    `arguments` are the arguments that its conditions look at.
    """

    def __init__(self, rule: str, reason: str, arguments: Sequence[str] = ()) -> None:
        super().__init__(f"refused by the rule {rule}")
        self.rule = rule
        self.reason = reason
        self.arguments = arguments


class SelfApproval(VoteRefused):
    """The starter of the execution may ask for changes, but not approve.

    `own`: the approver started it, not the absent person whose delegate they are.
    """

    def __init__(
        self, others: Sequence[ReviewerRef] = (), *, own: bool = True, is_flow: bool = False
    ) -> None:
        super().__init__("approved by the starter")
        self.others = others
        self.own = own
        self.is_flow = is_flow


class PerhapsSelfApproval(VoteRefused):
    """The starter is unknown, and may be this person: a kickoff of theirs was not answered."""


class StarterUnresolved(VoteRefused):
    """Slack cannot resolve the starter's address now, so nobody may approve."""


class UnknownStarter(VoteRefused):
    """The starter is unknown, so the rule lets nobody approve."""


class AbsenceProblem(StrEnum):
    """The reason why a person's absence cannot be recorded."""

    THEMSELVES = "themselves"
    NO_COLLEAGUE = "no_colleague"
    """The delegate is a bot, a guest, or in another organisation."""
    NOT_TOLD = "not_told"
    PAST = "past"
    TOO_FAR = "too_far"


class AbsenceRefused(CrewgateError):
    """The absence was not recorded; carries the reason."""

    def __init__(self, why: AbsenceProblem) -> None:
        super().__init__(why.value)
        self.why = why


class ReferralProblem(StrEnum):
    """The reason why a person cannot be asked to look at a round."""

    THEMSELVES = "themselves"
    NO_REVIEWER = "no_reviewer"
    HAS_APPROVED = "has_approved"
    IN_VAIN = "in_vain"
    """Their approval would be refused, as a starter's, or would not be counted."""
    NOT_TOLD = "not_told"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"


class ReferralRefused(CrewgateError):
    """Nobody was asked to look at the round; carries the reason."""

    def __init__(self, why: ReferralProblem) -> None:
        super().__init__(why.value)
        self.why = why


class ConfirmationNeeded(CrewgateError):
    """An approval could overlook something; carries the caveats to ask the person about."""

    def __init__(self, caveats: Caveats) -> None:
        super().__init__("an approval has to be confirmed")
        self.caveats = caveats


class NothingEdited(CrewgateError):
    """The edited text equals the output."""


class MaskUnknown(CrewgateError):
    """A text to unmask has a mask that stands for no passage."""

    def __init__(self, mask: str) -> None:
        super().__init__(f"{mask} stands for nothing")
        self.mask = mask


class ArgumentsMisfit(CrewgateError):
    """The arguments do not fit the call's tool; carries, of each, the kind it must have or why."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        super().__init__("the tool takes no such arguments")
        self.kinds = kinds


class TooManyEdits(CrewgateError):
    """An exact revision would be too long; carries its length in characters."""

    def __init__(self, characters: int) -> None:
        super().__init__("the edits are too long to be asked for")
        self.characters = characters


class LessonProblem(StrEnum):
    """The reason why a text is no lesson."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    PERSONAL = "personal"
    """The text holds a credential, or data that the crew's `redact` masks."""
    KNOWN = "known"
    """The crew has this lesson, or somebody has proposed it."""
    NOT_TAUGHT = "not_taught"
    """The round was not approved by a person after a revision."""


class LessonRefused(CrewgateError):
    """The lesson was not proposed; carries the reason."""

    def __init__(self, why: LessonProblem) -> None:
        super().__init__(why.value)
        self.why = why


class LessonNotFound(CrewgateError):
    """No lesson has this id."""


class OwnLesson(VoteRefused):
    """The rule forbids approving an own lesson; `others` may approve, and nobody if it is empty.

    `is_drawn`: CrewAI drew the lesson from this person's words.
    """

    def __init__(self, others: Sequence[ReviewerRef], *, is_drawn: bool = False) -> None:
        super().__init__("approved by its author")
        self.others = others
        self.is_drawn = is_drawn


class InvalidTransition(CrewgateError):
    """The state machine of rounds has no such transition."""

    def __init__(self, state: str, to: str) -> None:
        super().__init__(f"a round that is {state} cannot {to}")


class VerdictMisplaced(CrewgateError):
    """The verdict does not fit the subject: people approve or revise tasks, answer questions."""


class Malformed(CrewgateError):
    """A webhook could not be parsed; `details` name everything that is wrong."""

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class RoundNotFound(CrewgateError):
    """No round has this id: an old card, another installation's button, or a forged value."""


class NotPermitted(CrewgateError):
    """This person lacks the role; `permitted` are the people who have it.

    `uncertain`: Slack has not answered about an e-mail, a user group, the channel or the person, so
    the error may be gone in a minute. `channel` is set if its members have the role, `rule` if a
    rule gives the permission.
    """

    def __init__(
        self,
        crew: str,
        permitted: tuple[ReviewerRef, ...] = (),
        *,
        uncertain: bool = False,
        channel: str | None = None,
        rule: str = "",
    ) -> None:
        super().__init__(f"not permitted for {crew}")
        self.crew = crew
        self.permitted = permitted
        self.uncertain = uncertain
        self.channel = channel
        self.rule = rule


class NotAReviewer(NotPermitted):
    """This person may not decide for this crew."""


class NotAStarter(NotPermitted):
    """This person may not start this crew."""


class NotAnOperator(NotPermitted):
    """This person does not operate this crew."""


class NotAReader(NotPermitted):
    """This person may not read this crew's outputs and executions."""


class UnknownCrew(CrewgateError):
    """The settings name no such crew (any more)."""

    def __init__(self, crew: str) -> None:
        super().__init__(f"no crew is called {crew}")
        self.crew = crew


class ExecutionNotFound(CrewgateError):
    """No execution has this id or this beginning of an id."""


class AmbiguousExecution(CrewgateError):
    """Several executions begin like this; `candidates` are some, as (crew, execution id)."""

    def __init__(self, prefix: str, candidates: tuple[tuple[str, str], ...]) -> None:
        super().__init__(f"{len(candidates)} or more executions begin with {prefix}")
        self.candidates = candidates


class NoPublicUrl(CrewgateError):
    """Without PUBLIC_URL a crew has no address to announce its pauses to."""


class NoCrewUrl(CrewgateError):
    """The settings name no address of the crew, so that it cannot be called."""


class TooManyKickoffs(CrewgateError):
    """Too many kickoffs of this crew are under way."""


class TooManyWait(CrewgateError):
    """Too many askers wait for decisions; this one must ask again later."""


class ChangedMeanwhile(CrewgateError):
    """The round was saved by somebody else after it was read."""


class RuleLost(CrewgateError):
    """A save would have removed the round's rule; nothing was stored."""


class StoreUnavailable(CrewgateError):
    """The database is not available; nothing was stored."""


class RowUnreadable(CrewgateError):
    """A stored row is damaged: it is set aside alone, and the other rows are worked on."""

    def __init__(self, table: str, row_id: str) -> None:
        super().__init__(f"the row {row_id} of {table} cannot be read")
        self.table = table
        self.row_id = row_id


class ChainBroken(CrewgateError):
    """A published head is not in the audit trail, or its signature is forged."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"the published head {number} does not fit to the audit trail, so none beyond it is"
            " signed: `crewgate audit verify` says more"
        )
