"""What can go wrong with a review, named as past facts.

CrewgateError
 ├── NotWaiting          the round takes no decision any more
 │    ├── AlreadyDecided     somebody was faster
 │    ├── RoundSuperseded    a newer output came
 │    └── RoundClosed        the execution ended or is gone
 ├── VoteRefused         this person's approval does not count, or there is none
 │    ├── AlreadyVoted       another approval of this round counts as theirs
 │    ├── VotedOtherwise     those who voted before chose another outcome of a flow
 │    ├── NotVoted           this person has no approval to take back
 │    ├── SelfApproval       who started the execution may not approve it
 │    ├── PerhapsSelfApproval  nor who may have: a kickoff of theirs was not answered
 │    ├── StarterNotTold     Slack does not say now who started it, so nobody may approve it
 │    └── UnknownStarter     nobody knows who started it, so nobody may approve it
 ├── CannotStandIn       nobody decides for somebody who is away as they asked
 ├── ConfirmationNeeded  an approval could overlook something; nothing was recorded
 ├── InvalidTransition         an arrow the state machine does not have
 ├── VerdictMisplaced    a crew's task is approved or revised, a flow's question answered
 ├── Malformed           what a crew sent cannot be understood
 ├── RoundNotFound       no round has this id
 ├── NotPermitted        this person does not have the role it takes
 │    ├── NotAReviewer       this person may not decide for this crew
 │    ├── NotAStarter        this person may not start this crew
 │    ├── NotAnOperator      this person does not look after this crew
 │    └── NotAReader         this person may not read what this crew does
 ├── UnknownCrew         the settings name no such crew (any more)
 ├── ExecutionNotFound   no execution has this id or beginning
 ├── AmbiguousExecution  several executions have this beginning
 ├── ChangedMeanwhile    somebody else saved the round since it was read
 ├── RuleLost            a round under a rule was about to be saved without it
 └── StoreUnavailable    the database cannot take it now
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crewgate.domain.caveats import Caveats
    from crewgate.domain.people import ReviewerRef
    from crewgate.domain.reason import Reason
    from crewgate.domain.verdict import Decision, Vote


class CrewgateError(Exception):
    """The root of everything this bot raises on purpose."""


class NotWaiting(CrewgateError):
    """The round takes no decision any more."""


class AlreadyDecided(NotWaiting):
    """Somebody was faster; carries the decision that counts."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"already decided by {decision.decider} at {decision.at.isoformat()}")
        self.decision = decision


class RoundSuperseded(NotWaiting):
    """A newer output of the same task came before anybody decided."""


class RoundClosed(NotWaiting):
    """The execution ended or is gone, so there is nothing left to decide."""

    def __init__(self, reason: Reason | None) -> None:
        super().__init__(type(reason).__name__)
        self.reason = reason


class VoteRefused(CrewgateError):
    """This person's approval does not count, or there is none to take back."""


class AlreadyVoted(VoteRefused):
    """Somebody stood in for this person, or they for somebody, who approved; carries that vote."""

    def __init__(self, vote: Vote) -> None:
        super().__init__(f"approved already by {vote.by.id}")
        self.vote = vote


class VotedOtherwise(VoteRefused):
    """Those who voted before chose another outcome of a flow; carries the first such vote."""

    def __init__(self, vote: Vote) -> None:
        super().__init__(f"another outcome was chosen by {vote.by.id}")
        self.vote = vote


class NotVoted(VoteRefused):
    """This person has not approved the round, so there is nothing to take back."""


class SelfApproval(VoteRefused):
    """Who started the execution may ask for changes to its outputs, but not approve them."""


class PerhapsSelfApproval(VoteRefused):
    """Nobody knows who started it, and a kickoff by this person was not answered."""


class StarterNotTold(VoteRefused):
    """Slack does not say now whose the address is of who started the execution."""


class UnknownStarter(VoteRefused):
    """Nobody knows who started the execution, and its rule lets nobody approve it then."""


class WhyNot(StrEnum):
    """Why somebody cannot stand in for somebody."""

    THEMSELVES = "themselves"
    """Nobody stands in for themselves."""
    NO_COLLEAGUE = "no_colleague"
    """A bot, a guest, or somebody of another organisation."""
    NOT_TOLD = "not_told"
    """Slack did not say who it is."""
    PAST = "past"
    """The end is past."""
    TOO_FAR = "too_far"
    """The end is more than a year ahead."""


class CannotStandIn(CrewgateError):
    """Nothing was recorded of an absence."""

    def __init__(self, why: WhyNot) -> None:
        super().__init__(why.value)
        self.why = why


class ConfirmationNeeded(CrewgateError):
    """An approval could overlook something that its presser was not asked about."""

    def __init__(self, caveats: Caveats) -> None:
        super().__init__("an approval has to be confirmed")
        self.caveats = caveats


class InvalidTransition(CrewgateError):
    """The state machine has no such arrow."""

    def __init__(self, state: str, to: str) -> None:
        super().__init__(f"a round that is {state} cannot {to}")


class VerdictMisplaced(CrewgateError):
    """A crew's task is approved or revised, and a flow's question is answered; not the others."""


class Malformed(CrewgateError):
    """What a crew sent cannot be understood; `details` name everything that is wrong."""

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class RoundNotFound(CrewgateError):
    """No round has this id: a stale card, another installation's button, or a forged value."""


class NotPermitted(CrewgateError):
    """This person does not have the role that this takes; `permitted` are those who have it.

    `uncertain` is true when Slack has not told about an e-mail, a user group, the channel or the
    person, so that the answer may be different in a minute. `channel` is set when its members
    have the role.
    """

    def __init__(
        self,
        crew: str,
        permitted: tuple[ReviewerRef, ...] = (),
        *,
        uncertain: bool = False,
        channel: str | None = None,
    ) -> None:
        super().__init__(f"not permitted for {crew}")
        self.crew = crew
        self.permitted = permitted
        self.uncertain = uncertain
        self.channel = channel


class NotAReviewer(NotPermitted):
    """This person may not decide for this crew."""


class NotAStarter(NotPermitted):
    """This person may not start this crew."""


class NotAnOperator(NotPermitted):
    """This person does not look after this crew."""


class NotAReader(NotPermitted):
    """This person may not read what this crew does."""


class UnknownCrew(CrewgateError):
    """The settings name no such crew, or do not name it any more."""

    def __init__(self, crew: str) -> None:
        super().__init__(f"no crew is called {crew}")
        self.crew = crew


class ExecutionNotFound(CrewgateError):
    """No execution has this id or beginning."""


class AmbiguousExecution(CrewgateError):
    """Several executions begin like this; `candidates` are (crew, execution id), maybe not all."""

    def __init__(self, prefix: str, candidates: tuple[tuple[str, str], ...]) -> None:
        super().__init__(f"{len(candidates)} or more executions begin with {prefix}")
        self.candidates = candidates


class NoPublicUrl(CrewgateError):
    """Without PUBLIC_URL a crew cannot be told where to announce its pauses."""


class TooManyKickoffs(CrewgateError):
    """So many kickoffs of this crew are under way that no more are taken now."""


class ChangedMeanwhile(CrewgateError):
    """Somebody else saved the round between our reading and our writing."""


class RuleLost(CrewgateError):
    """A round under a rule was about to be saved without it; nothing was stored."""


class StoreUnavailable(CrewgateError):
    """The database cannot take it now; nothing was stored."""
