"""The checks of the soak see what they are there for."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.review import State
from crewgate.slack.reviews import buttons
from tests.soak.checks import check_everything
from tests.soak.database import Stored, StoredJob, StoredRound
from tests.soak.evidence import Applied, Card, CrewRecords, Evidence
from tests.soak.labels import CARE, Label, edited, text_of, topic
from tests.soak.ledger import Ledger, Outage, Press, TakenBack
from tests.soak.rules import (
    AWAY,
    BESIDE,
    COMES,
    DELEGATE,
    EXCLUDED,
    LEAD,
    MEANWHILE,
    STARTER,
    TIMED_OUT,
)
from tests.standins.crew import Execution, Sent, Urls
from tests.standins.crew import State as AtCrew
from tests.standins.workspace import Message, Reply

FIRST = Label(1, "draft", 1)
SECOND = Label(1, "draft", 2)
ROUND = StoredRound(
    id="r-1",
    execution_id="e-1",
    label=FIRST,
    number=1,
    state=State.RESUMED,
    reason="answered",
    in_doubt=False,
    is_approve=True,
    feedback=None,
    decided_by="U1",
    votes=(("U1", None),),
    crew="crew0",
    escalated=False,
    has_rule=False,
    card_ts="1.1",
)
PRESS = Press(
    by="U1",
    round_id="r-1",
    label=FIRST,
    is_approve=True,
    feedback="Approved.",
    sent_at=10,
    answered_at=11,
    reply=Reply(200),
)
APPLIED = Applied(FIRST, "e-1", is_approve=True, feedback="Approved.")
JOB = StoredJob(
    EffectKind.REFRESH, "r-1", "crew0", "e-1", datetime.now(UTC), datetime.now(UTC), tries=1
)


def an_execution(version: int = 0) -> Execution:
    """One that has ended, or waits with an output."""
    return Execution(
        id="e-1",
        inputs={"topic": topic(1)},
        meta=None,
        urls=Urls(),
        human_input=None,
        script=(),
        started_at=0,
        state=AtCrew.PENDING if version else AtCrew.COMPLETED,
        pending=["draft"] if version else [],
        outputs={"draft": "text"},
        rounds={"draft": max(version, 1)},
        feedbacks={},
        ended_at=None if version else 20,
    )


def a_webhook(kind: str, *, status: int | None, at: float) -> Sent:
    return Sent(kind=kind, url="", body={}, raw=b"", headers={}, status=status, at=at)


def a_card(*buttons: str) -> Card:
    elements = [{"type": "button", "action_id": button} for button in buttons]
    block = {"type": "actions", "elements": elements}
    return Card("r-1", Message(channel="C1", ts="1.1", user="U1", text="", blocks=(block,)))


@pytest.fixture
def evidence() -> Evidence:
    """One execution that went as it should."""
    crews = CrewRecords(executions={"e-1": an_execution()}, applied=[APPLIED], announced={FIRST: 5})
    stored = Stored((ROUND,), (), frozenset({"e-1"}))
    return Evidence(crews, stored, Ledger(presses=[PRESS]), {"r-1": a_card()}, Counter({"k": 1}))


def only_problem(evidence: Evidence) -> str:
    [problem] = check_everything(evidence)
    return problem


def test_what_went_as_it_should_is_no_problem(evidence: Evidence) -> None:
    assert not check_everything(evidence)


def test_an_execution_that_waits_with_an_output_that_the_bot_has_heard(evidence: Evidence) -> None:
    evidence.crews.executions["e-1"] = an_execution(version=2)
    evidence.crews.announced[SECOND] = 15
    assert "soak-1/draft/v2 is Pending" in only_problem(evidence)


def test_an_execution_whose_pause_was_lost_while_the_bot_was_dead_is_excused(
    evidence: Evidence,
) -> None:
    evidence.crews.executions["e-1"] = an_execution(version=2)
    evidence.crews.unannounced[SECOND] = a_webhook("human_input", status=None, at=15)
    assert "was answered" in only_problem(evidence)
    evidence.ledger.outages.append(Outage(14, 16))
    assert not check_everything(evidence)
    assert evidence.excused["executions whose pause the bot could not hear"] == 1


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_webhook_that_was_refused(evidence: Evidence, status: int) -> None:
    evidence.ledger.outages.append(Outage(14, 16))
    evidence.crews.failed_updates["e-1"] = [a_webhook("task", status=status, at=15)]
    assert f"a task webhook was answered {status}" in only_problem(evidence)


@pytest.mark.parametrize("state", [State.WAITING, State.DECIDED, State.STUCK])
def test_a_round_that_is_not_over(evidence: Evidence, state: State) -> None:
    evidence.stored = replace(evidence.stored, rounds=(replace(ROUND, state=state),))
    evidence.cards["r-1"] = a_card(
        *{State.WAITING: ["approve"], State.STUCK: ["retry"]}.get(state, [])
    )
    assert f"is {state}" in only_problem(evidence)


def test_an_effect_that_is_left(evidence: Evidence) -> None:
    evidence.stored = replace(evidence.stored, jobs=(JOB,))
    assert "refresh of e-1" in only_problem(evidence)


def test_an_effect_past_its_give_up_time(evidence: Evidence) -> None:
    poll = replace(JOB, kind=EffectKind.POLL_STATUS)
    evidence.stored = replace(evidence.stored, jobs=(poll,))
    assert not check_everything(evidence)
    old = replace(poll, created_at=poll.created_at - timedelta(days=15))
    evidence.stored = replace(evidence.stored, jobs=(old,))
    assert "should have been given up" in only_problem(evidence)


def test_a_decision_that_was_applied_twice(evidence: Evidence) -> None:
    evidence.crews.applied.append(APPLIED)
    assert any("the same decision 2 times" in one for one in check_everything(evidence))


def test_a_decision_on_an_output_that_its_reviewer_did_not_see(evidence: Evidence) -> None:
    evidence.crews.applied.append(replace(APPLIED, label=SECOND))
    assert "whose reviewer saw soak-1/draft/v1" in only_problem(evidence)


def test_it_is_excused_where_the_newer_output_could_not_be_heard(evidence: Evidence) -> None:
    evidence.crews.applied.append(replace(APPLIED, label=SECOND))
    evidence.crews.unannounced[SECOND] = a_webhook("human_input", status=None, at=15)
    evidence.ledger.outages.append(Outage(14, 16))
    assert not check_everything(evidence)


@pytest.mark.parametrize(("taken_at", "excused"), [(14.9, True), (15.1, False)])
def test_it_is_excused_while_the_newer_output_is_on_its_way(
    evidence: Evidence, taken_at: float, *, excused: bool
) -> None:
    evidence.crews.applied.append(replace(APPLIED, label=SECOND))
    evidence.crews.announced[SECOND] = 15
    evidence.crews.resumed_at[SECOND] = taken_at
    assert bool(check_everything(evidence)) is not excused


def test_a_decision_that_nobody_took(evidence: Evidence) -> None:
    evidence.crews.applied.append(replace(APPLIED, feedback="Never mind."))
    assert "that nobody took" in only_problem(evidence)


def test_a_decision_that_the_crew_never_got(evidence: Evidence) -> None:
    evidence.crews.applied.clear()
    assert "says that the crew took it (answered); it did 0 times" in only_problem(evidence)


def test_a_decision_that_was_sent_although_its_card_denies_it(evidence: Evidence) -> None:
    closed = replace(ROUND, state=State.CLOSED, reason="never_sent")
    evidence.stored = replace(evidence.stored, rounds=(closed,))
    assert "was never sent, and the crew took it" in only_problem(evidence)


def test_a_press_that_was_acknowledged_and_forgotten(evidence: Evidence) -> None:
    evidence.crews.applied.clear()
    forgotten = replace(ROUND, state=State.WAITING, decided_by=None, is_approve=None)
    evidence.stored = replace(evidence.stored, rounds=(forgotten,))
    evidence.cards["r-1"] = a_card("approve", "revise")
    assert any("without a decision" in one for one in check_everything(evidence))


def test_a_card_that_still_offers_to_decide(evidence: Evidence) -> None:
    evidence.cards["r-1"] = a_card("approve", "revise")
    assert "of soak-1/draft/v1 offers" in only_problem(evidence)


def test_a_direct_message_that_differs(evidence: Evidence) -> None:
    evidence.direct = (a_card(), a_card("approve"))
    assert "offers {'approve'}; it is RESUMED" in only_problem(evidence)


def test_a_decision_that_nothing_says_was_taken(evidence: Evidence) -> None:
    """The next output was lost while the bot was dead, and so was the answer."""
    stuck = replace(ROUND, state=State.STUCK, reason="refused_by_crew", in_doubt=True)
    evidence.stored = Stored((stuck,), (), frozenset())
    evidence.cards["r-1"] = a_card(buttons.RETRY.id)
    assert "is STUCK" in only_problem(evidence)
    evidence.crews.executions["e-1"] = an_execution(version=2)
    evidence.crews.unannounced[SECOND] = a_webhook("human_input", status=None, at=15)
    evidence.ledger.outages.append(Outage(10, 20))
    assert not check_everything(evidence)
    evidence.stored = Stored((replace(stuck, in_doubt=False),), (), frozenset())
    assert "is STUCK" in only_problem(evidence)


def test_a_round_without_a_card(evidence: Evidence) -> None:
    evidence.cards.clear()
    assert "has no card" in only_problem(evidence)


def test_a_message_that_was_posted_twice(evidence: Evidence) -> None:
    evidence.keys["k"] = 2
    assert "posted 2 times" in only_problem(evidence)


def test_a_reminder_that_came_again_because_its_round_was_opened_again(evidence: Evidence) -> None:
    evidence.keys["reminder r-1 1"] = 2
    assert "posted 2 times" in only_problem(evidence)
    evidence.ledger.reopened["r-1"] = 1
    assert not check_everything(evidence)


def test_a_text_that_nobody_approved(evidence: Evidence) -> None:
    own = edited(text_of(FIRST), 7, care=False)
    evidence.crews.applied[:] = [replace(APPLIED, edited=own)]
    assert "goes on with what nobody approved" in only_problem(evidence)
    evidence.ledger.presses[:] = [replace(PRESS, round_id="r-0", edit=7)]
    evidence.stored = replace(evidence.stored, rounds=(replace(ROUND, edit=7),))
    assert not check_everything(evidence)
    evidence.crews.applied[:] = [replace(APPLIED, edited=f"{own} And more.")]
    assert "goes on with what nobody approved" in only_problem(evidence)
    evidence.crews.applied[:] = [APPLIED]
    assert "goes on with what nobody approved" in only_problem(evidence)


def test_a_notice_that_came_again_because_somebody_pressed_retry(evidence: Evidence) -> None:
    evidence.keys.update(["stuck r-1 2026", "stuck r-1 2027"])
    assert "told of as stuck 2 times" in only_problem(evidence)
    evidence.ledger.retries["r-1"] = 1
    assert not check_everything(evidence)


# --- of decisions under rules

TWO_EYES, SENT_BACK, STOOD_IN, AS_WRITTEN = "crew1", "crew2", "crew3", "crew5"
ANA, BEN = "U0PERSON1", "U0PERSON2"
UNDER_RULE = replace(ROUND, crew=TWO_EYES, has_rule=True, decided_by=BEN)
TIMED = replace(
    ROUND,
    crew=SENT_BACK,
    has_rule=True,
    is_approve=False,
    feedback=TIMED_OUT,
    decided_by="",
    votes=(),
)


def decided(
    *by: str, crew: str = TWO_EYES, absent: str | None = None, escalated: bool = False
) -> Evidence:
    """A round that these people approved, the first of them for somebody else where one is away."""
    votes = ((by[0], absent), *((one, None) for one in by[1:]))
    round_ = replace(UNDER_RULE, crew=crew, votes=votes, decided_by=by[-1], escalated=escalated)
    presses = [replace(PRESS, by=one) for one in by]
    return evidence_of(round_, Ledger(presses=presses, posted={"r-1": 5}))


def timed_out(*, posted: float | None = 5, **changed: object) -> Evidence:
    """A round that its rule decided."""
    cards = {} if posted is None else {"r-1": posted}
    return evidence_of(replace(TIMED, **changed), Ledger(posted=cards))  # type: ignore[arg-type]


def with_care(evidence: Evidence, words: str | None = None) -> Evidence:
    """The same with what the rule asks for more for, and words that were sent with it."""
    [round_] = evidence.stored.rounds
    careful = replace(round_, is_careful=True, feedback=words)
    evidence.stored = replace(evidence.stored, rounds=(careful,))
    evidence.ledger.presses[0] = replace(evidence.ledger.presses[0], feedback=f"Fine, {CARE}.")
    evidence.crews.applied[0] = replace(APPLIED, feedback=words or "Approved.")
    return evidence


def evidence_of(round_: StoredRound, ledger: Ledger) -> Evidence:
    applied = Applied(
        FIRST, "e-1", is_approve=bool(round_.is_approve), feedback=round_.feedback or "Approved."
    )
    crews = CrewRecords(
        executions={"e-1": an_execution()}, applied=[applied], resumed_at={FIRST: 12}
    )
    stored = Stored((round_,), (), frozenset({"e-1"}))
    return Evidence(crews, stored, ledger, {"r-1": a_card()}, Counter())


@pytest.mark.parametrize(
    "evidence",
    [
        decided(ANA, BEN),
        decided(STARTER, ANA),
        decided(DELEGATE, BESIDE, crew=STOOD_IN, absent=AWAY),
        decided(MEANWHILE, BESIDE, crew=STOOD_IN, absent=COMES),
        decided(ANA, LEAD, crew="crew4", escalated=True),
        timed_out(),
        decided(ANA, crew=AS_WRITTEN),
        with_care(decided(ANA, BEN, crew=AS_WRITTEN), f"Ana: Fine, {CARE}."),
    ],
)
def test_what_the_rule_allows_is_no_problem(evidence: Evidence) -> None:
    assert not check_everything(evidence)


@pytest.mark.parametrize(
    ("evidence", "problem"),
    [
        (decided(ANA), "was approved by 1 of 2"),
        (decided(ANA, ANA), "counts somebody twice"),
        (decided(AWAY, BESIDE, crew=STOOD_IN), "may not under “stood in for”"),
        (decided(MEANWHILE, COMES, crew=STOOD_IN, absent=COMES), "counts somebody twice"),
        (decided(DELEGATE, BESIDE, crew=STOOD_IN), "may not under “stood in for”"),
        (decided(EXCLUDED, ANA), "may not under “two eyes”"),
        (decided(ANA, LEAD, crew="crew4"), "may not under “passed in time”"),
        (timed_out(posted=None), "timed out, and its card was not there"),
        (timed_out(feedback="Else."), "its rule says revise"),
        (timed_out(crew=TWO_EYES), "its rule says leave"),
        (timed_out(has_rule=False), "has lost its rule"),
        (timed_out(posted=20), "came 8 s after its end"),
        (with_care(decided(ANA, crew=AS_WRITTEN)), "was approved by 1 of 2"),
        (with_care(decided(ANA, BEN, crew=AS_WRITTEN), "Ana: No."), "nobody sent the decision"),
        (
            timed_out(crew=AS_WRITTEN, is_approve=True, feedback=None, is_careful=True),
            "its rule says leave",
        ),
    ],
)
def test_what_it_does_not_allow_is_told(evidence: Evidence, problem: str) -> None:
    assert any(problem in one for one in check_everything(evidence))


def test_an_approval_by_who_started_it() -> None:
    evidence = decided(STARTER, ANA)
    evidence.ledger.started.add(FIRST.number)
    assert "and started it" in check_everything(evidence)[0]


def test_an_approval_that_nobody_gave() -> None:
    evidence = decided(ANA, BEN)
    evidence.ledger.presses.pop(0)
    assert f"{ANA} did not approve" in check_everything(evidence)[0]


@pytest.mark.parametrize(("at", "wrong"), [(9, True), (11, False)])
def test_an_approval_that_was_taken_back(at: float, *, wrong: bool) -> None:
    evidence = decided(ANA, BEN)
    evidence.ledger.presses[0] = replace(evidence.ledger.presses[0], sent_at=8)
    evidence.ledger.taken_back.append(TakenBack(ANA, "r-1", at))
    assert bool(check_everything(evidence)) is wrong


def test_a_decision_that_was_sent_again_while_it_was_under_way() -> None:
    evidence = decided(ANA, BEN)
    evidence.crews.repeated.append((FIRST, (12, 14)))
    assert "again after 2.0 s, with no doubt" in check_everything(evidence)[0]
    evidence.ledger.outages.append(Outage(13, 15))
    assert not check_everything(evidence)


def test_a_card_that_is_posted_after_a_newer_output_was_announced() -> None:
    evidence = decided(ANA, BEN)
    evidence.crews.announced[SECOND] = 10
    evidence.ledger.posted["r-1"] = 14
    assert "came 4 s after its end" in check_everything(evidence)[0]


def test_a_round_that_was_over_before_it_had_a_card() -> None:
    superseded = replace(TIMED, state=State.SUPERSEDED, decided_by=None, is_approve=None)
    evidence = evidence_of(superseded, Ledger())
    evidence.crews.applied.clear()
    evidence.cards.clear()
    assert not check_everything(evidence)
