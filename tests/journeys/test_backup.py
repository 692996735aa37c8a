"""The database is backed up and restored with the commands of `docs/run.md`."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from crewgate.demo.environment import ANA, CHANNEL, connect, people
from crewgate.demo.servers import BotProcess
from tests.repo.files import fences
from tests.standins.crew import Crew
from tests.standins.settings import settings
from tests.standins.workspace import Message, Workspace, message_text


async def run_sample(name: str, folder: Path) -> None:
    [(commands,)] = fences("docs/run.md", f"<!-- sample: {name} -->")
    process = await asyncio.create_subprocess_exec("sh", "-euc", commands, cwd=folder)
    assert await process.wait() == 0


async def card_of(slack: Workspace, output: str) -> Message:
    def found() -> list[Message]:
        return [one for one in slack.messages(CHANNEL) if output in message_text(one)]

    return (await slack.until(found))[-1]


async def test_a_backup_of_a_running_bot_is_restored_and_goes_on(tmp_path: Path) -> None:
    async with Workspace() as slack, Crew() as crew:
        people(slack)
        bot = BotProcess(settings(slack, crew), folder=tmp_path)
        connect(slack, crew, bot.url)
        async with bot:
            await crew.pause("e-1", "draft", "Before it.")
            before = await card_of(slack, "Before it.")
            await run_sample("back up", tmp_path)
            await crew.pause("e-2", "draft", "After it.")
            after = await card_of(slack, "After it.")
        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert copy.execute("SELECT state FROM rounds").fetchall() == [("WAITING",)]
        assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0

        await run_sample("restore", tmp_path)
        async with bot:
            await slack.click(ANA, after, "Approve")
            told = await slack.until(lambda: slack.ephemerals(ANA))
            assert "I do not know this review" in message_text(told[-1])
            await slack.click(ANA, before, "Approve")
            await crew.until(lambda: crew.resumes)
    assert [resume.execution_id for resume in crew.resumes] == ["e-1"]
