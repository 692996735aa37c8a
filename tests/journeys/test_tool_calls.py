"""Calls of tools and questions of agents: put to people in Slack by a host, over real HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crewgate.demo.environment import ANA, BEN
from crewgate.demo.hosted.crew import TOKEN
from crewgate.host.records import Decision
from tests.databases import both
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT as OF_A_CREW
from tests.journeys.hosted_crew import AGENT_ASKS, CALLS, PausingCrew
from tests.journeys.people import home, in_thread, modal, said, waiting
from tests.journeys.test_rules import TWO, Skewed, soon
from tests.journeys.test_walk import MINUTE, Walker
from tests.standins.workspace import Message, View, buttons, message_text

ENVIRONMENT = OF_A_CREW | {"RESEARCH_TOKEN": TOKEN}
MASKED = TWO.partition("[[")[0] + 'redact = ["email"]'
FEW = (
    TWO.partition("[[")[0]
    + """
[[crews.research.rules]]
name = "few"
when = { tool = "send_email", arguments = { copies = "> 5" } }
decide = "refuse"
reason = "Send few."
"""
)
IN_TIME = f"""{TWO}
timeout = {{ after = "3d", then = "revise", feedback = "Nobody had time." }}
"""
MAIL = {"to": "bob@x.example", "text": "Dear Bob,\n\nsee you.", "copies": 2}


@pytest.fixture
def make_hosted(make_world: MakeWorld, tmp_path: Path) -> MakeWorld:
    """A world whose crew is a host's."""
    folder = tmp_path / "host"
    folder.mkdir()
    return partial(make_world, instead=PausingCrew(folder))


@pytest.fixture
async def hosted(make_hosted: MakeWorld, database_url: str) -> AsyncIterator[World]:
    async with make_hosted(DATABASE_URL=database_url) as world:
        yield world


def crew(world: World) -> PausingCrew:
    assert isinstance(world.crew, PausingCrew)
    return world.crew


async def a_call(world: World, **changes: object) -> Message:
    """The card of a call that waits."""
    await world.pause(CALLS, MAIL | changes)
    return await said(world, "wants to use")


async def change(world: World, card: Message, **values: str) -> View:
    """Open the form behind Change and send these values; return the form as it was opened."""
    await world.slack.click(ANA, card, "Change")
    form = await modal(world, ANA, "Change the arguments")
    await world.slack.submit(ANA, values)
    return form


@both
async def test_approving_lets_a_call_run_once_and_the_card_says_what_came_back(
    hosted: World,
) -> None:
    card = await a_call(hosted)
    assert buttons(card) == ["Approve", "Refuse", "Change", "I'm on it"]
    assert "see you." in message_text(card)
    await hosted.slack.open_home(ANA)
    assert "to: \nbob@x.example" in (await home(hosted, ANA, "Clerk: send_email")).shown
    assert "Clerk: send_email" in await hosted.ask(ANA, "pending")
    await hosted.slack.click(ANA, card, "Approve")
    ended = await hosted.shown(card, "It ran and returned: “`Sent as *17*.`”")

    assert crew(hosted).ran == [MAIL]
    assert "send_email approved by" in message_text(ended)
    await a_call(hosted, to="nobody")
    failing = await said(hosted, "nobody")
    await hosted.slack.click(ANA, failing, "Approve")
    await hosted.shown(failing, "It ran and failed: “No such person”")


async def test_a_call_that_ran_although_nobody_approved_it_is_an_alarm(world: World) -> None:
    call: dict[str, Any] = {"execution_id": "e-1", "task_id": "drop-1", "task_output": "{}"}
    call |= {"tool_call": {"tool": "drop_table", "arguments": {}}}
    await world.notify("/crews/research/human-input", call)
    card = await said(world, "wants to use")
    ended = call | {"outcome": {"state": "ran", "words": "It is dropped."}}
    await world.notify("/crews/research/human-input", ended)
    alarm = "ran although nobody had approved it"
    told = await world.shown(card, f"drop_table {alarm}")
    assert "It ran and returned: “It is dropped.”" in message_text(told)
    assert buttons(told) == ["Read all"]
    assert "look at the host" in message_text(await in_thread(world, card, f"{alarm}."))


async def test_refusing_tells_the_agent_why(hosted: World) -> None:
    card = await a_call(hosted)
    await hosted.slack.click(BEN, card, "Refuse")
    await modal(hosted, BEN, "Why not?")
    empty = await hosted.slack.submit(BEN, {"feedback": " "})
    assert "Write why; the agent gets exactly this text." in str(empty.errors)
    assert (await hosted.slack.submit(BEN, {"feedback": "Bob has left."})).ok
    await hosted.shown(card, "The agent was told, and goes on without it.")
    await crew(hosted).until(lambda: crew(hosted).refusals)

    assert crew(hosted).refusals == ["Bob has left."]
    assert not crew(hosted).ran
    await hosted.slack.click(ANA, card, "Approve")
    assert "refused" in await hosted.told(ANA)


@both
async def test_other_arguments_are_checked_shown_and_run(hosted: World) -> None:
    card = await a_call(hosted)
    await change(hosted, card)
    assert "changed nothing" in str((await hosted.slack.submit(ANA)).errors)
    wrong = await hosted.slack.submit(ANA, {"copies": "many"})
    assert wrong.errors == {"argument.0.2": "Write a whole number, as 12."}
    assert (await hosted.slack.submit(ANA, {"to": "ann@x.example", "copies": "3"})).ok
    theirs = await in_thread(hosted, card, "It ran and returned")

    assert crew(hosted).ran == [MAIL | {"to": "ann@x.example", "copies": 3}]
    assert "send_email approved with other arguments by" in message_text(theirs)
    shown = message_text(theirs).replace("\n", "")
    assert "to: ann@x.example (was bob@x.example)copies: 3 (was 2)" in shown
    replaced = await hosted.shown(card, "gave other arguments")
    assert "copies: 3 (was 2)" in message_text(replaced).replace("\n", "")


async def test_a_rules_refusal_stands_below_its_own_argument(make_hosted: MakeWorld) -> None:
    async with make_hosted(crews_file=FEW, **ENVIRONMENT) as world:
        card = await a_call(world)
        await world.slack.click(ANA, card, "Change")
        await modal(world, ANA, "Change the arguments")
        refused = await world.slack.submit(ANA, {"copies": "7"})
        why = "The rule “few” refuses these arguments: Send few."
        assert refused.errors == {"argument.0.2": why}


@both
async def test_what_the_tool_does_not_take_is_said_and_its_own_arguments_wait_on(
    hosted: World,
) -> None:
    card = await a_call(hosted)
    await change(hosted, card, copies="10")
    await in_thread(hosted, card, "copies: 9 at most")
    again = (await hosted.slack.until(lambda: waiting(hosted)))[-1]
    assert not crew(hosted).ran
    await hosted.slack.click(ANA, again, "Approve")
    await hosted.shown(again, "It ran and returned")
    assert crew(hosted).ran == [MAIL]


async def test_a_long_text_is_approved_only_by_who_was_shown_it_or_says_so(hosted: World) -> None:
    card = await a_call(hosted, text="Dear Bob,\n" + "so it goes. " * 400)
    await hosted.slack.click(ANA, card, "Approve")
    asked = await modal(hosted, ANA, "Before you approve")
    assert not crew(hosted).ran
    await hosted.slack.click(ANA, asked, "Approve anyway")
    await hosted.shown(card, "It ran and returned")


async def test_masks_stay_in_the_form_and_the_tool_gets_the_text(make_hosted: MakeWorld) -> None:
    async with make_hosted(crews_file=MASKED, **ENVIRONMENT) as world:
        card = await a_call(world)
        assert "bob@x.example" not in message_text(card)
        await world.slack.click(ANA, card, "Change")
        form = await modal(world, ANA, "Leave each mask where its text belongs")
        boxes = [one["element"] for one in form.blocks if one["type"] == "input"]
        assert boxes[0]["initial_value"] == "[e-mail address 1]"
        unknown = await world.slack.submit(ANA, {"to": "[e-mail address 7]"})
        assert "stands for nothing" in str(unknown.errors)
        assert (await world.slack.submit(ANA, {"copies": "5"})).ok
        await crew(world).until(lambda: crew(world).ran)
    assert crew(world).ran == [MAIL | {"copies": 5}]


async def test_a_call_that_may_have_run_runs_again_only_for_who_was_told(
    make_world: MakeWorld,
) -> None:
    """Right above a card's buttons it is told; a row in Home and the walk ask."""
    clock = Skewed()
    async with make_world(replace(AT_ONCE, clock=clock)) as world:
        call = {"tool": "pay", "arguments": MAIL, "may_have_run": True}
        for number in range(3):
            execution = f"e-{number}"
            waits = {"execution_id": execution, "task_id": "pay-1", "tool_call": call}
            await world.notify("/crews/research/human-input", waits)
            clock.later += MINUTE
        cards = await world.slack.until(lambda: waiting(world)[2:] and waiting(world))
        await world.slack.open_home(ANA)
        row = await home(world, ANA, "This may have been done already")
        first = next(one for one in row.blocks[2:] if one["type"] == "actions")
        await world.slack.click(ANA, row, "Approve", block_id=first["block_id"])
        asked = await modal(world, ANA, "it is done once more")
        assert not world.crew.resumes
        await world.slack.click(ANA, asked, "Approve anyway")
        await modal(world, ANA, "Recorded")
        await world.slack.close_modal(ANA)

        ana = Walker(world, clock)
        view = await ana.start("This may have been done already")
        await ana.press(view, "Approve")
        assert "already" in (await ana.sees("it is done once more")).shown
        assert (await world.slack.submit(ANA)).ok
        await ana.sees("Why not?")
        await world.slack.submit(ANA, {"feedback": "It is paid."})
        await ana.sees("2 of 2")
        await world.slack.close_modal(ANA)

        last = world.slack.fresh(cards[-1])
        assert "This may have been done already" in message_text(last)
        await world.slack.click(ANA, last, "Approve")
        await world.shown(last, f"<@{ANA}>'s approval of pay")  # this crew knows no execution


async def test_where_two_must_approve_the_second_lets_it_run(make_hosted: MakeWorld) -> None:
    async with make_hosted(crews_file=TWO, **ENVIRONMENT) as world:
        card = await a_call(world)
        assert "It takes two approvals" in message_text(card)
        await world.slack.click(ANA, card, "Approve")
        await world.shown(card, "needs 1 more approval")
        assert not crew(world).ran
        await world.slack.click(BEN, card, "Approve")
        await world.shown(card, "It ran and returned")


async def test_a_refusal_of_changed_arguments_is_told_to_the_agent(make_hosted: MakeWorld) -> None:
    """Two must approve: Ana changes the arguments, and Ben refuses these."""
    async with make_hosted(crews_file=TWO, **ENVIRONMENT) as world:
        card = await a_call(world)
        await change(world, card, to="ann@x.example")
        await world.shown(card, "gave other arguments")
        theirs = (await world.slack.until(lambda: waiting(world)))[-1]
        await world.slack.click(BEN, theirs, "Refuse")
        await modal(world, BEN, "Why not?")
        assert (await world.slack.submit(BEN, {"feedback": "Not to Ann."})).ok
        await world.shown(theirs, "The agent was told, and goes on without it.")
        await crew(world).until(lambda: crew(world).refusals)
        assert crew(world).refusals == ["Not to Ann."]
        assert not crew(world).ran


async def test_a_time_out_of_changed_arguments_is_told_to_the_agent(make_hosted: MakeWorld) -> None:
    """Two must approve: Ana changes the arguments, and nobody else looks in time."""
    clock = Skewed()
    runtime = replace(AT_ONCE, clock=clock, sleep=soon)
    async with make_hosted(runtime, crews_file=IN_TIME, **ENVIRONMENT) as world:
        card = await a_call(world)
        await change(world, card, to="ann@x.example")
        await world.shown(card, "gave other arguments")
        await world.slack.until(lambda: waiting(world))
        clock.later += timedelta(days=3, minutes=5)
        await crew(world).until(lambda: crew(world).refusals)
        assert crew(world).refusals == ["Nobody had time."]


async def test_a_change_lets_no_call_run_that_was_done(hosted: World) -> None:
    """No card says of the changed call that an equal one was done: only of the agent's own."""
    first = await a_call(hosted, to="ann@x.example")
    await hosted.slack.click(ANA, first, "Approve")
    await hosted.shown(first, "It ran and returned")
    second = await a_call(hosted)
    await change(hosted, second, to="ann@x.example")
    await said(hosted, "An equal call may have been done already. It is asked about again.")
    third = (await hosted.slack.until(lambda: waiting(hosted)))[-1]
    assert "bob@x.example" in message_text(third)
    assert "done already" not in message_text(third)
    await hosted.slack.click(ANA, third, "Approve")
    await hosted.shown(third, "It ran and returned")
    assert [one["to"] for one in crew(hosted).ran] == ["ann@x.example", "bob@x.example"]


async def test_an_agents_question_has_buttons_for_its_choices(hosted: World) -> None:
    await hosted.pause(AGENT_ASKS, "Which colour?")
    card = await hosted.card("Which colour?")
    assert buttons(card)[:3] == ["Red", "Blue", "Answer in words"]
    await hosted.slack.click(ANA, card, "Blue")
    await hosted.shown(card, "The crew goes on.")
    await crew(hosted).until(lambda: crew(hosted).answers)
    assert crew(hosted).answers == [Decision(approve=True, feedback="blue")]


async def test_calls_are_decided_and_changed_one_after_the_other(make_hosted: MakeWorld) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, clock=clock)
    async with make_hosted(runtime, crews_file=MASKED, **ENVIRONMENT) as world:
        ana = Walker(world, clock)
        for number in range(3):
            await world.pause(CALLS, MAIL | {"copies": number + 1}, f"e-{number}")
            clock.later += MINUTE
        view = await ana.start()
        assert buttons(view)[-4:] == ["Approve", "Refuse", "Change", "Skip"]
        await ana.press(view, "Show them")
        view = await ana.sees("1 of 3", "bob@x.example")
        await ana.press(view, "Approve")
        await ana.press(await ana.sees("2 of 3"), "Change")
        await ana.sees("Change the arguments", "Leave each mask")
        wrong = await world.slack.submit(ANA, {"copies": "many"})
        assert wrong.errors == {"argument.0.2": "Write a whole number, as 12."}
        await world.slack.submit(ANA, {"copies": "7"})
        await ana.press(await ana.sees("3 of 3"), "Refuse")
        await ana.sees("Why not?")
        await world.slack.submit(ANA, {"feedback": "Bob has left."})
        await ana.sees("That was all.")
        await crew(world).until(lambda: len(crew(world).ran) == 2 and crew(world).refusals)
    assert crew(world).ran == [MAIL | {"copies": 1}, MAIL | {"copies": 7}]
    assert crew(world).refusals == ["Bob has left."]
