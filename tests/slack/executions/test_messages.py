"""The messages about an execution, whatever its agents wrote."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.execution import Execution, ExecutionState, TaskUpdate
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import User
from crewgate.domain.review import State
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.executions import (
    render_end,
    render_forward_failed,
    render_progress,
    render_result_file_failed,
    result_file_name,
)
from crewgate.slack.kickoff import render_form, render_notice
from crewgate.slack.words.names import input_name
from crewgate.usecases.read_models import ExecutionPosting
from tests import builders
from tests.builders import ANA, BEN, NOW, SECOND, a_decision, a_round, a_rule
from tests.standins.limits import message_problems

EVIL = "<!channel> <@U666> <https://evil.example|good> " * 99


def a_posting(execution: Execution, **changes: Any) -> ExecutionPosting:
    return replace(
        ExecutionPosting(execution=execution, progress_message=None, channel=None, thread_ts=None),
        **changes,
    )


def an_execution(state: ExecutionState = ExecutionState.RUNNING, **changes: Any) -> Execution:
    return builders.an_execution(state=state, **changes)


def test_a_model_that_counts_no_tokens_shows_none() -> None:
    done = an_execution(ExecutionState.COMPLETED, completed_tasks=2, tokens=0)
    assert "token" not in str(render_progress(a_posting(done)).blocks)


@pytest.mark.parametrize(
    ("execution", "says"),
    [
        (an_execution(), "Under way"),
        (an_execution(completed_tasks=1), "1 task done"),
        (
            an_execution(completed_tasks=1, total_tasks=3, current_task="plan"),
            "1 of 3 tasks · now at Plan",
        ),
        (
            an_execution(ExecutionState.COMPLETED, completed_tasks=2, tokens=1250),
            "2 tasks done · 1,250 tokens",
        ),
        (an_execution(ExecutionState.FAILED), "Failed"),
        (an_execution(ExecutionState.GONE), "does not know this execution"),
        (an_execution(inputs=tuple((f"name_{n}" * 99, EVIL) for n in range(12))), "and 2 more"),
    ],
)
def test_the_progress_message_says_how_far_it_is(execution: Execution, says: str) -> None:
    message = render_progress(a_posting(execution))
    assert says in str(message.blocks)
    assert ("Under way" in str(message.blocks)) == (says in {"Under way", "and 2 more"})
    assert_harmless(message)


@pytest.mark.parametrize(
    ("execution", "says"),
    [
        (an_execution(ExecutionState.COMPLETED), "has not told its result"),
        (an_execution(ExecutionState.COMPLETED, result=Output("All of it.")), "All of it."),
        (
            an_execution(ExecutionState.COMPLETED, result=Output(EVIL * 9)),
            "has finished.",
        ),
        (an_execution(ExecutionState.FAILED, error=EVIL), "failed"),
        (an_execution(ExecutionState.FAILED), "did not say why"),
        (an_execution(ExecutionState.GONE), "start it again"),
    ],
)
def test_the_end_is_told_with_its_result_or_error(execution: Execution, says: str) -> None:
    message = render_end(a_posting(execution))
    assert says in str(message.blocks)
    assert_harmless(message)


def test_a_long_result_is_excerpted_and_its_file_has_a_name() -> None:
    execution = an_execution(ExecutionState.COMPLETED, result=Output("word " * 9_000), ended_at=NOW)
    assert render_end(a_posting(execution)).too_long
    assert result_file_name(execution) == "result-20260302-090000.md"
    again = an_execution(
        ExecutionState.COMPLETED, result=Output("{}", Format.JSON), ended_at=NOW + SECOND
    )
    assert result_file_name(again) == "result-20260302-090001.json"


def test_finished_tasks_are_harmless_lines_of_the_progress_message() -> None:
    evil = TaskUpdate(title=EVIL, summary=EVIL, agent=EVIL)
    inputs = tuple((f"name_{n}" * 99, EVIL) for n in range(12))
    message = render_progress(
        a_posting(an_execution(inputs=inputs), finished=(evil,) * 8, finished_before=1)
    )
    assert_harmless(message)
    assert "1 task before · " in str(message.blocks)
    plan = render_progress(
        a_posting(an_execution(), finished=(TaskUpdate(title="plan", summary="Plan with…"),))
    )
    assert ":heavy_check_mark: Plan · :gear:" in str(plan.blocks)
    assert "before" not in str(plan.blocks)


def test_progress_says_for_whom_it_waits_and_nothing_of_ids() -> None:
    draft = a_round()
    clause = a_round(rule=a_rule(channel="C0LEGAL"))
    execution = an_execution(
        inputs=(("topic", "heat pumps"),),
        total_tasks=3,
        completed_tasks=1,
        current_task=draft.review.task_id,
    )
    done = (TaskUpdate(title=draft.review.task_id),)
    posting = a_posting(execution, rounds=(draft, clause), finished=done)
    waiting = [(draft, (User(BEN.id),)), (draft, ()), (clause, (User(BEN.id),))]
    message = render_progress(posting, User(ANA.id), waiting)
    headline, line = message.blocks
    assert headline["text"]["text"] == (
        f":rocket: *heat pumps* · research · started by <@{ANA.id}>"
    )
    assert line["elements"][0]["text"] == (
        f":heavy_check_mark: Draft · :hourglass: *Draft* waits for <@{BEN.id}> · :hourglass: "
        "*Draft* waits for a decision · :hourglass: *Draft* waits in <#C0LEGAL> · "
        "▓▓▓▓░░░░░░░░ 1 of 3 tasks"
    )
    assert message.text == "research: waits for a decision"
    assert execution.execution_id not in str(message.blocks)
    linked = render_progress(a_posting(an_execution()), run_url="https://runs.example.com/e-1")
    assert "<https://runs.example.com/e-1|open run>" in str(linked.blocks)
    alone = render_progress(a_posting(an_execution()))
    assert alone.blocks[0]["text"]["text"] == ":rocket: *research*"


def test_whom_its_caller_names_is_told_the_end() -> None:
    message = render_end(a_posting(an_execution(ExecutionState.COMPLETED)), User(BEN.id))
    assert f":checkered_flag: <@{BEN.id}>, *research* has finished." in str(message.blocks)
    assert "open run" not in str(message.blocks)
    ended = a_posting(an_execution(ExecutionState.FAILED))
    linked = render_end(ended, run_url="https://runs.example.com/e-1")
    assert "<https://runs.example.com/e-1|open run>" in str(linked.blocks)


def test_a_result_that_was_approved_is_named_and_not_repeated() -> None:
    approved = a_round(State.RESUMED, number=2, decision=a_decision())
    ended = an_execution(ExecutionState.COMPLETED, result=Output("word " * 9_000))
    message = render_end(a_posting(ended, approved=approved))
    assert "The result is round 2 of *Draft*, which <@U0ANA> approved." in str(message.blocks)
    assert "word" not in str(message.blocks)
    assert not message.too_long


def test_what_could_not_be_done_is_said() -> None:
    assert "could not be forwarded" in render_forward_failed("task").text
    assert "The crew has all of it" in render_result_file_failed().text


@pytest.mark.parametrize(
    ("name", "shown"),
    [("target_audience", "Target audience"), ("URL", "URL"), ("max-words", "Max words"), ("", "?")],
)
def test_names_of_inputs_are_made_readable(name: str, shown: str) -> None:
    assert input_name(name) == shown


def test_a_form_holds_what_slack_can_show() -> None:
    form = render_form("research", dict.fromkeys(["topic", "job_description"], ""))
    assert form["blocks"][0]["elements"][0]["text"] == "*research*"
    multiline = [block["element"]["multiline"] for block in form["blocks"][1:]]
    assert multiline == [False, True]
    assert "needs no inputs" in str(render_form("research", {}))
    assert "more inputs than" in str(render_form("research", {f"n{n}": "" for n in range(46)}))
    assert render_notice("hello")["blocks"]


def assert_harmless(message: Message) -> None:
    shown = str(message.blocks)
    assert "<!channel>" not in shown
    assert "<@U666>" not in shown
    assert "<https://evil" not in shown
    assert not message_problems(message.blocks)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ExecutionState.COMPLETED, "*research* has finished."),
        (ExecutionState.FAILED, "*research* failed."),
    ],
)
def test_an_end_without_its_text_says_so(state: ExecutionState, said: str) -> None:
    ended = replace(an_execution(state), result=None, error="", removed_at=NOW)
    message = render_end(a_posting(ended))
    assert message.blocks[0]["text"]["text"].endswith(said)
    for one in (message, render_progress(a_posting(ended))):
        assert "The text was removed on" in str(one.blocks[-1])
