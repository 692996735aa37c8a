"""An answer to a flow meets a kill (SIGKILL) or a lost answer: one effect, and an honest card."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crewgate.demo.bot_process import BotProcess
from crewgate.demo.crew import Crew, FlowWebhook, hang
from crewgate.demo.environment import ANA, CHANNEL, people, settings
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import Message, Workspace, buttons, message_text
from tests.journeys.flow_world import ANSWERS, FLOW_SECRET, NO_CREW, REVIEWERS, SECRETS, crews_file
from tests.journeys.quick_bot import quick

LOST = (
    "The flow has an answer, this one or one from elsewhere: This was answered via slack. What came"
    " of sending this one was lost."
)
GOES_ON = "The flow goes on with the outcome “approved”."


@dataclass
class Between:
    """A bot's process between Slack and a crew that has flows."""

    slack: Workspace
    crew: Crew
    bot: BotProcess

    async def card(self, shows: str) -> Message:
        def found() -> list[Message]:
            return [m for m in self.slack.messages(CHANNEL) if shows in message_text(m)]

        return (await self.slack.until(found, timeout=15))[0]

    async def says(self, card: Message, text: str) -> Message:
        await self.slack.until(lambda: text in message_text(self.slack.fresh(card)), timeout=15)
        return self.slack.fresh(card)

    @property
    def answered(self) -> list[str]:
        """What took effect."""
        return [one.feedback or "" for one in self.crew.flows.answers]

    @property
    def sent(self) -> int:
        """How many answers arrived."""
        return sum(call.path.startswith(ANSWERS) for call in self.crew.requests)


@pytest.fixture
async def between(tmp_path: Path) -> AsyncIterator[Between]:
    async with Workspace() as slack, Crew() as crew:
        people(slack)
        (tmp_path / "crews.toml").write_text(crews_file(REVIEWERS).replace("CREW_URL", crew.url))
        bot = BotProcess(
            settings(slack, crew) | SECRETS | NO_CREW | {"LOG_LEVEL": "debug"},
            folder=tmp_path,
            port=free_port(),
            command=quick(),
        )
        slack.events_url = f"{bot.url}/slack/events"
        crew.flows.webhook = FlowWebhook(f"{bot.url}/crews/research/flow-request", FLOW_SECRET)
        async with bot:
            yield Between(slack, crew, bot)


@pytest.mark.parametrize("applied", [True, False])
async def test_killed_between_sending_the_answer_and_recording_what_came(
    between: Between, *, applied: bool
) -> None:
    await between.crew.ask()
    card = await between.card("asks for an answer")
    between.crew.fail(ANSWERS, how=hang(applied=applied))
    await between.slack.click(ANA, card, "✓ approved")
    await between.crew.until(lambda: between.sent)

    await between.bot.kill()
    between.crew.clear()
    await between.bot.start()

    shown = await between.says(card, LOST if applied else GOES_ON)
    assert between.answered == ["approved"]
    assert between.sent == 2
    assert buttons(shown) == ["Read all"]
    assert ("The flow goes on" in message_text(shown)) is not applied
    # The request is still known by its id, and what lets somebody answer it was never logged.
    assert '"duplicate"' in (await between.crew.flows.resend("8401")).answer
    assert between.crew.flows.token("8401") not in between.bot.log.read_text()


async def test_killed_while_somebody_answers_elsewhere(between: Between) -> None:
    """The try before the kill surely did not arrive; the card does not know, and says so."""
    await between.crew.ask()
    card = await between.card("asks for an answer")
    between.crew.fail(ANSWERS, how=hang())
    await between.slack.click(ANA, card, "✓ approved")
    await between.crew.until(lambda: between.sent)

    await between.bot.kill()
    between.crew.clear()
    between.crew.flows.answer("8401", "rejected")
    await between.bot.start()

    shown = message_text(await between.says(card, "What came of sending this one was lost."))
    assert "this one or one from elsewhere: This was answered via dashboard" in shown
    assert between.answered == ["rejected"]
