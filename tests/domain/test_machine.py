"""The rounds of one review, in any order of notifications, decisions, tries and outcomes."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import AlreadyVoted, InvalidTransition, NotVoted, NotWaiting
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    Refused,
    ResumeStatus,
    Unknown,
)
from crewgate.domain.reason import Dismissed, ExecutionEnded, ExecutionGone
from crewgate.domain.receipt import receive
from crewgate.domain.review import Round, State, Transition
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Escalation, Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import Approve, Decision, Person, Revise, TimedOut
from tests.builders import (
    ANA,
    BEN,
    CAI,
    NOW,
    SECOND,
    Numbered,
    a_decision,
    a_notification,
    a_review,
    a_rule,
    a_vote,
    an_output,
)

OVER = (State.SUPERSEDED, State.CLOSED)
OUTCOMES = st.sampled_from(
    [
        Delivered("", ResumeStatus.RESUMED),
        Delivered("", ResumeStatus.RETRYING),
        Refused("400", "not pending"),
        Refused("401", ""),
        NotSent("connection refused"),
        Unknown("no answer"),
    ]
)
LATE = Duration(timedelta(days=1))
RULES = st.sampled_from(
    [
        NO_RULE,
        a_rule(approvals=2, timeout=TimeOut(LATE), escalate=Escalation(LATE, ())),
        a_rule(approvals=3, timeout=TimeOut(LATE, TimeoutAction.REVISE, "Stop.")),
        a_rule(timeout=TimeOut(LATE, TimeoutAction.APPROVE)),
    ]
)
PEOPLE = st.sampled_from([ANA, BEN, CAI])
VERDICTS = st.sampled_from([Approve(), Approve("Fine."), Revise("Shorter.")])


class Rounds(RuleBasedStateMachine):
    """The machine: it keeps every round, and knows which tries are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.new_id = Numbered()
        self.rounds: dict[str, Round] = {}
        self.decisions: dict[str, Decision] = {}
        self.over: dict[str, State] = {}
        self.trying: dict[str, bool] = {}
        """Rounds with a try under way, and whether an earlier one may have taken effect."""

    @property
    def latest(self) -> Round | None:
        return max(self.rounds.values(), key=lambda round_: round_.number, default=None)

    def keep(self, transition: Transition) -> None:
        before, after = self.rounds[transition.round.id], transition.round
        if before.state is not after.state:
            assert kinds(transition.effects)[:1] == [
                EffectKind.REFRESH
            ]  # a card never lies for long
        if after.state is State.DECIDED and before.state is not State.DECIDED:
            assert EffectKind.RESUME in kinds(transition.effects)
        else:
            assert EffectKind.RESUME not in kinds(transition.effects)
        self.rounds[after.id] = after

    def tick(self) -> datetime:
        self.now += SECOND
        return self.now

    @rule(text=st.sampled_from(["one", "two", "three"]), under=RULES)
    def notification(self, text: str, under: Rule) -> None:
        before = self.latest
        receipt = receive(
            before,
            a_notification(text),
            review=a_review(),
            at=self.tick(),
            new_id=self.new_id,
            rule=under,
        )
        if receipt.ended is not None:
            assert before is not None
            ended = [e for e in receipt.effects if e.target == before.id]
            if before.can_reopen:
                del self.over[before.id]
            self.keep(Transition(receipt.ended, tuple(ended)))
        if receipt.opened:
            assert receipt.current.state is State.WAITING
            assert (receipt.current.rule, receipt.current.votes) == (under, ())
            assert receipt.effects[-1] == Effect(
                kind=EffectKind.POST,
                target=receipt.current.id,
                crew="research",
                execution_id="e-1",
            )
            self.rounds[receipt.current.id] = receipt.current
        else:
            assert receipt.current == before
            assert receipt.current.digest == an_output(text).digest

    @precondition(lambda self: self.rounds)
    @rule(data=st.data(), verdict=VERDICTS)
    def click(self, data: st.DataObject, verdict: Approve | Revise) -> None:
        round_ = self.pick(data)
        decision = a_decision(verdict, at=self.tick())
        try:
            transition = round_.decide(decision)
        except NotWaiting:
            assert round_.state is not State.WAITING
            return
        except InvalidTransition:
            assert decision.is_approve
            assert round_.rule.approvals > 1
            return
        self.decided(transition)

    def decided(self, transition: Transition) -> None:
        round_ = transition.round
        assert round_.id not in self.decisions
        assert round_.decision is not None
        self.decisions[round_.id] = round_.decision
        self.keep(transition)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data(), by=PEOPLE, stood_in_for=st.none() | PEOPLE)
    def approve(self, data: st.DataObject, by: Person, stood_in_for: Person | None) -> None:
        round_ = self.pick(data)
        absent = None if stood_in_for == by else stood_in_for
        vote = a_vote(by, at=self.tick(), on_behalf_of=absent)
        try:
            transition = round_.approve(vote)
        except NotWaiting:
            assert round_.state is not State.WAITING
        except AlreadyVoted:
            assert any(one.voices & vote.voices for one in round_.votes)
        else:
            if transition.round.state is State.WAITING:
                self.keep(transition)
            else:
                self.decided(transition)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data(), by=PEOPLE)
    def take_back(self, data: st.DataObject, by: Person) -> None:
        round_ = self.pick(data)
        try:
            transition = round_.take_back(by.id)
        except NotWaiting:
            assert round_.state is not State.WAITING
        except NotVoted:
            assert all(by.id not in vote.voices for vote in round_.votes)
        else:
            assert transition.round.votes != round_.votes
            self.keep(transition)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data())
    def time_passes(self, data: st.DataObject) -> None:
        round_ = self.pick(data)
        try:
            transition = round_.time_out(self.tick())
        except InvalidTransition:
            timed = round_.rule.timeout is not None
            assert round_.state is not State.WAITING or not timed
            return
        if transition.round.state is State.WAITING:
            assert transition == Transition(round_, ())
        else:
            self.decided(transition)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data())
    def escalate(self, data: st.DataObject) -> None:
        round_ = self.pick(data)
        try:
            self.keep(round_.escalate(self.tick()))
        except InvalidTransition:
            timed = round_.rule.escalate is not None
            assert round_.state is not State.WAITING or not timed

    @precondition(lambda self: self.rounds)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        round_ = self.pick(data)
        in_doubt = round_.in_doubt_since is not None
        try:
            sending = round_.begin_sending(self.tick(), activity_count=0)
        except InvalidTransition:
            assert round_.state is not State.DECIDED
            return
        assert round_.id in self.decisions
        assert round_ == self.latest  # a newer output would have ended it
        self.rounds[round_.id] = sending
        self.trying[round_.id] = in_doubt

    @precondition(lambda self: self.trying)
    @rule(
        data=st.data(),
        outcome=OUTCOMES,
        was_taken=st.booleans(),
        retries_exhausted=st.booleans(),
    )
    def answer(
        self, data: st.DataObject, outcome: Outcome, was_taken: bool, retries_exhausted: bool
    ) -> None:
        tried = data.draw(st.sampled_from(sorted(self.trying)))
        in_doubt = self.trying.pop(tried)
        round_ = self.rounds[tried]
        transition = round_.settle(
            outcome,
            in_doubt=in_doubt,
            was_taken=was_taken,
            retries_exhausted=retries_exhausted,
            at=self.tick(),
        )
        after = transition.round.state
        if isinstance(outcome, Refused) and round_.state is State.DECIDED:
            # A refusal alone never says that a decision was taken.
            assert after is (State.RESUMED if in_doubt and was_taken else State.STUCK)
        dismissed = isinstance(round_.reason, Dismissed)
        if isinstance(outcome, Delivered) and (round_.state is not State.CLOSED or dismissed):
            assert transition.round.state is State.RESUMED
            self.over.pop(tried, None)
        if retries_exhausted:
            assert transition.round.state is not State.DECIDED
        if round_.state is State.RESUMED and transition.round.state is State.CLOSED:
            del self.over[tried]  # taken by evidence that the answer proved wrong
        self.keep(transition)

    @precondition(lambda self: self.trying)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.trying.pop(data.draw(st.sampled_from(sorted(self.trying))))

    @precondition(lambda self: self.rounds)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        round_ = self.pick(data)
        try:
            self.keep(round_.retry())
        except InvalidTransition:
            assert round_.state is not State.STUCK

    @precondition(lambda self: self.rounds)
    @rule(data=st.data(), gone=st.booleans())
    def close(self, data: st.DataObject, gone: bool) -> None:
        round_ = self.pick(data)
        try:
            self.keep(round_.close(ExecutionGone() if gone else ExecutionEnded(), self.tick()))
        except InvalidTransition:
            assert round_.state not in (State.WAITING, State.STUCK)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        round_ = self.pick(data)
        try:
            reopened = round_.reopen()
        except InvalidTransition:
            assert not round_.can_reopen
            return
        assert round_ == self.latest  # a newer output would have ended it
        del self.over[round_.id]
        self.keep(reopened)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data())
    def dismiss(self, data: st.DataObject) -> None:
        round_ = self.pick(data)
        try:
            transition = round_.dismiss(BEN, "Started again.", self.tick())
        except InvalidTransition:
            assert not round_.can_dismiss
            return
        assert round_ == self.latest
        assert transition.round.state is State.CLOSED
        assert not transition.round.can_reopen
        told = EffectKind.NOTIFY_STUCK in kinds(transition.effects)
        assert told == (round_.decision is not None and not round_.decision.is_by(BEN.id))
        self.keep(transition)

    @precondition(lambda self: self.rounds)
    @rule(data=st.data())
    def sign(self, data: st.DataObject) -> None:
        """The crew went on; only a round in doubt is told of that."""
        round_ = self.pick(data)
        try:
            self.keep(round_.took_effect(self.tick()))
        except InvalidTransition:
            assert round_.state not in (State.DECIDED, State.STUCK) or not round_.in_doubt

    def pick(self, data: st.DataObject) -> Round:
        return self.rounds[data.draw(st.sampled_from(sorted(self.rounds)))]

    @invariant()
    def a_decision_is_made_once_and_stays(self) -> None:
        for round_ in self.rounds.values():
            assert round_.decision == self.decisions.get(round_.id)
            needs_one = round_.state in (State.DECIDED, State.RESUMED, State.STUCK)
            assert not needs_one or round_.decision is not None

    @invariant()
    def nothing_is_approved_without_enough_different_people(self) -> None:
        for round_ in self.rounds.values():
            voices = [voice for vote in round_.votes for voice in vote.voices]
            assert len(voices) == len(set(voices))
            assert len(round_.votes) <= round_.rule.approvals
            decision = round_.decision
            if decision is None:
                assert len(round_.votes) < round_.rule.approvals
            elif isinstance(decision.by, TimedOut):
                assert round_.rule.timeout is not None
                assert decision.is_approve == (round_.rule.timeout.then is TimeoutAction.APPROVE)
            elif decision.is_approve and round_.rule.approvals > 1:
                assert decision.votes == round_.votes
                assert len(decision.votes) == round_.rule.approvals

    @invariant()
    def only_the_latest_round_can_be_acted_on(self) -> None:
        for round_ in self.rounds.values():
            if round_ != self.latest:
                assert round_.state in (State.RESUMED, *OVER)

    @invariant()
    def what_is_over_stays_over_and_has_its_time(self) -> None:
        for round_ in self.rounds.values():
            if round_.id in self.over:
                assert round_.state is self.over[round_.id]
            if round_.state in (State.RESUMED, *OVER):
                self.over[round_.id] = round_.state
                assert round_.ended_at is not None
            else:
                assert round_.ended_at is None

    @invariant()
    def numbers_have_no_gaps(self) -> None:
        numbers = sorted(round_.number for round_ in self.rounds.values())
        assert numbers == list(range(1, len(numbers) + 1))


def kinds(effects: tuple[Effect, ...]) -> list[EffectKind]:
    return [effect.kind for effect in effects]


TestRounds = Rounds.TestCase
TestRounds.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=timedelta(seconds=5),
    suppress_health_check=[HealthCheck.too_slow],
)
