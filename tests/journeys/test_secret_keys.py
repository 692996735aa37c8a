"""The on-call who encrypts credentials, rotates the key and loses one; and who copies the database.

Real processes: the bot, and `crewgate rotate` beside it.
"""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from crewgate.demo.environment import ANA, connect, people
from crewgate.demo.servers import BotProcess, DidNotStart
from tests.builders import a_secret_key
from tests.forked import run_crewgate
from tests.journeys.conftest import Between
from tests.standins.crew import Crew, Resume
from tests.standins.settings import settings
from tests.standins.workspace import Message, Workspace, message_text

OLD, NEW = a_secret_key(1), a_secret_key(2)
SECRET = "Zk4tq0-only-the-caller-knows"
THEIRS = f"https://caller.example.com/task/{SECRET}"


@dataclass(kw_only=True)
class OnCall(Between):
    """A bot whose `.env` is written before it starts."""

    bot: BotProcess
    folder: Path
    env: dict[str, str]

    async def start(self, *keys: str) -> None:
        (self.folder / ".env").write_text(f"SECRET_KEYS={','.join(keys)}\n")
        await self.bot.start()

    async def refused(self, *keys: str) -> str:
        with pytest.raises(DidNotStart) as caught:
            await self.start(*keys)
        return caught.value.log

    async def rotate(self, *words: str) -> tuple[int | None, str]:
        return await run_crewgate("rotate", *words, folder=self.folder, env=self.env)

    async def paused(self, execution: str) -> Message:
        """The card of an execution whose caller registered an address."""
        await self.pause(output=f"A draft of {execution}.", execution=execution)
        url = f"{self.bot.url}/crews/research/executions/{execution}/webhooks"
        token = {"Authorization": f"Bearer {self.crew.token}"}
        async with aiohttp.ClientSession(headers=token) as session:
            answer = await session.put(url, json={"taskWebhookUrl": THEIRS})
            assert answer.status == 200
        return await self.card(f"A draft of {execution}.")

    async def approve(self, card: Message) -> Resume:
        await self.slack.click(ANA, card, "Approve")
        await self.delivered(card)
        return self.crew.resumes[-1]

    @property
    def copy(self) -> bytes:
        """Return the database's files, as a person has them who copied them."""
        return b"".join(one.read_bytes() for one in self.folder.glob("crewgate.db*"))


@pytest.fixture
async def on_call(tmp_path: Path) -> AsyncIterator[OnCall]:
    async with Workspace() as slack, Crew() as crew:
        people(slack)
        env = settings(slack, crew) | {"OPERATORS": "ben@example.com"}
        bot = BotProcess(env, folder=tmp_path)
        connect(slack, crew, bot.url)
        found = OnCall(slack=slack, crew=crew, bot=bot, folder=tmp_path, env=env)
        yield found
        await bot.stop()


async def test_a_copy_shows_nothing_once_all_is_encrypted_and_rotated(on_call: OnCall) -> None:
    await on_call.start()
    plain = await on_call.paused("e-1")
    assert SECRET.encode() in on_call.copy
    status, said = await on_call.rotate()
    assert (status, "SECRET_KEYS is not set" in said) == (1, True)
    await on_call.bot.stop()

    await on_call.start(OLD)
    encrypted = await on_call.paused("e-2")
    status, said = await on_call.rotate()
    assert (status, said) == (
        0,
        "✓ encrypted 1 credential with the first key; no other is needed now\n",
    )
    assert SECRET.encode() not in on_call.copy
    assert (await on_call.approve(plain)).urls.task == THEIRS

    (on_call.folder / ".env").write_text(f"SECRET_KEYS={NEW},{OLD}\n")
    status, said = await on_call.rotate()
    assert (status, "restart the bot" in said) == (1, True)
    await on_call.bot.stop()
    assert "put it back, until `crewgate rotate` has run" in await on_call.refused(NEW)
    await on_call.start(NEW, OLD)
    status, said = await on_call.rotate()
    assert (status, "encrypted 2 credentials" in said) == (0, True)
    await on_call.bot.stop()
    await on_call.start(NEW)
    assert (await on_call.approve(encrypted)).urls.task == THEIRS


async def test_a_lost_key_stops_the_start_until_somebody_says_that_it_is_lost(
    on_call: OnCall,
) -> None:
    await on_call.start(OLD)
    card = await on_call.paused("e-1")
    await on_call.bot.stop()
    for keys in ((), (NEW,)):
        log = await on_call.refused(*keys)
        assert "crewgate: SECRET_KEYS: credentials in the database may be encrypted with" in log
        assert "Traceback" not in log
        assert (await on_call.rotate())[0] == 1
    _, said = await run_crewgate("check", folder=on_call.folder, env=on_call.env)
    assert "✗ database: SECRET_KEYS: credentials in the database may be encrypted with" in said
    status, said = await on_call.rotate("--forget")
    assert (status, "webhooks.task_url: 1" in said, "nothing was taken out" in said) == (
        1,
        True,
        True,
    )
    status, said = await on_call.rotate("--forget", "--yes")
    assert (status, "! took out 1 credential that no key opens" in said) == (0, True)
    await on_call.start(NEW)
    assert (await on_call.approve(card)).urls.task is None


async def test_one_damaged_value_makes_one_decision_stuck(on_call: OnCall) -> None:
    await on_call.start(OLD)
    broken, whole = await on_call.paused("e-1"), await on_call.paused("e-2")
    with sqlite3.connect(on_call.folder / "crewgate.db") as connection:
        connection.execute(
            "UPDATE webhooks SET task_url = substr(task_url, 1, 60) WHERE execution_id = 'e-1'"
        )
    connection.close()
    await on_call.slack.click(ANA, broken, "Approve")
    card = await on_call.shown(broken, "cannot be read with any key in SECRET_KEYS")
    assert "Put that key back into `SECRET_KEYS`" in message_text(card)
    assert on_call.crew.resumes == ()
    await on_call.slack.until(lambda: "U0BEN" in str(on_call.slack.messages("C0REVIEWS")))
    assert (await on_call.approve(whole)).urls.task == THEIRS
    assert "credential_unreadable" in on_call.bot.log_tail
    assert SECRET not in on_call.bot.log.read_text()

    assert "✗ 1 credential cannot be read with any key: put" in (await on_call.rotate())[1]
    status, said = await on_call.rotate("--forget", "--yes")
    assert (status, "stop the bot first, nothing was taken out: another bot" in said) == (1, True)
    await on_call.bot.stop()
    assert (await on_call.rotate("--forget", "--yes"))[0] == 0
    await on_call.start(OLD)
    await on_call.slack.click(ANA, card, "Retry")
    await on_call.delivered(card)
