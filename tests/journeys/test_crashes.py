"""The process is killed (SIGKILL) at the worst moments and started again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crewgate.demo.bot_process import BotProcess
from crewgate.demo.crew import hang
from crewgate.demo.environment import ANA, CHANNEL, Environment, start_environment
from crewgate.demo.workspace import HANG, Message, buttons, message_text
from tests.demo.builders import fake_crew
from tests.journeys.conftest import says_delivered
from tests.journeys.quick_bot import quick


@pytest.fixture
async def environment(tmp_path: Path) -> AsyncIterator[Environment]:
    async with start_environment(tmp_path, task_seconds=0, command=quick()) as built:
        yield built


async def card_of(environment: Environment, shows: str) -> Message:
    def found() -> list[Message]:
        return [m for m in environment.workspace.messages(CHANNEL) if shows in message_text(m)]

    return (await environment.workspace.until(found, timeout=15))[0]


async def until_delivered(environment: Environment, card: Message) -> None:
    await environment.workspace.until(
        lambda: says_delivered(environment.workspace.fresh(card)), timeout=15
    )


async def until_shown(environment: Environment, card: Message, text: str) -> None:
    await environment.workspace.until(
        lambda: text in message_text(environment.workspace.fresh(card)), timeout=15
    )


async def restart(bot: BotProcess) -> None:
    await bot.kill()
    await bot.start()


async def test_killed_before_the_card_is_posted(environment: Environment) -> None:
    environment.workspace.fail("chat.postMessage", HANG)
    sent = await fake_crew(environment).pause("e-1", "draft", "A draft.")
    assert sent.status == 202
    await environment.workspace.until(lambda: environment.workspace.hanging)

    await environment.bot.kill()
    environment.workspace.clear_faults()
    await environment.bot.start()

    card = await card_of(environment, "A draft.")
    await environment.workspace.click(ANA, card, "Approve")
    await until_delivered(environment, card)
    assert len(environment.workspace.messages(CHANNEL)) == 1
    assert len(environment.crew.resumes) == 1


async def test_killed_after_the_card_is_posted_but_before_that_is_recorded(
    environment: Environment,
) -> None:
    environment.workspace.fail("chat.postMessage", HANG)
    await fake_crew(environment).pause("e-1", "draft", "A draft.")
    await environment.workspace.until(lambda: environment.workspace.hanging)

    await environment.bot.kill()
    environment.workspace.release()  # Slack carries out what it was asked
    await environment.bot.start()

    card = await card_of(environment, "A draft.")
    await environment.workspace.click(ANA, card, "Approve")
    await until_delivered(environment, card)
    assert len(environment.workspace.messages(CHANNEL)) == 1


async def test_killed_after_the_click_but_before_the_resume(environment: Environment) -> None:
    await fake_crew(environment).pause("e-1", "draft", "A draft.")
    card = await card_of(environment, "A draft.")
    await environment.crew.go_down()
    await environment.workspace.click(ANA, card, "Approve")

    await environment.bot.kill()
    await environment.crew.come_back()
    await environment.bot.start()

    await until_delivered(environment, card)
    assert len(environment.crew.resumes) == 1
    assert buttons(environment.workspace.fresh(card)) == ["Read all"]


@pytest.mark.parametrize("applied", [True, False])
async def test_killed_between_sending_the_resume_and_recording_it(
    environment: Environment, *, applied: bool
) -> None:
    await fake_crew(environment).pause("e-1", "draft", "A draft.")
    card = await card_of(environment, "A draft.")
    environment.crew.fail("/resume", how=hang(applied=applied))
    await environment.workspace.click(ANA, card, "Approve")
    await environment.crew.until(lambda: environment.crew.requests)

    await environment.bot.kill()
    environment.crew.clear()
    await environment.bot.start()

    if applied:
        await until_shown(environment, card, "may not have reached the crew")
        await fake_crew(environment).pause("e-1", "plan", "A plan.")
    await until_delivered(environment, card)
    assert len(environment.crew.resumes) == 1


async def test_a_revision_is_not_repeated_before_the_next_output_was_heard(tmp_path: Path) -> None:
    """Killed while sending; the crew has paused anew, and its notification is on its way."""
    patient = quick(start_grace=timedelta(hours=1))
    async with start_environment(tmp_path, task_seconds=0, command=patient) as environment:
        crew = fake_crew(environment)
        await crew.pause("e-1", "draft", "A draft.")
        card = await card_of(environment, "A draft.")
        crew.fail("/resume", how=hang(applied=True))
        await environment.workspace.click(ANA, card, "Revise")
        await environment.workspace.until(lambda: environment.workspace.open_modals(ANA))
        await environment.workspace.submit(ANA, {"feedback": "Shorter."})
        await crew.until(lambda: crew.resumes)
        await environment.bot.kill()
        crew.clear()
        crew.execution("e-1").human_input = None
        await crew.pause("e-1", "draft", "Short.")

        await environment.bot.start()
        # It asks for evidence, and finds none yet.
        await crew.until(lambda: crew.requests[-1].path == "/status/e-1")
        told = {"execution_id": "e-1", "task_id": "draft", "task_output": "Short."}
        assert (await crew.notify_raw(told)).status == 202

        await until_delivered(environment, card)
        await card_of(environment, "Short.")
        assert len(crew.resumes) == 1


async def test_a_stop_finishes_what_is_under_way(environment: Environment) -> None:
    environment.workspace.fail("chat.postMessage", HANG)
    await fake_crew(environment).pause("e-1", "draft", "A draft.")
    await environment.workspace.until(lambda: environment.workspace.hanging)
    environment.workspace.release()

    await environment.bot.stop()

    assert len(environment.workspace.messages(CHANNEL)) <= 1
    await environment.bot.start()
    await card_of(environment, "A draft.")
    assert len(environment.workspace.messages(CHANNEL)) == 1


async def test_killed_and_started_while_slack_is_away(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose requests are ours was told before, so decisions count and other teams' do not."""
    await fake_crew(environment).pause("e-1", "draft", "A draft.")
    card = await card_of(environment, "A draft.")

    await environment.bot.kill()
    await environment.workspace.go_down()
    await environment.bot.start()

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("crewgate.demo.workspace.payloads.TEAM_ID", "T0OTHER")
        elsewhere.setattr("crewgate.demo.workspace.wire.TEAM_ID", "T0OTHER")
        await environment.workspace.click(ANA, card, "Approve")
        refused = await environment.workspace.slash(ANA, CHANNEL, "/crew", "help")
    assert "another workspace" in str(refused.body)
    assert not environment.crew.resumes

    await environment.workspace.click(ANA, card, "Approve")
    await environment.crew.until(lambda: environment.crew.resumes)
    await environment.workspace.come_back()
    await until_delivered(environment, card)
