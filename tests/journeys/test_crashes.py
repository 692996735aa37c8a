"""The process is killed (SIGKILL) at the worst moments and started again: one effect each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA, CHANNEL, connect, people
from crewgate.demo.servers import BotProcess
from tests.journeys.conftest import Between
from tests.journeys.flow_world import ANSWERS, ENVIRONMENT, FLOW_SECRET, REVIEWERS, crews_file
from tests.journeys.people import modal
from tests.quick_bot import quick
from tests.standins.crew import HANG, Crew, FlowWebhook
from tests.standins.settings import settings
from tests.standins.workspace import Workspace, buttons, message_text

LOST, LOST_ELSEWHERE = (
    f"The flow has an answer, this one or one from elsewhere: This was answered via {where}."
    " What came of sending this one was lost."
    for where in ("slack", "dashboard")
)
GOES_ON = "The flow goes on with the outcome “approved”."


@dataclass(kw_only=True)
class Killable(Between):
    """A bot's process between Slack and a crew that has flows."""

    bot: BotProcess

    @asynccontextmanager
    async def killed(self) -> AsyncIterator[None]:
        """The bot is killed, and started again after what comes meanwhile."""
        await self.bot.kill()
        yield
        await self.bot.start()

    @property
    def answered(self) -> list[str]:
        """The answers that took effect on flows."""
        return [one.feedback or "" for one in self.crew.flows.answers]

    @property
    def sent(self) -> int:
        """Return the number of answers that arrived."""
        return sum(call.path.startswith(ANSWERS) for call in self.crew.requests)


@asynccontextmanager
async def killable(folder: Path, start_grace: float = 0.5) -> AsyncIterator[Killable]:
    async with Workspace() as slack, Crew() as crew:
        people(slack)
        (folder / "crews.toml").write_text(crews_file(REVIEWERS).replace("CREW_URL", crew.url))
        bot = BotProcess(
            settings(slack, crew) | ENVIRONMENT | {"LOG_LEVEL": "debug"},
            folder=folder,
            command=quick(grace=0, start_grace=start_grace),
        )
        connect(slack, crew, bot.url)
        crew.flows.webhook = FlowWebhook(f"{bot.url}/crews/research/flow-request", FLOW_SECRET)
        async with bot:
            yield Killable(slack=slack, crew=crew, bot=bot)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Killable]:
    async with killable(tmp_path) as built:
        yield built


@pytest.mark.parametrize("posted", [False, True])
async def test_killed_while_the_card_is_posted(world: Killable, *, posted: bool) -> None:
    world.slack.fail("chat.postMessage", HANG)
    assert await world.pause() == 202
    await world.slack.until(lambda: world.slack.faults.hanging)

    async with world.killed():
        if posted:
            world.slack.release()  # Slack carries out what it was asked
        else:
            world.slack.clear_faults()

    card = await world.card("A draft.")
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)
    assert len(world.slack.messages(CHANNEL)) == 1
    assert len(world.crew.resumes) == 1


async def test_killed_between_the_click_and_the_record_of_the_resume(world: Killable) -> None:
    await world.pause("draft", "The first.", "e-1")
    card = await world.card("The first.")
    await world.crew.go_down()
    await world.slack.click(ANA, card, "Approve")
    async with world.killed():
        await world.crew.come_back()
    await world.delivered(card)
    assert len(world.crew.resumes) == 1
    assert buttons(world.slack.fresh(card)) == ["Read all"]

    for count, applied in enumerate((True, False), start=2):
        await world.pause("draft", f"Draft {count}.", f"e-{count}")
        card = await world.card(f"Draft {count}.")
        world.crew.fail("/resume", how=replace(HANG, applied=applied))
        before = len(world.crew.requests)
        await world.slack.click(ANA, card, "Approve")
        await world.crew.until(lambda: len(world.crew.requests) > before)  # noqa: B023
        async with world.killed():
            world.crew.clear()
        if applied:
            await world.shown(card, "may not have reached the crew")
            await world.pause("plan", "A plan.", f"e-{count}")
        await world.delivered(card)
        assert len(world.crew.resumes) == count


async def test_a_revision_is_not_repeated_before_the_next_output_was_heard(tmp_path: Path) -> None:
    """Killed while sending; the crew has paused anew, and its notification is on its way."""
    async with killable(tmp_path, start_grace=3600) as world:
        crew = world.crew
        await world.pause()
        card = await world.card("A draft.")
        crew.fail("/resume", how=replace(HANG, applied=True))
        await world.revise(ANA, card)
        await crew.until(lambda: crew.resumes)
        async with world.killed():
            crew.clear()
            crew.execution("e-1").human_input = None
            await crew.pause("e-1", "draft", "Short.")

        # It asks for evidence, and finds none yet.
        await crew.until(lambda: crew.requests[-1].path == "/status/e-1")
        told = {"execution_id": "e-1", "task_id": "draft", "task_output": "Short."}
        assert (await crew.notify_raw(told)).status == 202

        await world.slack.overflow(ANA, await world.card("Short.", round_=2), "History")
        await modal(world, ANA, "The crew has it")
        assert len(crew.resumes) == 1


async def test_a_stop_finishes_what_is_under_way(world: Killable) -> None:
    world.slack.fail("chat.postMessage", HANG)
    await world.pause()
    await world.slack.until(lambda: world.slack.faults.hanging)
    world.slack.release()

    await world.bot.stop()

    assert len(world.slack.messages(CHANNEL)) <= 1
    await world.bot.start()
    await world.card("A draft.")
    assert len(world.slack.messages(CHANNEL)) == 1


async def test_killed_and_started_while_slack_is_away(
    world: Killable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot knew its team before: that team's decisions count, and other teams' do not."""
    await world.pause()
    card = await world.card("A draft.")

    async with world.killed():
        await world.slack.go_down()

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("crewgate.demo.workspace.payloads.TEAM_ID", "T0OTHER")
        elsewhere.setattr("crewgate.demo.workspace.wire.TEAM_ID", "T0OTHER")
        await world.slack.click(ANA, card, "Approve")
        refused = await world.slack.slash(ANA, CHANNEL, "/crew", "help")
    assert "another workspace" in str(refused.body)
    assert not world.crew.resumes

    await world.slack.click(ANA, card, "Approve")
    await world.crew.until(lambda: world.crew.resumes)
    await world.slack.come_back()
    await world.delivered(card)


@pytest.mark.parametrize("meanwhile", ["it is applied", "it is lost", "somebody else answers"])
async def test_killed_between_sending_an_answer_and_recording_what_came(
    world: Killable, meanwhile: str
) -> None:
    """Somebody else's answer shows that ours did not arrive; the card does not know that."""
    await world.crew.ask()
    card = await world.card("asks for an answer")
    world.crew.fail(ANSWERS, how=replace(HANG, applied=meanwhile == "it is applied"))
    await world.slack.click(ANA, card, "✓ Approved")
    await world.crew.until(lambda: world.sent)

    async with world.killed():
        world.crew.clear()
        if meanwhile == "somebody else answers":
            world.crew.flows.answer("8401", "rejected")

    said = {"it is applied": LOST, "it is lost": GOES_ON}.get(meanwhile, LOST_ELSEWHERE)
    shown = await world.shown(card, said)
    answer = "rejected" if meanwhile == "somebody else answers" else "approved"
    assert world.answered == [answer]
    assert world.sent == 2
    assert buttons(shown) == ["Read all"]
    assert ("The flow goes on" in message_text(shown)) is (said == GOES_ON)
    # The request is still known by its id, and what lets somebody answer it was never logged.
    assert '"duplicate"' in (await world.crew.flows.resend("8401")).answer
    assert world.crew.flows.token("8401") not in world.bot.log.read_text()


@pytest.mark.parametrize("expires_at", [None, "2026-01-01T00:00:00Z"])
async def test_killed_while_a_flow_waits_for_words(world: Killable, expires_at: str | None) -> None:
    """Time that is over while it is away is over once it is back."""
    ask = {"place": "talk 1", "expires_at": expires_at}
    await world.crew.ask(message="Which topic?", output=None, emit=(), ask=ask)
    async with world.killed():
        pass
    card = await world.card("Which topic?")
    if expires_at is None:
        await world.slack.click(ANA, card, "Answer")
        await modal(world, ANA, "Which topic?")
        assert (await world.slack.submit(ANA, {"feedback": "Tea."})).ok
        await world.shown(card, "The flow goes on")
        assert world.answered == ["Tea."]
    else:
        await world.shown(card, "was not answered in time")
    assert len(world.slack.messages(CHANNEL)) == 1
