"""A whole bot, between the two stand-ins, over real HTTP."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crewgate.app import Bot, running
from crewgate.demo.crew import Address, Crew
from crewgate.demo.environment import CHANNEL, WEBHOOK_SECRET, people, settings
from crewgate.demo.workspace import Message, Workspace, message_text
from crewgate.domain.rate import Rate
from crewgate.domain.retry import Retry
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings, load
from crewgate.slack import icons
from crewgate.usecases.delivery.worker import Pace
from tests.databases import MIGRATED, SqliteTemplate, bring_up

#: Nobody waits for real time to pass in a test: everything is tried again at once.
AT_ONCE = Runtime(
    retry=Retry(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=40)),
    grace=timedelta(milliseconds=20),
    post_rate=Rate(interval=timedelta()),
    update_rate=Rate(interval=timedelta()),
    pace=Pace(
        poll=timedelta(milliseconds=10),
        pause=Retry(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=40)),
    ),
    restart=Retry(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=40)),
)


def says_delivered(card: Message) -> bool:
    """Whether a card says that the crew has the decision."""
    return any(icon in message_text(card) for icon in (icons.APPROVED, icons.CHANGES_ASKED))


@dataclass
class World:
    """A workspace, a crew and the bot between them."""

    slack: Workspace
    crew: Crew
    url: str
    settings: Settings

    async def pause(
        self, task: str = "draft", output: object = "A draft.", execution: str = "e-1"
    ) -> int:
        """The crew pauses; the status of the bot's answer."""
        sent = await self.crew.pause(execution, task, output)
        assert sent.status is not None
        return sent.status

    async def card(self, shows: str, *, round_: int = 1) -> Message:
        """The newest card that shows this, once it is there."""

        def found() -> list[Message]:
            return [
                message
                for message in self.slack.messages(CHANNEL)
                if shows in message_text(message) and f"round {round_} ·" in message_text(message)
            ]

        return (await self.slack.until(found))[-1]

    async def shown(self, card: Message, text: str, *, timeout: float = 5) -> Message:
        """The card once it shows this."""

        def fresh() -> list[Message]:
            now = self.slack.fresh(card)
            return [now] if text in message_text(now) else []

        return (await self.slack.until(fresh, timeout=timeout))[0]

    async def delivered(self, card: Message, *, timeout: float = 5) -> Message:
        """The card once it says that the crew has the decision."""

        def fresh() -> list[Message]:
            now = self.slack.fresh(card)
            return [now] if says_delivered(now) else []

        return (await self.slack.until(fresh, timeout=timeout))[0]

    async def told(self, user: str, *, count: int = 1) -> str:
        """What this person was last told in private."""
        await self.slack.until(lambda: len(self.slack.ephemerals(user)) >= count)
        return message_text(self.slack.ephemerals(user)[-1])

    async def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """Any request to the bot; status and JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}{path}", data=io.BytesIO(body), headers=named) as answer,
        ):
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, Any]:
        """Any request to the bot; status and JSON."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as answer:
            return answer.status, await answer.json()


MakeWorld = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def make_world(tmp_path: Path, sqlite_template: SqliteTemplate) -> MakeWorld:
    """Build a world; keyword arguments are settings, as in the environment.

    With `instead`, that crew and not the stand-in.
    """

    @asynccontextmanager
    async def build(
        runtime: Runtime = AT_ONCE,
        *,
        crews_file: str = "",
        port: int = 0,
        forward: bool = False,
        instead: Crew | None = None,
        **more: str,
    ) -> AsyncIterator[World]:
        async with Workspace() as slack, instead or Crew() as crew:
            if crews_file:
                (tmp_path / "crews.toml").write_text(crews_file.replace("CREW_URL", crew.url))
            people(slack)
            chosen = load(settings(slack, crew) | {"HOST": "127.0.0.1"} | more, cwd=tmp_path)
            database = tmp_path / "crewgate.db"
            if not database.exists():
                shutil.copy(await sqlite_template(MIGRATED, bring_up), database)
            url = f"sqlite+aiosqlite:///{database}"
            chosen = replace(chosen, port=port, database_url=url)
            crews = {n: replace(c, forward=forward) for n, c in chosen.crews.items()}
            chosen = replace(chosen, crews=crews)
            async with started(slack, crew, chosen, runtime) as world:
                yield world

    return build


@asynccontextmanager
async def started(
    slack: Workspace, crew: Crew, chosen: Settings, runtime: Runtime = AT_ONCE
) -> AsyncIterator[World]:
    """A bot between these two, once it knows who it is in Slack."""
    async with running(chosen, runtime) as bot:
        join(slack, crew, bot)
        while (await bot.check_health()).warnings:
            for _ in range(50):  # nothing tells of it, and each look asks the database
                await asyncio.sleep(0)
        yield World(slack, crew, bot.address, chosen)


def join(slack: Workspace, crew: Crew, bot: Bot) -> None:
    """Tell the stand-ins where the bot listens."""
    slack.events_url = f"{bot.address}/slack/events"
    url = f"{bot.address}/crews/{crew.name}/human-input"
    crew.human_input = Address.bearer(url, WEBHOOK_SECRET)


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world with the demo's people in it."""
    async with make_world() as built:
        yield built
