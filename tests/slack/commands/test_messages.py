"""Answers to commands: lists that fit, links that are safe, and what is true now."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.acts import ToolCall
from crewgate.domain.caveats import Claim
from crewgate.domain.execution import ExecutionState
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.reason import ExecutionEnded, RefusedByCrew
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Revise
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.commands import (
    render_ambiguous,
    render_execution,
    render_help,
    render_overview,
    render_pending,
    render_unknown_execution,
)
from crewgate.slack.words import names
from crewgate.slack.words.names import Deciders, Link, moment
from crewgate.usecases.queries import CrewHealth, Overview
from crewgate.usecases.read_models import (
    COUNTED,
    CrewStatus,
    CrewUnavailable,
    ExecutionLine,
    ExecutionPosting,
    ExecutionStatus,
    Failing,
    MessageRef,
    Progress,
    QueuePart,
    RoundLine,
)
from tests.builders import ANA, BEN, LATER, a_decision, a_round, an_execution
from tests.slack.rendering import REF, check_message, read, rounds


def linked(ref: MessageRef) -> str | None:
    return f"https://example.slack.com/archives/{ref.channel}/p1?thread_ts={ref.ts}&cid=C1"


def unlinked(_: MessageRef) -> str | None:
    return None


HEALTH = CrewHealth("research", timedelta(milliseconds=12), None)


def ana(_: Round) -> str:
    return names.deciders((User(ANA.id),))


def pending(found: QueuePart, *, mine: bool = False, link: Link = unlinked) -> Message:
    return render_pending(found, now=LATER, mine=mine, link=link, deciders=ana)


def test_a_waiting_call_is_listed_with_its_arguments() -> None:
    round_ = a_round(subject=ToolCall(tool="send_email"))
    given = '{"to": "*ann*@x.example", "copies": 2, "text": "' + "word " * 100 + '"}'
    call = RoundLine(round=round_, card=None, excerpt=given, characters=len(given))
    shown = read(pending(QueuePart((call,), 1)))
    assert "to: *ann*@x.example, copies: 2, text: word word" in shown.replace("\u200b", "")
    assert shown.count("word") < 20
    work = replace(call, round=a_round())
    removed = replace(call, round=replace(round_, removed_at=LATER))
    for other in (work, removed):
        assert "x.example" not in read(pending(QueuePart((other,), 1)))


def overview(seen: Overview, *, link: Link = unlinked, deciders: Deciders = ana) -> Message:
    return render_overview(seen, now=LATER, link=link, deciders=deciders)


def a_posting(execution_id: str = "e-1", **changes: Any) -> ExecutionPosting:
    return ExecutionPosting(
        execution=an_execution(execution_id=execution_id, **changes),
        progress_message=None,
        channel="C2",
        thread_ts="2.0",
    )


lines = st.lists(
    st.tuples(rounds, st.sampled_from([None, REF])).map(
        lambda pair: RoundLine(round=pair[0], card=pair[1])
    ),
    max_size=5,
).map(lambda some: tuple(some * 30))


@settings(max_examples=25)
@given(lines)
def test_lists_are_within_the_limits_however_much_there_is(some: tuple[RoundLine, ...]) -> None:
    progress = Progress(
        status=CrewStatus.RUNNING,
        word="running",
        current_task="<!channel>" * 99,
        completed_tasks=2,
        total_tasks=3,
        error="<@U666>" * 99,
    )
    check_message(pending(QueuePart(some, len(some))))
    executions = tuple(ExecutionLine(a_posting(step="<!here>" * 9), (line,)) for line in some)
    check_message(
        overview(
            Overview(
                crews=(HEALTH,), executions=executions, stuck=1, waiting=2, sending=3, more=True
            )
        )
    )
    view = ExecutionStatus(an_execution("<@U666>" * 99, "<!here>" * 99), some, progress)
    check_message(render_execution(view, now=LATER, link=unlinked))
    candidates = [(line.round.review.crew, line.round.review.execution_id) for line in some]
    check_message(render_ambiguous("<!channel>" * 99, candidates))
    check_message(render_unknown_execution("<!channel>" * 99))


def test_pending_names_the_oldest_first_with_a_link_and_how_long_it_waited() -> None:
    round_ = a_round(opened_at=LATER - timedelta(hours=2, minutes=5))
    line = RoundLine(
        round=round_, card=REF, topic="tea", notes=2, noted_by=(BEN,), claim=Claim(ANA, LATER)
    )
    message = pending(QueuePart((line,), 4), mine=True, link=linked)
    assert message.text == "4 reviews wait for you"
    shown = read(message)
    assert (
        ":hourglass: *<https://example.slack.com/archives/C1/p1?thread_ts=1.0&amp;cid=C1|Draft>*"
        " · tea · research · round 1 · for <@U0ANA> · waiting for 2 h 5 min"
        " · :eyes: <@U0ANA> is on it · :memo: 2 notes from <@U0BEN>"
    ) in shown
    assert "These are the oldest. The app's Home shows all 4." in shown


def test_what_all_rows_share_stands_once_above_them() -> None:
    lines = tuple(RoundLine(round=a_round(number=n), card=None) for n in (1, 2))
    first, rows = read(pending(QueuePart(lines, 2))).split("\n", 1)
    assert first == "*2 reviews wait for <@U0ANA>* · research"
    assert rows.splitlines() == [
        f":hourglass: *Draft* · round {n} · waiting for 1 min" for n in (1, 2)
    ]
    runs = tuple(ExecutionLine(a_posting(f"e-{n}")) for n in (1, 2))
    shown = read(overview(Overview(crews=(), executions=runs)))
    assert shown.startswith("*Nothing waits* · research\n")
    assert shown.count("research") == 1


def test_nothing_pending_is_said() -> None:
    empty = QueuePart((), 0)
    assert pending(empty).text == "Nothing waits."
    assert pending(empty, mine=True).text == "Nothing waits for you."


def test_more_than_are_counted_is_said() -> None:
    message = pending(QueuePart((RoundLine(round=a_round(), card=None),), COUNTED + 1))
    assert message.text == "1,000+ reviews wait for a decision"
    assert "The app's Home shows all 1,000+." in read(message)


def test_one_that_waits_is_singular() -> None:
    message = pending(QueuePart((RoundLine(round=a_round(), card=None),), 1))
    assert message.text == "1 review waits for a decision"


@pytest.mark.parametrize("url", ["https://a.example/|<!channel>", "https://a.example/" + "x" * 999])
def test_a_link_that_could_do_harm_is_left_out(url: str) -> None:
    line = RoundLine(round=a_round(), card=REF)
    message = pending(QueuePart((line,), 1), link=lambda _: url)
    assert "a.example" not in read(message)


def test_what_does_not_fit_is_counted() -> None:
    many = tuple(RoundLine(round=a_round(number=n), card=REF) for n in range(1, 501))
    message = pending(QueuePart(many, 700), link=linked)
    shown = read(message).count(":hourglass:")
    assert 50 < shown < 500
    assert "The app's Home shows all 700." in read(message)
    execution = ExecutionStatus(an_execution(), many, CrewUnavailable("2 s"))
    answer = read(render_execution(execution, now=LATER, link=linked))
    assert "|Round 500 of Draft>" in answer
    assert "|Round 1 of Draft>" not in answer
    assert "earlier rounds are not shown" in answer
    candidates = [("research", f"{n}" * 20) for n in range(900)]
    assert re.search(r"and [0-9]+ more", read(render_ambiguous("7", candidates)))


@pytest.mark.parametrize(
    ("reviewers", "says"),
    [
        ((), ""),
        ((User(ANA.id),), " for <@U0ANA>"),
        ((User(ANA.id), User(BEN.id)), " for <@U0ANA> and <@U0BEN>"),
        ((UserGroup("S1"), Email("c@d.example")), " for <!subteam^S1> and c@d.example"),
        (
            tuple(User(f"U{n}") for n in range(5)),
            " for <@U0>, <@U1>, <@U2> and 2 more",
        ),
        ((Anyone(),), " for anyone in the channel"),
    ],
)
def test_an_execution_that_waits_says_for_whom(
    reviewers: tuple[ReviewerRef, ...], says: str
) -> None:
    posting = a_posting("abcdef-1234", inputs=(("topic", "tea"),), completed_tasks=1, total_tasks=3)
    line = ExecutionLine(
        posting, (RoundLine(round=a_round(), card=REF), RoundLine(round=a_round(), card=REF))
    )
    seen = Overview(crews=(HEALTH,), executions=(line,), stuck=0, waiting=1, sending=0)
    message = overview(seen, link=linked, deciders=lambda _: names.deciders(reviewers))
    assert message.text == "1 waits for a decision"
    assert (
        ":hourglass: *<https://example.slack.com/archives/C1/p1?thread_ts=1.0&amp;cid=C1|tea>*"
        f" · research · 1 of 3 tasks · Draft has waited 1 min{says} · and 1 more review"
        " · `abcdef-1`\n"
    ) in read(message) + "\n"


def test_what_needs_nobody_runs() -> None:
    running = ExecutionLine(a_posting("e-2", current_task="write_up", completed_tasks=1))
    message = overview(Overview(crews=(HEALTH,), executions=(running,)), link=linked)
    assert message.text == "Nothing waits"
    assert (
        ":gear: *<https://example.slack.com/archives/C2/p1?thread_ts=2.0&amp;cid=C1|e-2>*"
        " · research · 1 task done · at Write up, running for 1 min"
    ) in read(message)
    assert ":large_green_circle: *research* answers in 12 ms" in read(message)
    idle = overview(Overview(crews=(), executions=()))
    assert idle.text == "Nothing waits or runs"


@pytest.mark.parametrize("warning", [None, "connection refused"])
@pytest.mark.parametrize("late", [60, 0])
def test_a_crew_that_takes_no_decision_is_not_green(warning: str | None, late: int) -> None:
    failing = Failing(1, 10, LATER - timedelta(minutes=12), LATER + timedelta(seconds=late))
    crew = replace(HEALTH, warning=warning, failing=failing)
    shown = read(overview(Overview(crews=(crew,), executions=())))
    next_try = f", next at {moment(failing.next_at, LATER)}" if late else ""
    tried = f"does not take 1 decision: 10 tries since {moment(failing.since, LATER)}{next_try}"
    assert f":red_circle: *research* {tried} ({warning or 'answers in 12 ms'})" in shown


def test_a_crew_that_is_not_called_is_neither_green_nor_red() -> None:
    shown = read(overview(Overview(crews=(replace(HEALTH, took=None),), executions=())))
    assert ":white_circle: *research* fetches its decisions" in shown


def test_the_overview_counts_what_needs_somebody() -> None:
    message = overview(
        Overview(crews=(), executions=(), stuck=2, waiting=COUNTED + 1, sending=1, more=True)
    )
    assert message.text == "2 not delivered · 1,000+ wait for a decision · 1 being sent"
    assert "The app's Home shows all that waits." in read(message)


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (
            Progress(
                status=CrewStatus.RUNNING,
                word="running",
                current_task="write",
                completed_tasks=2,
                total_tasks=3,
            ),
            "▓▓▓▓▓▓▓▓░░░░ 2 of 3 tasks · now at Write",
        ),
        (
            Progress(
                status=CrewStatus.RUNNING,
                word="running",
                current_task=None,
                completed_tasks=0,
                total_tasks=1,
            ),
            "░░░░░░░░░░░░ 0 of 1 task",
        ),
        (
            Progress(
                status=CrewStatus.RUNNING,
                word="running",
                current_task=None,
                completed_tasks=9,
                total_tasks=3,
            ),
            "▓▓▓▓▓▓▓▓▓▓▓▓ 3 of 3 tasks",
        ),
        (
            Progress(
                status=CrewStatus.RUNNING,
                word="running",
                current_task=None,
                completed_tasks=1,
                total_tasks=0,
            ),
            "The crew says “running”",
        ),
        (Progress(status=CrewStatus.COMPLETED, word="completed"), "The crew says “completed”"),
        (
            Progress(
                status=CrewStatus.COMPLETED,
                word="completed",
                current_task=None,
                completed_tasks=3,
                total_tasks=3,
            ),
            "3 of 3 tasks · completed",
        ),
        (
            Progress(status=CrewStatus.FAILED, word="error", error="boom & bust"),
            "“error” · the error: boom &amp; bust",
        ),
        (CrewUnavailable("2 s"), "The crew does not answer (2 s)."),
        (CrewUnavailable("500", answered=True), "The crew does not say how far it is (500)."),
        (CrewUnavailable("404", gone=True), "The crew does not know this execution (404)."),
    ],
)
def test_an_execution_shows_what_the_crew_says(
    progress: Progress | CrewUnavailable, says: str
) -> None:
    view = ExecutionStatus(an_execution(), (), progress)
    message = render_execution(view, now=LATER, link=linked)
    shown = read(message)
    assert says in shown
    assert "*research* · `e-1`" in shown
    assert "Nothing has come for review yet." in shown


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": State.WAITING, "decision": None, "opened_at": LATER}, "waiting for 0 s"),
        ({"state": State.SUPERSEDED, "decision": None}, "replaced by a newer output"),
        ({"state": State.CLOSED, "decision": None}, "closed"),
        (
            {"state": State.CLOSED, "reason": ExecutionEnded()},
            "approved by <@U0ANA> 1 min ago, closed: the execution has ended",
        ),
        ({"state": State.DECIDED}, "approved by <@U0ANA> 1 min ago, being sent to the crew"),
        ({"state": State.RESUMED}, "approved by <@U0ANA> 1 min ago"),
        (
            {
                "state": State.STUCK,
                "decision": a_decision(Revise("x")),
                "reason": RefusedByCrew("418", "no"),
            },
            "<@U0ANA> asked for a revision 1 min ago, *not delivered*: no",
        ),
    ],
)
def test_a_round_in_a_list_says_where_it_is(changes: dict[str, Any], says: str) -> None:
    line = RoundLine(round=a_round(**{"decision": a_decision(), **changes}), card=None)
    view = ExecutionStatus(an_execution(), (line,), CrewUnavailable("2 s"))
    shown = read(render_execution(view, now=LATER, link=linked))
    assert f"Round 1 of Draft · {says}" in shown
    if line.round.state in (State.DECIDED, State.STUCK):
        seen = Overview(
            crews=(),
            executions=(ExecutionLine(a_posting(), (line,)),),
            stuck=1,
            waiting=0,
            sending=0,
        )
        assert f"Draft: {says}" in read(overview(seen))


def test_what_a_crew_is_at_is_left_to_the_task_that_waits() -> None:
    waiting = RoundLine(round=a_round(State.WAITING, decision=None), card=None)
    progress = Progress(
        status=CrewStatus.RUNNING,
        word="running",
        current_task="refund_task",
        completed_tasks=0,
        total_tasks=1,
    )
    for lines, is_said in (((), True), ((waiting,), False)):
        view = ExecutionStatus(an_execution(step="I should begin"), lines, progress)
        told = read(render_execution(view, now=LATER, link=linked))
        assert ("now at Refund task" in told) is is_said
        assert ("Latest step" in told) is is_said


def test_a_step_is_shown_while_it_runs() -> None:
    def shown(**execution: Any) -> str:
        view = ExecutionStatus(an_execution(**execution), (), CrewUnavailable("2 s"))
        return read(render_execution(view, now=LATER, link=linked))

    assert "Latest step" not in shown()
    assert "Latest step: thinking" in shown(step="thinking")
    assert "Latest step" not in shown(state=ExecutionState.COMPLETED, step="thinking")


def test_an_id_with_a_backtick_ends_no_code() -> None:
    view = ExecutionStatus(an_execution("*bold*", "a`b"), (), CrewUnavailable("2 s"))
    assert read(render_execution(view, now=LATER, link=linked)).startswith("`*bold*` · `aˋb`")


def test_help_and_empty_lists_are_within_the_limits() -> None:
    check_message(render_help())
    check_message(overview(Overview(crews=(), executions=())))
    for command in ("pending", "pending mine", "status", "stats", "help"):
        assert f"`/crew {command}" in read(render_help())
