"""The process is killed (SIGKILL) at the worst moments and started again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.bot_process import BotProcess
from bot.demo.crew import hang
from bot.demo.stage import ANA, CHANNEL, Stage, set_up
from bot.demo.workspace import HANG, Message, buttons, message_text


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with set_up(tmp_path, pace=0) as built:
        yield built


async def card_of(stage: Stage, shows: str) -> Message:
    def found() -> list[Message]:
        return [m for m in stage.workspace.messages(CHANNEL) if shows in message_text(m)]

    return (await stage.workspace.until(found, timeout=15))[0]


async def until_shown(stage: Stage, card: Message, text: str) -> None:
    await stage.workspace.until(
        lambda: text in message_text(stage.workspace.fresh(card)), timeout=15
    )


async def restart(bot: BotProcess) -> None:
    await bot.kill()
    await bot.start()


async def test_killed_before_the_card_is_posted(stage: Stage) -> None:
    stage.workspace.fail("chat.postMessage", HANG)
    sent = await stage.crew.pause("e-1", "draft", "A draft.")
    assert sent.status == 202
    await stage.workspace.until(lambda: stage.workspace.hanging)

    await stage.bot.kill()
    stage.workspace.behave()
    await stage.bot.start()

    card = await card_of(stage, "A draft.")
    await stage.workspace.click(ANA, card, "Approve")
    await until_shown(stage, card, "Sent")
    assert len(stage.workspace.messages(CHANNEL)) == 1
    assert len(stage.crew.resumes) == 1


async def test_killed_after_the_card_is_posted_but_before_that_is_recorded(stage: Stage) -> None:
    stage.workspace.fail("chat.postMessage", HANG)
    await stage.crew.pause("e-1", "draft", "A draft.")
    await stage.workspace.until(lambda: stage.workspace.hanging)

    await stage.bot.kill()
    stage.workspace.release()  # Slack carries out what it was asked
    await stage.bot.start()

    card = await card_of(stage, "A draft.")
    await stage.workspace.click(ANA, card, "Approve")
    await until_shown(stage, card, "Sent")
    assert len(stage.workspace.messages(CHANNEL)) == 1


async def test_killed_after_the_click_but_before_the_resume(stage: Stage) -> None:
    await stage.crew.pause("e-1", "draft", "A draft.")
    card = await card_of(stage, "A draft.")
    await stage.crew.go_down()
    await stage.workspace.click(ANA, card, "Approve")

    await stage.bot.kill()
    await stage.crew.come_back()
    await stage.bot.start()

    await until_shown(stage, card, "Sent")
    assert len(stage.crew.resumes) == 1
    assert not buttons(stage.workspace.fresh(card))


@pytest.mark.parametrize("applied", [True, False])
async def test_killed_between_sending_the_resume_and_recording_it(
    stage: Stage, *, applied: bool
) -> None:
    await stage.crew.pause("e-1", "draft", "A draft.")
    card = await card_of(stage, "A draft.")
    stage.crew.fail("/resume", how=hang(applied=applied))
    await stage.workspace.click(ANA, card, "Approve")
    await stage.crew.until(lambda: stage.crew.requests)

    await stage.bot.kill()
    stage.crew.clear()
    await stage.bot.start()

    await until_shown(stage, card, "gone on" if applied else "Sent")
    assert len(stage.crew.resumes) == 1


async def test_a_stop_finishes_what_is_under_way(stage: Stage) -> None:
    stage.workspace.fail("chat.postMessage", HANG)
    await stage.crew.pause("e-1", "draft", "A draft.")
    await stage.workspace.until(lambda: stage.workspace.hanging)
    stage.workspace.release()

    await stage.bot.stop()

    assert len(stage.workspace.messages(CHANNEL)) <= 1
    await stage.bot.start()
    await card_of(stage, "A draft.")
    assert len(stage.workspace.messages(CHANNEL)) == 1
