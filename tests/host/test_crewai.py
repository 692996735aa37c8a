"""The real library: one host for all cases, started twice, since importing crewai takes seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crewgate.demo.servers import free_port, inherited
from crewgate.domain.retry import Retry
from tests.host import real_acts, real_crews, real_exact, real_flows, real_hooks, real_kills
from tests.host.client import TOKEN, Listener
from tests.host.real import FLOW_SECRET, PATTERNS, PYTHON, Real, host, needs_crewai
from tests.journeys.conftest import AT_ONCE, MakeWorld, World, make_world
from tests.journeys.flow_world import ENVIRONMENT, REVIEWERS, crews_file
from tests.repo.files import ROOT

pytestmark = needs_crewai
__all__ = ["make_world"]  # a fixture
TARGETS = (
    *(f"shop:{name}" for name in real_crews.TARGETS),
    *(f"articles:{name}" for name in real_flows.TARGETS),
    *(f"gated:{name}" for name in real_hooks.TARGETS),
    *(f"acting:{name}" for name in real_acts.TARGETS),
    *(f"exacting:{name}" for name in real_exact.TARGETS),
    *real_kills.TARGETS,
)
#: The host is away for seconds: a bot that tries every 40 ms takes the processor from its start.
LATER = Retry(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=400))
PATIENT = replace(AT_ONCE, retry=LATER, pace=replace(AT_ONCE.pace, pause=LATER))
CASES = (
    real_crews.a_crew_is_reviewed_from_its_kickoff_to_its_end,
    real_crews.a_text_of_a_person_is_the_tasks_output,
    real_crews.inputs_that_are_left_out_have_the_crews_defaults,
    real_crews.executions_at_the_same_time_keep_apart,
    real_crews.an_output_that_is_a_model_is_json,
    real_crews.a_crew_with_a_manager_is_reviewed,
    real_crews.an_error_of_the_model_is_the_status,
    real_flows.a_label_is_that_outcome_and_no_model_is_asked,
    real_flows.words_are_read_by_the_flows_own_model,
    real_flows.a_declaration_is_served_as_a_class_is,
    real_flows.an_empty_answer_is_no_approval,
    real_flows.a_question_without_outcomes_takes_words,
    real_flows.a_flow_that_streams_asks_and_ends,
    real_flows.words_that_no_model_could_read_are_asked_for_again,
    real_flows.lessons_are_learnt_by_a_model_that_is_named_or_not,
    real_flows.lessons_wait_for_people_and_kept_ones_alone_are_recalled,
    real_flows.a_model_is_rewritten_by_the_lessons_of_its_own_source,
    real_flows.a_question_waits_for_what_works_beside_it,
    real_flows.two_questions_at_the_same_time_end_a_flow_with_a_sentence,
    real_flows.a_question_inside_another_flow_ends_it_with_a_sentence,
    real_flows.words_are_asked_for_and_given,
    real_flows.two_methods_and_a_flow_inside_ask_for_words_at_once,
    real_flows.time_that_is_over_is_no_answer,
    real_flows.who_cannot_wait_is_told_before,
    real_flows.an_error_after_the_answer_is_the_status,
    real_flows.inputs_that_the_state_refuses_are_named,
    real_hooks.a_tool_runs_only_where_somebody_said_yes,
    real_hooks.a_refusal_and_nobody_to_ask_let_nothing_through,
    real_hooks.a_model_is_asked_only_where_somebody_said_yes,
    real_hooks.several_calls_at_once_are_asked_about_one_by_one,
    real_acts.a_call_runs_once_where_somebody_approved_it,
    real_acts.a_refusal_is_told_once_and_holds_for_the_same_call,
    real_acts.other_arguments_are_those_that_the_tool_is_given,
    real_acts.a_call_that_cannot_be_shown_does_not_run,
    real_acts.a_call_does_not_run_where_its_tools_names_cannot_be_told,
    real_acts.several_calls_at_once_wait_each_for_itself,
    real_acts.a_hook_of_the_users_comes_first,
    real_acts.agents_of_a_flow_are_asked_about,
    real_acts.a_limit_and_a_cache_hold_for_approved_calls,
    real_acts.no_tool_runs_in_the_place_of_another_of_its_name,
    real_acts.the_work_of_a_coworker_is_asked_about,
    real_acts.an_agent_asks_people,
    *real_exact.CASES,
)


@asynccontextmanager
async def bot_of(real: Real, make_world: MakeWorld) -> AsyncIterator[World]:
    """A bot whose crews are three of the host's."""
    port, url = free_port(), real.process.url
    gated = "".join(
        f"""
[crews.{name}]
url = "{url}/{target}"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "{name.upper()}_SECRET"
{REVIEWERS}
"""
        for name, target in (("post", "mailing"), ("bank", "acting"))
    )
    secrets = {
        "RESEARCH_TOKEN": TOKEN,
        "RESEARCH_FLOW_SECRET": FLOW_SECRET,
        "POST_SECRET": "secret-of-the-post",
        "BANK_SECRET": "secret-of-the-bank",
    }
    async with make_world(
        PATIENT,
        port=port,
        crews_file=crews_file(REVIEWERS).replace("CREW_URL", f"{url}/crew") + gated,
        **ENVIRONMENT | secrets,
    ) as world:
        yield world


async def test_real_crews_and_flows_before_and_after_a_kill_at_every_step(
    tmp_path: Path, listener: Listener, make_world: MakeWorld, subtests: pytest.Subtests
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    approve = (*PATTERNS, *real_exact.PATTERNS)
    process = host(folder, *TARGETS, approve=approve, listener=listener)
    real = Real(process, listener, folder)
    async with process, bot_of(real, make_world) as world:
        for case in CASES:
            with subtests.test(case.__name__):
                await case(real)
        killed = {
            "crews": real_kills.crews_go_on(real),
            "managers": real_kills.crews_with_a_manager_go_on(real),
            "tasks beside each other": real_kills.the_later_of_two_tasks_stays_done(real),
            "flows": real_kills.flows_go_on(real),
            "hooks": real_hooks.questions_hold(real),
            "acts": real_acts.calls_hold(real),
            "arguments": real_exact.arguments_hold(real),
            "acts in Slack": real_acts.a_call_is_approved_in_slack(real, world),
            "hooks in Slack": real_hooks.a_hook_asks_in_slack(real, world),
            "words": real_kills.words_hold(real),
            "lessons": real_kills.lessons_hold(real),
            "lessons in Slack": real_kills.a_lesson_is_retired_in_slack(real, world),
            "words in Slack": real_kills.words_are_given_in_slack(real, world),
            "in Slack": real_kills.a_crew_is_reviewed_in_slack(real, world),
        }
        for steps in killed.values():
            await anext(steps)
        real.hold()
        for steps in killed.values():
            await anext(steps)
        await real.kill()
        for steps in killed.values():
            await anext(steps)
        await process.start()
        for name, steps in killed.items():
            with subtests.test(f"after a kill: {name}"), pytest.raises(StopAsyncIteration):
                await anext(steps)
        assert await process.stop() == 0
        assert "send_email stopped" not in real.lines("sent.txt")


async def test_the_demo_plays_its_whole_story_with_the_real_library(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(PYTHON, "-m", "crewgate", "demo", "--headless", "--crewai"),
        cwd=tmp_path,
        env={**inherited(), "PYTHONPATH": str(ROOT / "bot")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    said = out.decode()

    assert process.returncode == 0, said
    assert "The real CrewAI 1." in said
    assert "round 2 of “Market research”" in said
    assert "Every step above was seen" in said
