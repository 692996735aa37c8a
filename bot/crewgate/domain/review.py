"""The life of a round: the state machine, pure.

    WAITING     --decide-->     DECIDED      + refresh card, resume
    WAITING     --approve-->    WAITING      + refresh card            (more approvals are needed)
    WAITING     --approve-->    DECIDED      + refresh card, resume    (the last that is needed)
    WAITING     --refer-->      WAITING      + refresh card, post      (a person is asked to look)
    WAITING     --take back-->  WAITING      + refresh card            (one approval less)
    WAITING     --escalate-->   WAITING      + refresh card            (more people may decide)
    WAITING     --time out-->   DECIDED      + refresh card, resume    (the rule decides)
    (new)       --allow-->      DECIDED      + card, resume            (the rule decides a call)
    WAITING     --supersede-->  SUPERSEDED   + refresh card            (a newer output came)
    WAITING     --edit-->       SUPERSEDED   + refresh card            (a person's text came)
    WAITING     --close-->      CLOSED       + refresh card            (the execution ended)
    WAITING     --close-->      CLOSED       + refresh card            (a flow waits no longer)
    WAITING     --end call-->   CLOSED       + refresh card            (withdrawn)
    WAITING     --end call-->   CLOSED       + refresh card, alarm     (it ran all the same)
    DECIDED     --end call-->   CLOSED       + refresh card, notify    (withdrawn)
    DECIDED     --end call-->   RESUMED      + refresh card            (it ran, in doubt)
    STUCK       --end call-->   as DECIDED
    DECIDED     --expire-->     CLOSED       + refresh card, notify    (people are asked anew)
    STUCK       --expire-->     as DECIDED
    DECIDED     --delivered-->  RESUMED      + refresh card
    DECIDED     --fetched-->    RESUMED      + refresh card            (the asker has it)
    DECIDED     --superseded--> RESUMED      + refresh card            (sent, and the crew went on)
    DECIDED     --superseded--> CLOSED       + refresh card, notify    (never sent, or a call)
    DECIDED     --gave up-->    STUCK        + refresh card, notify
    STUCK       --retry-->      DECIDED      + refresh card, resume
    STUCK       --close-->      CLOSED       + refresh card
    STUCK       --dismiss-->    CLOSED       + refresh card, notify    (given up by a person)
    STUCK       --superseded--> as DECIDED
    STUCK       --evidence-->   RESUMED      + refresh card            (in doubt: it was taken)
    STUCK       --fetched-->    RESUMED      + refresh card
    CLOSED      --reopen-->     WAITING      + refresh card            (gone, and back again)
    CLOSED      --reopen-->     STUCK        + refresh card            (the same, decided before)
    CLOSED      --dismiss-->    CLOSED       + refresh card            (gone, and given up)
    CLOSED      --end call-->   RESUMED      + refresh card            (it ran, in doubt)
    CLOSED      --end call-->   CLOSED       + refresh card            (it did not run)
    CLOSED      --superseded--> as what it would be reopened to

Every transition returns the new round and its effects; the caller saves both in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from crewgate.domain import answering, errors, verdict
from crewgate.domain import reason as reasons
from crewgate.domain.acts import CallResult, Contradiction, UsedTool
from crewgate.domain.answering import decided_on
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.people import ReviewerRef, User
from crewgate.domain.referrals import Referral, referred
from crewgate.domain.rules.rule import NO_RULE, Decide, Rule, valid_for
from crewgate.domain.subjects import WORK, Subject


class State(StrEnum):
    """The state of a round."""

    WAITING = "WAITING"
    DECIDED = "DECIDED"
    RESUMED = "RESUMED"
    STUCK = "STUCK"
    """The crew could not be told; a person must act."""
    SUPERSEDED = "SUPERSEDED"
    CLOSED = "CLOSED"


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
        return self.task_name or self.task_id

    @property
    def names(self) -> tuple[str, ...]:
        return (self.task_id, self.task_name) if self.task_name else (self.task_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One output, question or call, numbered from 1 in its review, and its decision."""

    id: str
    review: Review
    number: int
    digest: str
    opened_at: datetime
    unchanged: bool = False
    """The output repeats the output before although changes were asked for."""
    state: State = State.WAITING
    version: int = 1
    rule: Rule = NO_RULE
    """The rule that applied when the round opened."""
    votes: tuple[verdict.Vote, ...] = ()
    """The approvals so far, if the round needs several; one per person."""
    presses: tuple[verdict.Press, ...] = ()
    """The latest press of each person that changed the round."""
    referrals: tuple[Referral, ...] = ()
    """The people asked to look at the round, one of each two people; the latest is the last."""
    escalated_at: datetime | None = None
    """The time when the rule escalated; from then on `escalate.to` may decide too."""
    reminders: int = 0
    subject: Subject = WORK
    """The subject that is put to people; a call's arguments are the round's output."""
    call_result: CallResult | None = None
    """The end of a call, or of a hook's question, as the crew said it."""
    tools_used: tuple[UsedTool, ...] = ()
    next_task: str | None = None
    pause_id: str | None = None
    takes_edits: bool = False
    """The crew takes another text, or other arguments, in the place of its output."""
    is_fetched: bool = False
    """The asker said that it fetches the decision."""
    takes_key: bool = False
    """The crew recognises a repeated decision by its key."""
    edited_by: verdict.Person | None = None
    """The author of a text that replaced the crew's output; the digest stays that of the output."""
    edited_at: datetime | None = None
    """The time of that text; `opened_at` stays the time of the crew's output."""
    sent_back: int = 0
    """The number of rounds in a row, right before this one, that a rule sent back."""
    origin_id: str | None = None
    """The round of the crew's output, if a person's text replaced it."""
    decision: verdict.Decision | None = None
    in_doubt_since: datetime | None = None
    activity_before: int = 0
    """The execution's activity count at the pause, or when the try in doubt began."""
    was_alone: bool = True
    """No other task seemed to wait or run, whenever a try began."""
    retries: int = 0
    masked: int = 0
    reason: reasons.Reason | None = None
    ended_at: datetime | None = None
    salt: str = field(default="", compare=False, repr=False)
    removed_at: datetime | None = None

    @property
    def contradiction(self) -> Contradiction | None:
        """The reason why a call should not have run of which the crew said that it ran."""
        return None if self.call_result is None else self.call_result.contradicts

    @property
    def valid_until(self) -> datetime | None:
        """The time until which a call's decision holds; None for others, or if there is none."""
        if self.decision is None or not self.subject.is_act:
            return None
        return valid_for(self.rule).after(self.decision.at, self.rule.working_hours)

    def has_expired(self, at: datetime) -> bool:
        """Return True for an approval of a call that must not be sent any longer."""
        until, decision = self.valid_until, self.decision
        return until is not None and until <= at and decision is not None and decision.is_approve

    @property
    def origin(self) -> str:
        """The id of the round with the crew's output, to which notes and webhooks belong."""
        return self.origin_id or self.id

    @property
    def in_doubt(self) -> bool:
        """True if a try to resume may have taken effect, and nobody knows if it did."""
        return self.in_doubt_since is not None

    @property
    def needs_evidence(self) -> bool:
        """True if a try is in doubt, and the answer to another try would not end the doubt."""
        return self.in_doubt and not (self.is_of_flow or self.takes_key)

    @property
    def can_reopen(self) -> bool:
        """True if only the crew's status ended the round, and its texts are still stored."""
        closed = self.state is State.CLOSED and self.removed_at is None
        return closed and reasons.only_status_said(self.reason)

    @property
    def can_dismiss(self) -> bool:
        return self.state is State.STUCK or self.can_reopen

    @property
    def may_be_sent(self) -> bool:
        return self.state in (State.WAITING, State.DECIDED, State.STUCK) or self.can_reopen

    @property
    def is_timed(self) -> bool:
        """True if the waiting round has a timer: for a reminder, an escalation or an end."""
        by_rule = any((self.rule.remind, self.rule.escalate, self.rule.timeout))
        return by_rule or self.subject.waits_until is not None

    @property
    def is_of_flow(self) -> bool:
        return self.subject.is_of_flow

    def vote_of(self, user: str) -> verdict.Vote | None:
        return next((vote for vote in self.votes if vote.by.id == user), None)

    def press(self, user: str, ts: str) -> Round:
        """Note a person's press by Slack's time of it; an unknown time, "", is not noted.

        Raises PressRepeated unless the press is newer than the last that is noted of this person.
        """
        if not ts:
            return self
        if any(one.user == user and Decimal(ts) <= Decimal(one.ts) for one in self.presses):
            raise errors.PressRepeated
        others = (one for one in self.presses if one.user != user)
        return replace(self, presses=(*others, verdict.Press(user, ts)))

    @property
    def open_referrals(self) -> tuple[Referral, ...]:
        """The referrals to people who have not approved; none once the round waits no longer."""
        voices = verdict.voices_of(self.votes)
        waits = self.state is State.WAITING
        return tuple(one for one in self.referrals if waits and one.to.id not in voices)

    def referrals_to(self, user: str) -> tuple[Referral, ...]:
        return tuple(one for one in self.open_referrals if one.to.id == user)

    def not_voted(self, named: Iterable[ReviewerRef]) -> tuple[ReviewerRef, ...]:
        """Return those of `named` who have not approved, without groups that are complete."""
        open_groups = dict(verdict.missing(self.rule.approvals_from, self.votes))
        complete = (group for group, _ in self.rule.approvals_from if group not in open_groups)
        done = {*complete, *map(User, verdict.voices_of(self.votes))}
        return tuple(ref for ref in named if ref not in done)

    def decide(self, decision: verdict.Decision) -> Transition:
        """Take one person's decision; the first decision wins.

        Raises AlreadyDecided, RoundSuperseded or RoundClosed if the round is not waiting,
        InvalidTransition if one approval is not enough: several approvals take `approve`.
        """
        self.require_waiting()
        if decision.is_approve and self.rule.approvals > 1:
            raise errors.InvalidTransition(self.state, "be approved by one person")
        return self._decide(decision)

    def approve(
        self, vote: verdict.Vote, answer: verdict.Answer | None = None, *, unsent_notes: int = 0
    ) -> Transition:
        """Count a person's approval; the last approval that is needed decides.

        `answer` is the verdict, if the subject is a question. A second approval by one person is a
        no-op. Raises as `require_waiting` and `require_compatible` do, and GroupsComplete.
        """
        self.require_waiting()
        for one in self.votes:
            if one.by.id == vote.by.id:
                return Transition(self, ())
            answering.require_compatible(vote, one)
        votes = (*self.votes, vote) if self.rule.approvals > 1 else ()
        if votes and self.rule.approvals_from:
            votes = verdict.count_votes(self.rule.approvals_from, votes)
            if all(one.by != vote.by for one in votes):
                raise errors.GroupsComplete
        counted = replace(self, votes=votes) if votes != self.votes else self
        if len(votes) < self.rule.approvals and votes:
            return counted._refreshed()
        decision = verdict.decision_of_votes(votes or (vote,), unsent_notes=unsent_notes)
        return counted._decide(replace(decision, verdict=answer) if answer else decision)

    def take_back(self, user: str) -> Transition:
        self.require_waiting()
        left = tuple(vote for vote in self.votes if user not in vote.voices)
        if left == self.votes:
            raise errors.NotVoted
        return replace(self, votes=left)._refreshed()

    def refer(self, by: verdict.Person, to: verdict.Person, text: str, at: datetime) -> Transition:
        """Ask a person to look at the round, in place of an earlier wish of the same two people.

        Raises as `require_waiting` does, and ReferralRefused.
        """
        self.require_waiting()
        *_, made = referrals = referred(self.referrals, by, to, text, at)
        post = replace(self.effect(EffectKind.POST_REFERRAL), number=made.number)
        changed = replace(self, referrals=referrals)._refreshed()
        return replace(changed, effects=(*changed.effects, post))

    def remind(self) -> Round:
        self._must_be(State.WAITING, to="be reminded of")
        return replace(self, reminders=self.reminders + 1)

    def escalate(self, at: datetime) -> Transition:
        """Let `escalate.to` decide too; a no-op a second time, or if the rule has no `escalate`."""
        self._must_be(State.WAITING, to="be escalated")
        if self.rule.escalate is None or self.escalated_at is not None:
            return Transition(self, ())
        return replace(self, escalated_at=at)._refreshed()

    def time_out(self, at: datetime) -> Transition:
        self._must_be(State.WAITING, to="be timed out")
        if self.rule.timeout is None:
            raise errors.InvalidTransition(self.state, "be timed out: no rule says when")
        by_time = answering.verdict_of_time(
            self.rule.timeout, self.subject, sent_back=self.sent_back
        )
        if by_time is None:
            return Transition(self, ())
        by = verdict.TimedOut(self.rule.name, self.rule.timeout.after)
        return self._decide(verdict.Decision(verdict=by_time, by=by, at=at, via=verdict.Via.RULE))

    def decide_by_rule(self, at: datetime) -> Round:
        """Apply the rule's own decision on a new call, if the rule has one."""
        rule = self.rule
        if rule.decide is None or not self.subject.is_act:
            return self
        allows = rule.decide is Decide.ALLOW
        by_rule = verdict.Approve() if allows else verdict.Refuse(rule.reason)
        decision = verdict.Decision(
            verdict=by_rule, by=verdict.ByRule(rule.name), at=at, via=verdict.Via.RULE
        )
        return self._decide(decision).round

    def _decide(self, decision: verdict.Decision) -> Transition:
        if isinstance(decision.verdict, verdict.Answer) is not self.subject.takes_answers:
            raise errors.VerdictMisplaced
        decision = decided_on(self.subject, decision)
        return replace(self, state=State.DECIDED, decision=decision)._refreshed(EffectKind.RESUME)

    def require_waiting(self) -> None:
        """Raise AlreadyDecided, RoundSuperseded or RoundClosed unless the round is waiting."""
        if self.state is State.SUPERSEDED:
            raise errors.RoundSuperseded(
                self.reason.by if isinstance(self.reason, reasons.EditedBy) else None
            )
        if self.state is State.CLOSED:
            raise errors.RoundClosed(self.reason)
        if self.decision is not None:
            raise errors.AlreadyDecided(self.decision)

    def supersede(self, at: datetime, reason: reasons.EditedBy | None = None) -> Transition:
        self._must_be(State.WAITING, to="be superseded")
        return self._end(State.SUPERSEDED, at, reason)

    def close(
        self,
        reason: reasons.ExecutionOver | reasons.AnsweredElsewhere | reasons.TimeOver,
        at: datetime,
    ) -> Transition:
        """End the round, because there is nothing left to decide or to retry.

        A decision in doubt was taken if the execution ran to its end: it could not have done that
        while it waited for the decision. The end of a flow shows only that somebody answered.
        """
        self._must_be(State.WAITING, State.STUCK, to="be closed")
        if self.in_doubt and isinstance(reason, reasons.ExecutionEnded | reasons.AnsweredElsewhere):
            return self._infer(at)
        return self._end(State.CLOSED, at, reason)

    def reopen(self) -> Transition:
        if not self.can_reopen:
            raise errors.InvalidTransition(self.state, "be reopened")
        state = State.WAITING if self.decision is None else State.STUCK
        reopened = replace(self, state=state, reason=None, ended_at=None, reminders=0)
        # Its time begins anew, and people are called again: perhaps nobody could be called before.
        is_called = state is State.WAITING and self.escalated_at is not None
        return reopened._refreshed(*(EffectKind.POST_ESCALATED,) * is_called)

    def retry(self) -> Transition:
        """Send the decision again at a person's request; an earlier try in doubt stays in doubt."""
        self._must_be(State.STUCK, to="be retried")
        again = replace(self, state=State.DECIDED, reason=None, retries=self.retries + 1)
        return again._refreshed(EffectKind.RESUME)

    def dismiss(self, by: verdict.Person, why: str, at: datetime) -> Transition:
        """Close a stuck or gone round for good: nothing is sent, and no evidence reopens it.

        Whoever decided is notified, unless they dismiss it themselves. Raises InvalidTransition.
        """
        if not self.can_dismiss:
            raise errors.InvalidTransition(self.state, "be dismissed")
        is_told = self.decision is not None and not self.decision.is_by(by.id)
        notify = (EffectKind.NOTIFY_STUCK,) if is_told else ()
        return self._end(State.CLOSED, at, reasons.Dismissed(by, why), *notify)

    def supersede_decided(self, at: datetime) -> Transition:
        """End the round, because a newer output came while its decision was on its way.

        It must not be sent: its reviewer did not see the newer output. If it may have been sent, an
        output is evidence that it was taken; a call is none: its host asks anew after a lost one.
        """
        self._must_be(State.DECIDED, State.STUCK, to="be superseded")
        if self.in_doubt and self.subject.is_act and not self.contradiction:
            return self._close_for(reasons.Expired(), at)
        return self._infer(at) if self.in_doubt else self._close_for(reasons.NeverSent(), at)

    def took_effect(self, at: datetime) -> Transition:
        self._must_be(State.DECIDED, State.STUCK, to="have taken effect")
        if not self.in_doubt:
            raise errors.InvalidTransition(self.state, "have taken effect: it was not sent")
        return self._infer(at)

    def end_call(self, result: CallResult, at: datetime) -> Transition:  # noqa: C901, PLR0911  # one row a case
        """Record the end of a call, or of a hook's question; a no-op if it is recorded.

        A call that ran although nothing allowed it, or ran twice, is an alarm: `contradicts` says
        why. Such a call ends the round all the same. Once the round's texts are removed, only an
        alarm is recorded, without its words.
        """
        if self.can_reopen:
            return self.reopen().round.end_call(result, at)
        known = self.call_result
        result = replace(result, words="" if self.removed_at is not None else result.words)
        if known is not None and result.repeats(known):
            return Transition(self, ())
        approved = None if self.decision is None else self.decision.is_approve
        elsewhere: reasons.Reason = reasons.AnsweredElsewhere()
        if self.subject.is_act:
            elsewhere, is_known = reasons.RanEarlier(), self.in_doubt or self.state is State.RESUMED
            earlier = self.subject.was_tried
            result = result.judged(known, approved=approved, is_known=is_known, was_tried=earlier)
        if self.removed_at is not None and result.contradicts is None:
            return Transition(self, ())
        ended, never_ran = replace(self, call_result=result), not result.has_run
        may_be_taken = self.in_doubt and approved
        match self.state:
            case _ if result.contradicts:
                if self.state is State.WAITING:
                    ended = ended._end(State.CLOSED, at).round
                return ended._refreshed(EffectKind.CALL_ALARM)
            case State.WAITING:
                why = reasons.Withdrawn(result.words) if never_ran else elsewhere
                return ended._end(State.CLOSED, at, why)
            case State.DECIDED | State.STUCK if never_ran:
                return ended._close_for(reasons.Withdrawn(result.words), at)
            case State.DECIDED | State.STUCK | State.CLOSED if may_be_taken and not never_ran:
                return ended._infer(at)
            case State.DECIDED | State.STUCK:
                return ended._close_for(elsewhere, at)
            case _:
                return ended._refreshed()

    def expire(self, at: datetime) -> Transition:
        """End the round, because its approval must not be sent any longer."""
        self._must_be(State.DECIDED, State.STUCK, to="expire")
        return self._close_for(reasons.Expired(), at)

    def await_fetch(self, *, overdue: bool) -> Transition:
        """Wait for the asker to fetch the decision; if `overdue`, get stuck, so people know."""
        self._must_be(State.DECIDED, to="wait to be fetched")
        if overdue:
            return self._get_stuck(reasons.NotFetched())
        return self._wait_on(reasons.NotFetched())

    def fetch(self, at: datetime) -> Transition:
        self._must_be(State.DECIDED, State.STUCK, to="be fetched")
        return self._end(State.RESUMED, at, reasons.Fetched())

    def begin_sending(self, at: datetime, *, activity_count: int, alone: bool = False) -> Round:
        """Mark the resume as in doubt before the call: a crash would leave its effect unknown."""
        self._must_be(State.DECIDED, to="be sent")
        if self.in_doubt:
            return self
        return replace(self, in_doubt_since=at, activity_before=activity_count, was_alone=alone)

    def settle(
        self,
        outcome: Outcome,
        *,
        in_doubt: bool,
        was_taken: bool = False,
        retries_exhausted: bool,
        at: datetime,
    ) -> Transition:
        """Record the outcome of a resume.

        `in_doubt`: an earlier try may have taken effect; `was_taken`: there is evidence that it
        did. A refusal, whatever its code, is no evidence: its cause may be the request itself. The
        round stays DECIDED if the resume is worth trying again.
        """
        if self.state is not State.DECIDED:
            return self._settle_late(outcome, in_doubt=in_doubt, at=at)
        surely_not = self if in_doubt else replace(self, in_doubt_since=None)
        match outcome:
            case Delivered():
                return self._take(outcome, at)
            case Refused():
                return surely_not._be_refused(outcome, was_taken=was_taken, at=at)
            case NotSent(told=why):
                return surely_not._try_again(
                    reasons.NotReached(why), retries_exhausted=retries_exhausted
                )
            case Unknown(told=why, code=code):
                return self._try_again(
                    reasons.AnswerLost(why, code), retries_exhausted=retries_exhausted
                )
            case _:
                assert_never(outcome)

    def _settle_late(self, outcome: Outcome, *, in_doubt: bool, at: datetime) -> Transition:
        surely_not = replace(self, in_doubt_since=None)
        has_run = self.call_result is not None and self.call_result.has_run
        was_tried = self.subject.was_tried
        match outcome, self.reason:
            case Delivered() as answer, _ if self._may_yet_be_taken:
                return self._take(answer, at)
            case Refused() | NotSent(), reasons.Inferred() if not (in_doubt or has_run):
                # A newer output looked like evidence, but the decision's only try was not taken.
                return surely_not._close_for(reasons.NeverSent(), at)
            case Refused() | NotSent(), reasons.Inferred() if not in_doubt and was_tried:
                return surely_not._close_for(reasons.RanEarlier(), at)
            case Refused() | NotSent(), reasons.PerhapsTaken() if not in_doubt:
                return surely_not._close_for(reasons.AnsweredElsewhere(), at)
            case _:
                return Transition(self, ())

    @property
    def _may_yet_be_taken(self) -> bool:
        unsure = isinstance(self.reason, reasons.Dismissed | reasons.PerhapsTaken | reasons.Expired)
        return unsure or bool(self.contradiction) or self.state in (State.RESUMED, State.STUCK)

    def _take(self, answer: Delivered, at: datetime) -> Transition:
        if self.is_of_flow:
            return self._end(State.RESUMED, at, reasons.TakenAs(answer.label, answer.words))
        return self._end(State.RESUMED, at, reasons.Answered(answer.words, answer.status))

    def _infer(self, at: datetime) -> Transition:
        """Settle by evidence: a crew took the decision, a flow this answer or somebody else's."""
        if self.is_of_flow:
            return self._close_for(reasons.PerhapsTaken(), at)
        if self.contradiction is not None:
            # The crew has gone on because the call ran, whether or not it took the decision.
            return self._end(State.CLOSED, at)
        return self._end(State.RESUMED, at, reasons.Inferred())

    def _be_refused(self, refused: Refused, *, was_taken: bool, at: datetime) -> Transition:
        if self.in_doubt and was_taken:
            return self._infer(at)
        ended = answering.why_request_ended(refused, self.subject, in_doubt=self.in_doubt)
        if isinstance(ended, reasons.TimeOver):
            # The flow took no earlier try: else its refusal would say that it has an answer.
            return replace(self, in_doubt_since=None)._close_for(ended, at)
        if ended is not None:
            return self._close_for(ended, at)
        kind = reasons.RefusedByCrew if refused.by_crew else reasons.NotCalled
        return self._get_stuck(kind(refused.code, refused.words))

    def _close_for(self, reason: reasons.Reason, at: datetime) -> Transition:
        return self._end(State.CLOSED, at, reason, EffectKind.NOTIFY_STUCK)

    def _try_again(
        self, reason: reasons.NotReached | reasons.AnswerLost, *, retries_exhausted: bool
    ) -> Transition:
        if retries_exhausted:
            return self._get_stuck(reasons.RetriesExhausted(reason.why))
        return self._wait_on(reason)

    def _wait_on(self, reason: reasons.Reason) -> Transition:
        waiting = replace(self, reason=reason)
        return Transition(waiting, ()) if reason == self.reason else waiting._refreshed()

    def _get_stuck(self, reason: reasons.Reason) -> Transition:
        return replace(self, state=State.STUCK, reason=reason)._refreshed(EffectKind.NOTIFY_STUCK)

    def _end(
        self, state: State, at: datetime, reason: reasons.Reason | None = None, *others: EffectKind
    ) -> Transition:
        return replace(self, state=state, reason=reason, ended_at=at)._refreshed(*others)

    def _must_be(self, *states: State, to: str) -> None:
        if self.state not in states:
            raise errors.InvalidTransition(self.state, to)

    def effect(self, kind: EffectKind) -> Effect:
        return Effect(
            kind=kind,
            target=self.id,
            crew=self.review.crew,
            execution_id=self.review.execution_id,
            channel=self.rule.channel,
        )

    def _refreshed(self, *others: EffectKind) -> Transition:
        """Return this changed round with its effects: a refreshed card, and the others."""
        return Transition(self, tuple(map(self.effect, (EffectKind.REFRESH, *others))))


@dataclass(frozen=True, slots=True)
class Transition:
    """A round in its new state, and its effects outside."""

    round: Round
    effects: tuple[Effect, ...]
