"""Answers to commands: lists that fit, links that are safe, and what is true now."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.reason import ExecutionEnded, RefusedByCrew
from bot.domain.review import State
from bot.domain.verdict import Revise
from bot.slack.commands.messages import (
    render_ambiguous,
    render_execution,
    render_help,
    render_overview,
    render_pending,
    render_unknown_execution,
)
from bot.usecases.read_models import (
    COUNTED,
    CrewStatus,
    CrewUnavailable,
    ExecutionStatus,
    MessageRef,
    Pending,
    Progress,
    RoundLine,
)
from tests.builders import LATER, a_decision, a_review, a_round, an_execution
from tests.slack.rendering import REF, check_message, read, rounds


def linked(ref: MessageRef) -> str | None:
    return f"https://example.slack.com/archives/{ref.channel}/p1?thread_ts={ref.ts}&cid=C1"


def unlinked(_: MessageRef) -> str | None:
    return None


lines = st.lists(
    st.tuples(rounds(), st.sampled_from([None, REF])).map(lambda made: RoundLine(*made)),
    max_size=5,
).map(lambda some: tuple(some * 30))


@settings(max_examples=25)
@given(lines)
def test_lists_are_within_the_limits_however_much_there_is(some: tuple[RoundLine, ...]) -> None:
    progress = Progress(CrewStatus.RUNNING, "running", "<!channel>" * 99, 2, 3, "<@U666>" * 99)
    check_message(render_pending(Pending(some, len(some)), now=LATER, mine=False, link=unlinked))
    check_message(render_overview(some, now=LATER, link=unlinked))
    view = ExecutionStatus(an_execution("<@U666>" * 99, "<!here>" * 99), some, progress)
    check_message(render_execution(view, now=LATER, link=unlinked))
    candidates = [(line.round.review.crew, line.round.review.execution_id) for line in some]
    check_message(render_ambiguous("<!channel>" * 99, candidates))
    check_message(render_unknown_execution("<!channel>" * 99))


def test_pending_names_the_oldest_first_with_a_link_and_how_long_it_waited() -> None:
    line = RoundLine(a_round(opened_at=LATER - timedelta(hours=2, minutes=5)), REF)
    message = render_pending(Pending((line,), 4), now=LATER, mine=True, link=linked)
    assert message.text == "4 reviews wait for you for a decision"
    shown = read(message)
    assert (
        "• <https://example.slack.com/archives/C1/p1?thread_ts=1.0&amp;cid=C1|"
        "research: Draft> · round 1 · waiting for 2 h 5 min"
    ) in shown
    assert "and 3 more" in shown


def test_nothing_pending_is_said() -> None:
    empty = Pending((), 0)
    assert render_pending(empty, now=LATER, mine=False, link=linked).text == "Nothing waits."
    assert render_pending(empty, now=LATER, mine=True, link=linked).text == "Nothing waits for you."


def test_more_than_are_counted_is_said() -> None:
    line = RoundLine(a_round(), None)
    message = render_pending(Pending((line,), COUNTED + 1), now=LATER, mine=False, link=linked)
    assert message.text == "1,000+ reviews wait for a decision"
    assert "and more than 999 more" in read(message)


def test_one_that_waits_is_singular() -> None:
    message = render_pending(
        Pending((RoundLine(a_round(), None),), 1), now=LATER, mine=False, link=linked
    )
    assert message.text == "1 review waits for a decision"


@pytest.mark.parametrize("url", ["https://a.example/|<!channel>", "https://a.example/" + "x" * 999])
def test_a_link_that_could_do_harm_is_left_out(url: str) -> None:
    line = RoundLine(a_round(), REF)
    message = render_pending(Pending((line,), 1), now=LATER, mine=False, link=lambda _: url)
    assert "a.example" not in read(message)


def test_what_does_not_fit_is_counted() -> None:
    many = tuple(RoundLine(a_round(number=n), REF) for n in range(1, 501))
    message = render_pending(Pending(many, 700), now=LATER, mine=False, link=linked)
    shown = read(message).count("• ")
    assert 50 < shown < 500
    assert f"and {700 - shown} more" in read(message)
    execution = ExecutionStatus(an_execution(), many, CrewUnavailable("2 s"))
    answer = read(render_execution(execution, now=LATER, link=linked))
    assert "|Round 500 of Draft>" in answer
    assert "|Round 1 of Draft>" not in answer
    assert "earlier rounds left off" in answer
    apart = [replace(many[0], round=a_round(review=a_review(execution_id=str(n)))) for n in many]
    overview = render_overview(apart, now=LATER, link=unlinked)
    check_message(overview, may_mention=frozenset())
    assert re.search(r"and [0-9]+ more", read(overview))
    assert "There are more" in read(overview)
    few = read(render_overview(many[:5], now=LATER, link=linked))
    assert "and 2 more" in few
    assert "There are more" not in few
    candidates = [("research", f"{n}" * 20) for n in range(900)]
    assert re.search(r"and [0-9]+ more", read(render_ambiguous("7", candidates)))


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (
            Progress(CrewStatus.RUNNING, "running", "write", 2, 3),
            "▓▓▓▓▓▓▓▓░░░░ 2 of 3 tasks · now at Write",
        ),
        (Progress(CrewStatus.RUNNING, "running", None, 0, 1), "░░░░░░░░░░░░ 0 of 1 task"),
        (Progress(CrewStatus.RUNNING, "running", None, 9, 3), "▓▓▓▓▓▓▓▓▓▓▓▓ 3 of 3 tasks"),
        (Progress(CrewStatus.RUNNING, "running", None, 1, 0), "The crew says “running”"),
        (Progress(CrewStatus.COMPLETED, "completed"), "The crew says “completed”"),
        (Progress(CrewStatus.COMPLETED, "completed", None, 3, 3), "3 of 3 tasks · completed"),
        (
            Progress(CrewStatus.FAILED, "error", error="boom & bust"),
            "“error” · the error: boom &amp; bust",
        ),
        (CrewUnavailable("2 s"), "The crew does not answer (2 s)."),
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
        ({"state": State.WAITING, "decision": None, "opened_at": LATER}, "waiting, came just now"),
        ({"state": State.SUPERSEDED, "decision": None}, "replaced by a newer output"),
        ({"state": State.CLOSED, "decision": None}, "closed"),
        (
            {"state": State.CLOSED, "reason": ExecutionEnded()},
            "approved by <@U0ANA> 1 min ago, closed: the execution has ended",
        ),
        ({"state": State.DECIDED}, "approved by <@U0ANA> 1 min ago, telling the crew…"),
        ({"state": State.RESUMED}, "approved by <@U0ANA> 1 min ago, taken by the crew"),
        (
            {
                "state": State.STUCK,
                "decision": a_decision(Revise("x")),
                "reason": RefusedByCrew("418", "no"),
            },
            "sent back for changes by <@U0ANA> 1 min ago, *stuck*: no",
        ),
    ],
)
def test_a_round_in_a_list_says_where_it_is(changes: dict[str, Any], says: str) -> None:
    line = RoundLine(a_round(**{"decision": a_decision(), **changes}), None)
    view = ExecutionStatus(an_execution(), (line,), CrewUnavailable("2 s"))
    shown = read(render_execution(view, now=LATER, link=linked))
    assert f"Round 1 of Draft · {says}" in shown
    assert says in read(render_overview([line], now=LATER, link=linked))


def test_an_id_with_a_backtick_is_not_put_into_code() -> None:
    view = ExecutionStatus(an_execution("*bold*", "a`b"), (), CrewUnavailable("2 s"))
    assert read(render_execution(view, now=LATER, link=linked)).startswith("*bold* · a`b")


def test_help_and_empty_lists_are_within_the_limits() -> None:
    check_message(render_help())
    check_message(render_overview([], now=LATER, link=linked))
    for command in ("pending", "pending mine", "status", "help"):
        assert f"`/crew {command}" in read(render_help())
