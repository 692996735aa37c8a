"""The answers that a flow takes, and the effect of its responses on a round."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.answering import interpret, is_open_to_assigned, needs_approvals, rule_for
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import VerdictMisplaced, VotedOtherwise
from crewgate.domain.notification import Ask, Question
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    Unknown,
)
from crewgate.domain.people import Email, User, UserGroup
from crewgate.domain.reason import (
    AnsweredElsewhere,
    AnswerLost,
    ExecutionEnded,
    ExecutionGone,
    Inferred,
    NeverSent,
    NotReached,
    PerhapsTaken,
    Reason,
    RefusedByCrew,
    RequestGone,
    TakenAs,
    TimeOver,
)
from crewgate.domain.receipt import receive_request
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Rule, TimeOut, TimeoutAction
from crewgate.domain.subjects import WORK, Subject
from crewgate.domain.verdict import (
    Answer,
    Approve,
    Refuse,
    Revise,
    Verdict,
    answer_in,
    approves,
    choice_of,
    combined_answer,
)
from tests.builders import (
    ANA,
    BEN,
    LATER,
    NOW,
    Numbered,
    a_decision,
    a_flow_request,
    a_review,
    a_round,
    a_vote,
)

QUESTION = Question(request_id="8412", outcomes=("approved", "rejected", "needs_revision"))
OPEN = Question(request_id="8412", outcomes=("approved", "lgtm", "publish"))
LABEL = Answer("approved", is_label=True)
DECIDED = a_round(subject=QUESTION).decide(a_decision(LABEL)).round
SENDING = DECIDED.begin_sending(NOW, activity_count=0)
TAKEN = Delivered("ok", label="approved")
ANSWERED = Refused("409", "already answered", RefusalKind.ANSWERED)
SPENT = Refused("401", "no", RefusalKind.SPENT)
GONE = Refused("404", "what?", RefusalKind.REQUEST_GONE)
OVER = Refused("410", "expired", RefusalKind.REQUEST_OVER)
ASK = Question(request_id="8413", ask=Ask(place="talk 1", expires_at=LATER))
CALL = ToolCall("send_email")
NOTIFIED = (EffectKind.REFRESH, EffectKind.NOTIFY_STUCK)


@pytest.mark.parametrize(
    ("verdict", "subject", "suited"),
    [
        (Approve(), WORK, Approve()),
        (Revise("Shorter."), WORK, Revise("Shorter.")),
        (Approve(), CALL, Approve()),
        (Revise("Ask Ann."), CALL, Refuse("Ask Ann.")),
        (LABEL, CALL, None),
        (LABEL, QUESTION, LABEL),
        (Revise("Shorter."), QUESTION, Answer("Shorter.")),
        (Revise("rejected"), QUESTION, Answer("rejected", is_label=True)),
        (Approve(), QUESTION, None),
        (LABEL, WORK, None),
        (Answer("published", is_label=True), QUESTION, None),
    ],
)
def test_a_question_is_answered_work_revised_and_a_call_refused(
    verdict: Verdict, subject: Subject, suited: Verdict | None
) -> None:
    if suited is None:
        with pytest.raises(VerdictMisplaced):
            interpret(verdict, subject)
    else:
        assert interpret(verdict, subject) == suited


def test_whom_a_request_assigns_decide_where_nobody_is_named() -> None:
    assigned = replace(QUESTION, assigned=(Email("a@example.com"),))
    rule = Rule(name="two eyes", approvals=2)
    theirs = replace(rule, reviewers=(User("U0ANA"),))
    assert rule_for(assigned, NO_RULE, reviewers=False) == Rule(
        name="", reviewers=assigned.assigned
    )
    assert rule_for(assigned, rule, reviewers=False) == replace(rule, reviewers=assigned.assigned)
    assert rule_for(assigned, theirs, reviewers=False) == theirs
    assert rule_for(assigned, rule, reviewers=True) == rule
    assert rule_for(QUESTION, NO_RULE, reviewers=False) == NO_RULE


def test_words_are_one_persons() -> None:
    """The other options of the rule stay."""
    groups = (UserGroup("S1"), UserGroup("S2"))
    needed = tuple((group, 1) for group in groups)
    rule = Rule(name="both", reviewers=groups, approvals=2, approvals_from=needed)
    one = replace(rule, approvals=1, approvals_from=())
    assert rule_for(ASK, rule, reviewers=True) == one
    assert rule_for(ASK, NO_RULE, reviewers=True) == NO_RULE


def test_whom_a_request_assigns_decide_for_as_long_as_the_settings_name_nobody_for_it() -> None:
    assigned = replace(QUESTION, assigned=(Email("a@example.com"),))
    named = Rule(name="theirs", reviewers=(User("U0ANA"),))
    theirs = replace(named, reviewers=assigned.assigned)

    def is_open(rule: Rule, *rules: Rule, reviewers: bool = False) -> bool:
        return is_open_to_assigned(assigned, rule, rules, reviewers=reviewers)

    assert is_open(NO_RULE)
    assert is_open(replace(named, reviewers=None))
    assert is_open(theirs, replace(named, reviewers=None))
    assert not is_open(theirs, reviewers=True)
    assert not is_open(theirs, named)
    assert not is_open(named)
    assert not is_open_to_assigned(WORK, theirs, (), reviewers=False)


# outcome, in doubt -> state, reason, still perhaps taken
TABLE: list[tuple[Outcome, bool, State, Reason, bool]] = [
    (TAKEN, False, State.RESUMED, TakenAs("approved", "ok"), True),
    (TAKEN, True, State.RESUMED, TakenAs("approved", "ok"), True),
    (ANSWERED, False, State.CLOSED, AnsweredElsewhere("already answered"), False),
    (ANSWERED, True, State.CLOSED, PerhapsTaken("already answered"), True),
    (SPENT, False, State.STUCK, RefusedByCrew("401", "no"), False),
    (SPENT, True, State.CLOSED, PerhapsTaken("no"), True),
    (GONE, False, State.CLOSED, RequestGone("404", "what?"), False),
    (GONE, True, State.CLOSED, RequestGone("404", "what?"), True),
    (OVER, False, State.CLOSED, RequestGone("410", "expired"), False),
    (OVER, True, State.CLOSED, RequestGone("410", "expired"), True),
    (Refused("400", "odd"), False, State.STUCK, RefusedByCrew("400", "odd"), False),
    (Refused("400", "odd"), True, State.STUCK, RefusedByCrew("400", "odd"), True),
    (NotSent("away"), False, State.DECIDED, NotReached("away"), False),
    (NotSent("away"), True, State.DECIDED, NotReached("away"), True),
    (Unknown("lost"), False, State.DECIDED, AnswerLost("lost"), True),
]


@pytest.mark.parametrize(("outcome", "in_doubt", "state", "reason", "perhaps"), TABLE)
def test_what_a_flow_says_never_claims_more_than_is_known(
    outcome: Outcome, in_doubt: bool, state: State, reason: Reason, perhaps: bool
) -> None:
    transition = SENDING.settle(outcome, in_doubt=in_doubt, retries_exhausted=False, at=LATER)
    after = transition.round
    assert (after.state, after.reason, after.in_doubt) == (state, reason, perhaps)
    if state in (State.CLOSED, State.STUCK):
        assert tuple(effect.kind for effect in transition.effects) == NOTIFIED


@pytest.mark.parametrize("in_doubt", [False, True])
def test_time_that_is_over_took_no_answer(in_doubt: bool) -> None:
    """That holds for an answer in doubt too: the flow would say that it has an answer."""
    sending = a_round(subject=ASK).decide(a_decision(Answer("Tea."))).round
    sending = sending.begin_sending(NOW, activity_count=0)
    over = sending.settle(OVER, in_doubt=in_doubt, retries_exhausted=False, at=LATER)
    assert (over.round.state, over.round.reason) == (State.CLOSED, TimeOver())
    assert not over.round.in_doubt
    assert tuple(effect.kind for effect in over.effects) == NOTIFIED


@pytest.mark.parametrize(
    ("verdict", "subject"),
    [(Approve(), ASK), (Revise("No."), ASK), (Approve(), QUESTION), (LABEL, WORK)],
)
def test_no_round_takes_a_verdict_of_another_kind(verdict: Verdict, subject: Subject) -> None:
    with pytest.raises(VerdictMisplaced):
        a_round(subject=subject).decide(a_decision(verdict))


def settle_late(moved_on: Round, outcome: Outcome, *, in_doubt: bool = False) -> Round:
    return moved_on.settle(outcome, in_doubt=in_doubt, retries_exhausted=False, at=LATER).round


def test_a_newer_request_says_that_somebody_answered_and_not_who() -> None:
    moved_on = SENDING.supersede_decided(LATER).round
    assert (moved_on.state, moved_on.reason) == (State.CLOSED, PerhapsTaken())
    assert not moved_on.may_be_sent
    taken = settle_late(moved_on, Delivered(label="approved"))
    assert (taken.state, taken.reason) == (State.RESUMED, TakenAs("approved"))
    refused = settle_late(moved_on, ANSWERED)
    assert (refused.state, refused.reason) == (State.CLOSED, AnsweredElsewhere())
    assert not refused.in_doubt
    assert settle_late(moved_on, NotSent("away"), in_doubt=True) == moved_on
    assert DECIDED.supersede_decided(LATER).round.reason == NeverSent()


def test_an_execution_that_ended_says_that_somebody_answered() -> None:
    stuck = settle_late(SENDING, Refused("400", "odd"), in_doubt=True)
    ended = stuck.close(ExecutionEnded(), LATER).round
    assert (ended.state, ended.reason) == (State.CLOSED, PerhapsTaken())
    crews = replace(stuck, subject=WORK).close(ExecutionEnded(), LATER).round
    assert (crews.state, crews.reason) == (State.RESUMED, Inferred())


def test_somebody_else_may_answer_first() -> None:
    waiting = a_round(subject=QUESTION)
    closed = waiting.close(AnsweredElsewhere(), LATER)
    assert (closed.round.state, closed.round.reason) == (State.CLOSED, AnsweredElsewhere())
    assert [effect.kind for effect in closed.effects] == [EffectKind.REFRESH]
    stuck = settle_late(SENDING, Refused("400", "odd"), in_doubt=True)
    assert stuck.close(AnsweredElsewhere(), LATER).round.reason == PerhapsTaken()


def test_a_rule_answers_as_it_would_decide() -> None:
    def of(then: TimeoutAction, question: Question) -> Verdict | None:
        timeout = TimeOut(Duration.parse("1h"), then, "Too late.")
        rule = Rule(name="late", timeout=timeout)
        decided = a_round(subject=question, rule=rule).time_out(LATER).round.decision
        return None if decided is None else decided.verdict

    unnamed = replace(QUESTION, outcomes=("publish",))
    assert of(TimeoutAction.APPROVE, QUESTION) == LABEL
    assert of(TimeoutAction.REVISE, QUESTION) == Answer("Too late.")
    assert of(TimeoutAction.APPROVE, unnamed) is None
    assert of(TimeoutAction.LEAVE, QUESTION) is None


def test_an_outcome_that_approves_needs_the_approvals_of_its_rule() -> None:
    waiting = a_round(subject=QUESTION, rule=Rule(name="two eyes", approvals=2))
    once = waiting.approve(a_vote(ANA), LABEL).round
    assert once.state is State.WAITING
    twice = once.approve(a_vote(BEN), LABEL).round
    assert twice.decision is not None
    assert (twice.decision.verdict, len(twice.decision.votes)) == (LABEL, 2)
    assert approves(LABEL)
    assert approves(Approve())
    assert not approves(Answer("approved"))
    assert not approves(Revise("No."))


@pytest.mark.parametrize(
    ("verdict", "needs"),
    [
        (Approve(), True),
        (Revise("No."), False),
        (LABEL, True),
        (Answer("publish", is_label=True), True),
        (Answer("rejected", is_label=True), False),
        (Answer("needs_revision", is_label=True), False),
        (Answer("Approved!"), False),
    ],
)
def test_all_but_what_rejects_or_asks_for_changes_needs_the_approvals(
    verdict: Verdict, needs: bool
) -> None:
    assert needs_approvals(verdict, Rule(name="two eyes")) is needs
    assert needs_approvals(verdict, NO_RULE) is needs


@pytest.mark.parametrize(
    "rule", [Rule(name="two eyes", approvals=2), Rule(name="others", self_approval=False)]
)
@pytest.mark.parametrize("words", ["Approved!", "No.", "Approve it once the date is right."])
def test_so_do_words_where_not_anybody_s_approval_is_enough(rule: Rule, words: str) -> None:
    """A model can turn any words into any label."""
    assert needs_approvals(Answer(words), rule)


@pytest.mark.parametrize(
    ("words", "outcomes", "label"),
    [
        ("Approved", ("approved",), "approved"),
        (" needs  Revision ", ("needs revision",), "needs revision"),
        ("yes", ("Yes", "yes"), "yes"),
        ("YES", ("Yes", "yes"), None),
        ("Approved, mostly.", ("approved",), None),
    ],
)
def test_words_that_name_an_outcome_are_it(
    words: str, outcomes: tuple[str, ...], label: str | None
) -> None:
    found = interpret(Revise(words), replace(QUESTION, outcomes=outcomes))
    assert found == (Answer(words) if label is None else Answer(label, is_label=True))


# --- several who approve ---


def test_those_who_vote_choose_the_same() -> None:
    publish = Answer("publish", is_label=True)
    assert (answer_in(publish), answer_in(LABEL)) == ("publish", LABEL.text)
    assert (answer_in(Answer(" ok.")), answer_in(Approve())) == (None, None)
    assert answer_in(Answer("Publish it.")) == "Publish it."
    votes = (a_vote(answer="publish"), a_vote(answer=LABEL.text), a_vote())
    assert list(map(choice_of, votes)) == ["publish", None, None]
    waiting = a_round(subject=OPEN, rule=Rule(name="two eyes", approvals=2))
    once = waiting.approve(a_vote(ANA, answer="publish"), publish).round
    with pytest.raises(VotedOtherwise) as refused:
        once.approve(a_vote(BEN, answer=LABEL.text), LABEL)
    assert refused.value.vote == a_vote(ANA, answer="publish")
    assert once.approve(a_vote(BEN, answer="publish"), publish).round.state is State.DECIDED


def test_beside_an_outcome_words_that_approve_are_that_outcome() -> None:
    """A model would read the words, and may choose another label."""
    words, lgtm = Answer("ok"), Answer("lgtm", is_label=True)
    before = (a_vote(ANA, answer="approved"), a_vote(answer="lgtm"), a_vote(BEN))
    assert combined_answer(before, words) == lgtm
    assert combined_answer(before, LABEL) == LABEL
    assert combined_answer((a_vote(ANA),), words) == words
    assert combined_answer(before, Approve()) is None
    others = Answer("Publish it.")
    assert combined_answer((a_vote(ANA, answer=others.text),), others) == others


# --- requests ------------------------------------------------------------------------------------


def receive(
    latest: Round | None, known: Round | None = None, **changes: Any
) -> tuple[State | None, Round, list[EffectKind]]:
    receipt = receive_request(
        known,
        latest,
        a_flow_request(**changes),
        review=a_review(),
        at=LATER,
        new_id=Numbered(),
    )
    ended = receipt.ended.state if receipt.ended else None
    return ended, receipt.current, [effect.kind for effect in receipt.effects]


def test_the_first_request_opens_round_1() -> None:
    ended, opened, effects = receive(None)
    assert (ended, opened.number, effects) == (None, 1, [EffectKind.POST])
    assert opened.subject == a_flow_request().question
    assert not opened.unchanged


@pytest.mark.parametrize(
    ("latest", "becomes"),
    [
        (a_round(subject=QUESTION), State.SUPERSEDED),
        (DECIDED, State.CLOSED),
        (SENDING, State.CLOSED),
        (replace(DECIDED, state=State.STUCK), State.CLOSED),
        (replace(DECIDED, state=State.RESUMED), None),
        (a_round(subject=QUESTION).close(ExecutionGone(), NOW).round, State.SUPERSEDED),
        (a_round(subject=QUESTION).close(ExecutionEnded(), NOW).round, None),
    ],
)
def test_a_new_request_ends_the_round_before(latest: Round, becomes: State | None) -> None:
    ended, opened, effects = receive(latest, request_id="8413")
    assert (ended, opened.number) == (becomes, latest.number + 1)
    assert effects[-1] is EffectKind.POST


def test_the_same_output_after_changes_were_asked_for_is_said_to_be_unchanged() -> None:
    asked = replace(
        a_round(subject=QUESTION), digest=a_flow_request().output.digest, state=State.RESUMED
    )
    for verdict, unchanged in (
        (Answer("needs_revision", is_label=True), True),
        (Answer("approved", is_label=True), False),
        (Answer("needs_revision"), False),
    ):
        latest = replace(asked, decision=a_decision(verdict))
        assert receive(latest, request_id="2")[1].unchanged is unchanged


def test_a_repeated_request_changes_nothing_and_an_escalated_one_calls() -> None:
    waiting = a_round(subject=QUESTION)
    assert receive(None, waiting) == (None, waiting, [])
    same = {"escalation": True, "assigned": ()}
    called = a_round(subject=replace(QUESTION, called_at=LATER))
    assert receive(None, waiting, **same) == (None, called, [EffectKind.CALL_ASSIGNED])
    assert receive(None, DECIDED, escalation=True) == (None, DECIDED, [])
