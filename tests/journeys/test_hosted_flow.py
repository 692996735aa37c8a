"""Flows of `crewgate host` with the bot: asked, signed, answered and gone on with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crewgate.crew_api.wire import FlowWebhook
from crewgate.demo.environment import ANA, BEN, CHANNEL
from crewgate.demo.servers import free_port
from crewgate.host.run import Options, Target
from crewgate.host.serve import hosting
from tests.host.client import Api
from tests.host.standins import StandInFlow, StandInPupil, StandInTalk
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import FLOW_SECRET, REVIEWERS, flow_world, question, says
from tests.journeys.people import execute, in_private, modal, said
from tests.standins.crew import Crew
from tests.standins.workspace import CannotDoThat, Message, buttons, message_text


class HostedFlow(Crew):
    """A host with one flow, whose questions go to the bot."""

    def __init__(self, folder: Path, bot: str, flow: Target) -> None:
        super().__init__()
        self._flow = flow
        self.port = free_port()
        self._folder = folder
        self._webhook = FlowWebhook(url=f"{bot}/crews/research/flow-request", secret=FLOW_SECRET)
        self._running = AsyncExitStack()

    @property
    def url(self) -> str:
        """Return the flow's address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Start a host on what the last one left."""
        options = Options(
            host="127.0.0.1",
            port=port or self.port,
            workers=2,
            database=self._folder / "host.db",
            token=self.token,
            flow_webhook=self._webhook,
            first_pause=0.005,
        )
        await self._running.enter_async_context(hosting({"flow": self._flow}, options))

    async def stop(self) -> None:
        """Stop it."""
        await self._running.aclose()


OF_OTHERS = """
[[crews.research.rules]]
name = "others"
self_approval = false
unknown_starter = "allow"
"""
Serve = Callable[[Target], AbstractAsyncContextManager[World]]


@pytest.fixture
def serve(make_world: MakeWorld, tmp_path: Path) -> Serve:
    """A bot between Slack and a host of this flow."""

    @asynccontextmanager
    async def build(flow: Target) -> AsyncIterator[World]:
        port = free_port()
        hosted = HostedFlow(tmp_path, f"http://127.0.0.1:{port}", flow)
        async with flow_world(make_world, instead=hosted, port=port) as built:
            yield built

    return build


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    """A bot between Slack and a host of a flow that asks under `@human_feedback`."""
    async with serve(StandInFlow()) as built:
        yield built


def served(world: World) -> Api:
    """The host, as a caller sees it."""
    return Api(world.crew.url, world.crew.token)


async def test_a_button_is_the_outcome_that_the_flow_goes_on_with(world: World) -> None:
    execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
    card = await question(world)

    await world.slack.click(ANA, card, next(b for b in buttons(card) if "Rejected" in b))

    ended = await served(world).until(execution, "completed")
    assert ended["result"]["output"] == "rejected"
    await says(world, card, "goes on with the outcome “rejected”")


async def test_an_answer_while_the_host_is_away_is_taken_by_the_next_one(world: World) -> None:
    execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
    card = await question(world)
    await world.crew.stop()

    await world.slack.click(ANA, card, next(b for b in buttons(card) if "Approved" in b))
    await says(world, card, "cannot be reached")
    await world.crew.start()

    ended = await served(world).until(execution, "completed")
    assert ended["result"]["output"] == "approved"
    await world.delivered(card)


# --- lessons, which a flow draws from answers


async def test_a_lesson_is_used_once_people_have_kept_it(serve: Serve) -> None:
    async with serve(StandInPupil()) as world:
        execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
        await world.slack.click(ANA, await question(world), "Answer in words")
        await modal(world, ANA)
        assert (await world.slack.submit(ANA, {"feedback": "Cite it."})).ok
        await served(world).until(execution, "completed")
        lesson = await question(world, "CrewAI drew this lesson from “Cite it.”. Keep it?")
        assert buttons(lesson)[:3] == ["Keep", "✕ Drop", "Answer in words"]

        await world.crew.stop()
        await world.slack.click(ANA, lesson, "Keep")
        await says(world, lesson, "cannot be reached")
        await world.crew.start()
        await says(world, lesson, "goes on with the outcome “Keep”")

        await world.kick_off(inputs={})
        card = await question(world, "CrewAI rewrote this text by 1 lesson before you saw it.")
        assert "\nCite it.\n" in message_text(card)
        await world.slack.click(ANA, card, "Changes")
        await modal(world, ANA, "1 passage added, 1 removed")


async def taught(world: World) -> Message:
    """The card of a lesson that was drawn from Ana's words."""
    execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
    await world.slack.click(ANA, await question(world), "Answer in words")
    await modal(world, ANA)
    assert (await world.slack.submit(ANA, {"feedback": "Cite it."})).ok
    await served(world).until(execution, "completed")
    return await question(world, "CrewAI drew this lesson from “Cite it.”. Keep it?")


async def test_a_kept_lesson_of_a_flow_is_retired_in_slack(serve: Serve) -> None:
    async with serve(StandInPupil()) as world:
        lesson = await taught(world)
        await world.slack.click(BEN, lesson, "Keep")
        await says(world, lesson, "goes on with the outcome “Keep”")
        listed = await world.ask(BEN, "lessons")
        assert "1. Cite it." in listed
        assert f"Of a flow, drawn by CrewAI · taught by <@{ANA}> · since" in listed

        await world.crew.stop()
        assert buttons(world.slack.ephemerals(BEN)[-1]) == ["Retire"]
        await world.slack.click(BEN, world.slack.ephemerals(BEN)[-1], "Retire")
        told = message_text(await in_private(world, ANA, "retired your lesson"))
        assert "are not rewritten by it from now on" in told
        with capture_logs() as logs:
            await world.crew.start()
            async with asyncio.timeout(30):
                while not [one for one in logs if one["event"] == "lesson_retired"]:
                    await served(world).call("GET", "/inputs")

        await world.kick_off(inputs={})
        assert "CrewAI rewrote" not in message_text(await question(world))


async def test_nobody_keeps_a_lesson_from_their_own_words_where_a_rule_says_so(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    port = free_port()
    hosted = HostedFlow(tmp_path, f"http://127.0.0.1:{port}", StandInPupil())
    async with flow_world(make_world, REVIEWERS + OF_OTHERS, instead=hosted, port=port) as world:
        lesson = await taught(world)
        own = f"<@{ANA}> wrote the words for this and may not approve it"
        assert own in message_text(lesson)
        await world.slack.click(ANA, lesson, "Keep")
        assert "This is drawn from your words" in await world.told(ANA)
        await world.slack.click(BEN, lesson, "Keep")
        await says(world, lesson, "goes on with the outcome “Keep”")


# --- words, which `Flow.ask()` asks for


async def test_words_that_a_flow_asks_for_are_what_it_gets(serve: Serve) -> None:
    async with serve(StandInTalk()) as world:
        execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
        card = await question(world, "Which topic?")
        assert "Talk asks for an answer" in message_text(card)
        assert "The flow asks for words: it gets exactly what you write." in message_text(card)
        assert buttons(card) == ["Answer", "I'm on it"]

        await world.slack.click(ANA, card, "Answer")
        form = await modal(world, ANA, "Which topic?")
        assert form.content["title"]["text"] == "Answer"
        assert (await world.slack.submit(ANA, {"feedback": " \n"})).errors
        with pytest.raises(CannotDoThat, match="at most 3000"):
            await world.slack.submit(ANA, {"feedback": "x" * 3_001})
        assert (await world.slack.submit(ANA, {"feedback": "Green *tea* <@U0BEN>"})).ok

        ended = await served(world).until(execution, "completed")
        assert ended["result"]["output"] == "Green *tea* <@U0BEN>"
        text = await says(world, card, "The flow goes on.")
        assert f"<@{ANA}> answered in words" in text
        assert len(asked(world)) == 1


async def test_two_questions_at_once_are_two_cards(serve: Serve) -> None:
    async with serve(StandInTalk(asks=("Left?", "Right?"))) as world:
        execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
        left, right = await question(world, "Left?"), await question(world, "Right?")
        await answer(world, right, "R")
        await says(world, right, "The flow goes on.")
        assert "Answer" in buttons(world.slack.fresh(left))
        await answer(world, left, "L")

        ended = await served(world).until(execution, "completed")
        assert ended["result"]["output"] == "L, R"


async def test_a_card_holds_while_its_host_is_away(serve: Serve) -> None:
    """The flow begins again once there is an answer, and asks nobody twice."""
    flow = StandInTalk(asks=("Left?", "Right?"))
    async with serve(flow) as world:
        execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
        left, right = await question(world, "Left?"), await question(world, "Right?")
        await world.crew.stop()
        await answer(world, left, "L")
        await says(world, left, "cannot be reached")
        await world.crew.start()
        await says(world, left, "The flow goes on.")
        await world.crew.stop()
        await world.crew.start()
        await answer(world, right, "R")

        ended = await served(world).until(execution, "completed")
        assert ended["result"]["output"] == "L, R"
        assert flow.begun == 3
        assert len(asked(world)) == 2


async def test_another_question_at_the_same_place_takes_its_place(serve: Serve) -> None:
    flow = StandInTalk(asks=("Left?", "Old?"))
    async with serve(flow) as world:
        execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
        left, old = await question(world, "Left?"), await question(world, "Old?")
        await world.crew.stop()
        flow.asks = ("Left?", "Newer?")
        await world.crew.start()
        await answer(world, left, "L")
        new = await question(world, "Newer?", round_=2)
        assert "Answer" not in buttons(await world.shown(old, "round 2"))
        await answer(world, new, "N")

        ended = await served(world).until(execution, "completed")
        assert ended["result"]["output"] == "L, N"


async def test_a_card_says_when_time_is_over(serve: Serve) -> None:
    async with serve(StandInTalk(seconds=0.3)) as world:
        execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
        ended = await served(world).until(execution, "completed")
        [card] = await world.slack.until(lambda: asked(world))
        text = await says(world, card, "Talk was not answered in time")

        assert ended["result"]["output"] == "None"
        assert "Time is over, and the flow goes on without an answer." in text
        assert buttons(world.slack.fresh(card)) == ["Read all"]


async def test_an_answer_that_comes_too_late_is_told_to_its_author(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve(StandInTalk(seconds=3_600)) as world:
        execution = (await world.kick_off(inputs={}))[1]["kickoff_id"]
        card = await question(world, "Which topic?")
        assert "The flow waits until" in message_text(card)
        await world.crew.stop()
        await answer(world, card, "Tea.")
        await says(world, card, "cannot be reached")
        await execute(tmp_path / "host.db", "UPDATE questions SET expires_at = 0")
        await world.crew.start()

        text = await says(world, card, "came too late")
        assert "\nTea." in text
        assert f"<@{ANA}>, your decision on round 1" in message_text(await said(world, "too late"))
        assert (await served(world).until(execution, "completed"))["result"]["output"] == "None"


async def answer(world: World, card: Message, words: str) -> None:
    """Answer in the form that a card opens."""
    await world.slack.click(ANA, card, "Answer")
    await modal(world, ANA, "Your answer")
    assert (await world.slack.submit(ANA, {"feedback": words})).ok


def asked(world: World) -> list[Message]:
    """All cards there are."""
    return [one for one in world.slack.messages(CHANNEL) if "round 1 ·" in message_text(one)]
