"""The life of a round: the state machine, pure.

    WAITING     --decide-->     DECIDED      + refresh card, resume
    WAITING     --supersede-->  SUPERSEDED   + refresh card            (a newer output came)
    WAITING     --close-->      CLOSED       + refresh card            (the execution ended)
    DECIDED     --delivered-->  RESUMED      + refresh card
    DECIDED     --overtake-->   RESUMED      + refresh card            (sent, and the crew went on)
    DECIDED     --overtake-->   CLOSED       + refresh card, tell      (never sent: now pointless)
    DECIDED     --gave up-->    STUCK        + refresh card, tell
    STUCK       --retry-->      DECIDED      + refresh card, resume
    STUCK       --close-->      CLOSED       + refresh card
    STUCK       --overtake-->   as DECIDED

Every move returns the new round and its effects; the caller saves both in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.effects import Effect, EffectKind
from bot.domain.errors import AlreadyDecided, InvalidTransition, RoundClosed, RoundSuperseded
from bot.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from bot.domain.verdict import Decision, Revise

ENDED = "the execution has ended"
NEWER_OUTPUT = "a newer output came before this could be sent"
TOOK_EFFECT = "the crew has gone on, so it was taken"

RETRIES_EXHAUSTED = "retries_exhausted"
"""`answer_code` of a round that was given up after a day of trying."""
INFERRED = "inferred"
"""`answer_code` of a round that counts as taken by evidence, not by the crew's own answer."""
RETRYING = "retrying"
"""`answer_code` of a round after which the crew does the task again: its own status word."""


class State(StrEnum):
    """Where a round is in its life."""

    WAITING = "WAITING"
    """Somebody has to decide."""
    DECIDED = "DECIDED"
    """Somebody decided; the crew does not know yet."""
    RESUMED = "RESUMED"
    """The crew has taken the decision."""
    STUCK = "STUCK"
    """The crew could not be told; a person must act."""
    SUPERSEDED = "SUPERSEDED"
    """A newer output came before anybody decided."""
    CLOSED = "CLOSED"
    """There is nothing left to decide or to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The question put to people: one per crew, execution and task."""

    id: str
    crew: str
    execution_id: str
    task_id: str
    task_name: str | None = None
    agent: str | None = None
    expected_output: str | None = None

    @property
    def title(self) -> str:
        """What people call the task."""
        return self.task_name or self.task_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One output of a task, numbered from 1, and what became of it."""

    id: str
    review: Review
    number: int
    digest: str
    opened_at: datetime
    unchanged: bool = False
    """The output is the same as the one before, although changes were asked for."""
    state: State = State.WAITING
    version: int = 1
    decision: Decision | None = None
    in_doubt_since: datetime | None = None
    """Since when a try to resume has been under way whose outcome nobody knows."""
    activity_before: int = 0
    """How many signs of having gone on the execution had given when that try began."""
    answer: str = ""
    """The crew's own words about the decision, or why it could not be told yet."""
    answer_code: str = ""
    """The crew's status word, the HTTP status or the kind of failure behind `answer`."""
    ended_at: datetime | None = None
    """When the crew took it, or it was superseded or closed."""

    def decide(self, decision: Decision) -> Transition:
        """Take a person's decision; the first one wins.

        Raises AlreadyDecided, RoundSuperseded or RoundClosed when the round is not waiting.
        """
        self.require_waiting()
        decided = replace(self, state=State.DECIDED, decision=decision)
        return Transition(decided, decided._effects(EffectKind.REFRESH, EffectKind.RESUME))

    def require_waiting(self) -> None:
        """Raises AlreadyDecided, RoundSuperseded or RoundClosed."""
        if self.state is State.SUPERSEDED:
            raise RoundSuperseded
        if self.state is State.CLOSED:
            raise RoundClosed(self.answer)
        if self.decision is not None:
            raise AlreadyDecided(self.decision)

    def supersede(self, at: datetime) -> Transition:
        """A newer output came before anybody decided."""
        self._must_be(State.WAITING, move="be superseded")
        return self._end(State.SUPERSEDED, at)

    def close(self, reason: str, at: datetime) -> Transition:
        """There is nothing left to decide or to retry."""
        self._must_be(State.WAITING, State.STUCK, move="be closed")
        return self._end(State.CLOSED, at, answer=reason)

    def retry(self) -> Transition:
        """A person asks to send the same decision again.

        `in_doubt_since` stays: if an earlier outcome is unknown, evidence still comes first.
        """
        self._must_be(State.STUCK, move="be retried")
        again = replace(self, state=State.DECIDED, answer="", answer_code="")
        return Transition(again, again._effects(EffectKind.REFRESH, EffectKind.RESUME))

    def supersede_decided(self, at: datetime) -> Transition:
        """A newer output of the same task came while the decision was on its way.

        If it may have been sent, that output is the proof that it was taken. If it never was,
        it must not be sent any more: its reviewer did not see the newer output.
        """
        self._must_be(State.DECIDED, State.STUCK, move="be overtaken")
        return self._infer(at) if self.in_doubt_since is not None else self._never_sent(at)

    def took_effect(self, at: datetime) -> Transition:
        """There is evidence that the crew took the decision although its answer was lost."""
        self._must_be(State.DECIDED, move="have taken effect")
        return self._infer(at)

    def begin_sending(self, at: datetime, *, activity_count: int) -> Round:
        """Note, before the crew is called, that from now on nobody knows.

        `activity_count` counts the signs of having gone on that the execution has given so far.
        """
        self._must_be(State.DECIDED, move="be sent")
        if self.in_doubt_since is not None:
            return self
        return replace(self, in_doubt_since=at, activity_before=activity_count)

    def settle(
        self, outcome: Outcome, *, in_doubt: bool, retries_exhausted: bool, at: datetime
    ) -> Transition:
        """Record what came of telling the crew.

        `in_doubt`: an earlier try may have taken effect. The round stays DECIDED when it is worth
        trying again.
        """
        if self.state is not State.DECIDED:
            return self._settle_late(outcome, in_doubt=in_doubt, at=at)
        surely_not = self if in_doubt else replace(self, in_doubt_since=None)
        match outcome:
            case Delivered():
                return self._take(outcome, at)
            case Refused(kind=RefusalKind.NOT_PENDING) if in_doubt:
                # The crew is not waiting any more, and only our own resume can have done that.
                return self._infer(at)
            case Refused(code, words):
                return surely_not._get_stuck(code, words)
            case NotSent(why):
                return surely_not._wait("not_sent", why, retries_exhausted=retries_exhausted)
            case Unknown(why):  # pragma: no branch  # there is no fifth
                return self._wait("unknown", why, retries_exhausted=retries_exhausted)

    def _settle_late(self, outcome: Outcome, *, in_doubt: bool, at: datetime) -> Transition:
        """The round moved on while the answer was on its way."""
        match outcome:
            case Delivered() if self.state in (State.RESUMED, State.STUCK):
                return self._take(outcome, at)
            case Refused() | NotSent() if self.answer_code == INFERRED and not in_doubt:
                # The newer output was no proof after all: it was there before our only try.
                return self._never_sent(at)
            case _:
                return Transition(self, ())

    def _take(self, answer: Delivered, at: datetime) -> Transition:
        return self._end(State.RESUMED, at, answer=answer.words, code=answer.status or "")

    def _infer(self, at: datetime) -> Transition:
        return self._end(State.RESUMED, at, answer=TOOK_EFFECT, code=INFERRED)

    def _never_sent(self, at: datetime) -> Transition:
        closed = self._end(State.CLOSED, at, answer=NEWER_OUTPUT).round
        return Transition(closed, closed._effects(EffectKind.REFRESH, EffectKind.NOTIFY_STUCK))

    def _wait(self, code: str, why: str, *, retries_exhausted: bool) -> Transition:
        if retries_exhausted:
            return self._get_stuck(RETRIES_EXHAUSTED, why)
        news = (code, why) != (self.answer_code, self.answer)
        waiting = replace(self, answer=why, answer_code=code)
        return Transition(waiting, waiting._effects(EffectKind.REFRESH) if news else ())

    def _get_stuck(self, code: str, words: str) -> Transition:
        stuck = replace(self, state=State.STUCK, answer=words, answer_code=code)
        return Transition(stuck, stuck._effects(EffectKind.REFRESH, EffectKind.NOTIFY_STUCK))

    def _end(self, state: State, at: datetime, *, answer: str = "", code: str = "") -> Transition:
        ended = replace(self, state=state, answer=answer, answer_code=code, ended_at=at)
        return Transition(ended, ended._effects(EffectKind.REFRESH))

    def _must_be(self, *states: State, move: str) -> None:
        if self.state not in states:
            raise InvalidTransition(self.state, move)

    def _effects(self, *kinds: EffectKind) -> tuple[Effect, ...]:
        return tuple(
            Effect(kind, self.id, self.review.crew, self.review.execution_id) for kind in kinds
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """A round after a move, and what must now happen outside."""

    round: Round
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a notification did: the round that stands for it now, and the one it ended."""

    current: Round
    opened: bool
    """A new round was opened; otherwise the notification was a duplicate of `current`."""
    ended: Round | None
    effects: tuple[Effect, ...]


def receive(
    latest: Round | None, *, review: Review, digest: str, at: datetime, new_id: Callable[[], str]
) -> Receipt:
    """Decide what a notification means, given the latest round of its review.

    | latest round is                   | same output       | another output            |
    | --------------------------------- | ----------------- | ------------------------- |
    | none                              | opens round 1     | opens round 1             |
    | WAITING                           | duplicate         | supersedes, opens next    |
    | DECIDED, STUCK: surely not sent   | duplicate         | overtakes, opens next     |
    | DECIDED, STUCK by Revise: sent    | opens "unchanged" | overtakes, opens next     |
    | DECIDED, STUCK by Approve: sent   | duplicate         | overtakes, opens next     |
    | RESUMED, the task is done again   | opens "unchanged" | opens next                |
    | RESUMED, the crew goes on         | duplicate         | opens next                |
    | CLOSED                            | opens next        | opens next                |

    A crew never repeats a notification by itself, so an output that comes again after changes
    were asked for, even before our own resume is recorded, is the crew pausing again.
    """
    if latest is None:
        return _open(None, None, review=review, digest=digest, at=at, new_id=new_id)
    same = digest == latest.digest
    if same and not _may_come_again(latest):
        return Receipt(latest, opened=False, ended=None, effects=())
    match latest.state:
        case State.WAITING:
            ended: Transition | None = latest.supersede(at)
        case State.DECIDED | State.STUCK:
            ended = latest.supersede_decided(at)
        case _:
            ended = None
    return _open(latest, ended, review=review, digest=digest, at=at, new_id=new_id)


def _open(
    latest: Round | None,
    ended: Transition | None,
    *,
    review: Review,
    digest: str,
    at: datetime,
    new_id: Callable[[], str],
) -> Receipt:
    opened = Round(
        id=new_id(),
        review=review,
        number=latest.number + 1 if latest else 1,
        digest=digest,
        opened_at=at,
        unchanged=latest is not None and latest.digest == digest and _asked_for_changes(latest),
    )
    post = opened._effects(EffectKind.POST)
    return Receipt(
        opened,
        opened=True,
        ended=ended.round if ended else None,
        effects=(*ended.effects, *post) if ended else post,
    )


def _may_come_again(round_: Round) -> bool:
    """Whether the same output can be a new pause of the crew."""
    match round_.state:
        case State.DECIDED | State.STUCK:
            return round_.in_doubt_since is not None and _asked_for_changes(round_)
        case State.RESUMED:
            return _asked_for_changes(round_) or round_.answer_code == RETRYING
        case State.CLOSED:
            return True
        case _:
            return False


def _asked_for_changes(round_: Round) -> bool:
    return round_.decision is not None and isinstance(round_.decision.verdict, Revise)
