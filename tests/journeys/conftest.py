"""A whole bot, between the two stand-ins, over real HTTP."""

import asyncio
import io
import json
import shutil
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crewgate.app import running
from crewgate.audit.run import run_audit
from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET, connect, people
from crewgate.demo.servers import free_port
from crewgate.domain.retry import Rate, Retry
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings, load
from crewgate.slack.words import icons
from crewgate.usecases.delivery.worker import Pace
from tests.databases import MIGRATED, SqliteTemplate, bring_up
from tests.standins.crew import Crew
from tests.standins.settings import settings
from tests.standins.workspace import Message, Reply, Workspace, message_text

#: Nobody waits for real time to pass in a test: everything is tried again at once.
AT_ONCE = Runtime(
    retry=Retry(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=40)),
    grace=timedelta(milliseconds=20),
    share_grace=timedelta(milliseconds=20),
    post_rate=Rate(interval=timedelta()),
    update_rate=Rate(interval=timedelta()),
    pace=Pace(
        poll=timedelta(milliseconds=200),
        pause=Retry(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=40)),
    ),
    restart=Retry(first=timedelta(milliseconds=5), longest=timedelta(milliseconds=40)),
    ping=1,
)


def says_delivered(card: Message) -> bool:
    """Return True if a card says that the crew has the decision."""
    return any(icon in message_text(card) for icon in (icons.APPROVED, icons.CHANGES_ASKED))


@dataclass(kw_only=True)
class Between:
    """A workspace and a crew, and a bot between them."""

    slack: Workspace
    crew: Crew
    patience: float = 30
    """The longest that something on a card is waited for, in seconds."""

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

        return (await self.slack.until(found, timeout=self.patience))[-1]

    async def shown(self, card: Message, text: str) -> Message:
        """The card once it shows this."""
        await self.slack.until(
            lambda: text in message_text(self.slack.fresh(card)), timeout=self.patience
        )
        return self.slack.fresh(card)

    async def delivered(self, card: Message) -> Message:
        """The card once it says that the crew has the decision."""
        await self.slack.until(
            lambda: says_delivered(self.slack.fresh(card)), timeout=self.patience
        )
        return self.slack.fresh(card)

    async def told(self, user: str, *, count: int = 1) -> str:
        """Return the last private reply to this person."""
        await self.slack.until(lambda: len(self.slack.ephemerals(user)) >= count)
        return message_text(self.slack.ephemerals(user)[-1])

    async def ask(self, user: str, text: str) -> str:
        """Return the answer to a `/crew` command."""
        before = len(self.slack.ephemerals(user))
        await self.slack.slash(user, CHANNEL, "/crew", text)
        return await self.told(user, count=before + 1)

    async def revise(self, user: str, card: Message, feedback: str = "Shorter.") -> Reply:
        """Ask for changes in the form that the card's button opens."""
        await self.slack.click(user, card, "Revise")
        form = "What should change?"
        await self.slack.until(lambda: form in str(self.slack.open_modals(user)[-1:]))
        return await self.slack.submit(user, {"feedback": feedback})


@dataclass(kw_only=True)
class World(Between):
    """The same with a bot in this process."""

    url: str
    settings: Settings

    async def send(
        self, method: str, path: str, body: bytes | None = None, /, **headers: str
    ) -> tuple[int, Any]:
        """Any request to the bot; status and JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else io.BytesIO(body)
        async with (
            aiohttp.ClientSession(headers=named) as session,
            session.request(method, f"{self.url}{path}", data=data) as answer,
        ):
            return answer.status, await answer.json()

    async def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        return await self.send("POST", path, body, **headers)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return await self.send("GET", path, **headers)

    async def notify(self, path: str, body: object) -> tuple[int, Any]:
        """A webhook of the crew's, with its credentials; status and JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        secret = f"Bearer {WEBHOOK_SECRET}"
        return await self.post(path, sent, Authorization=secret, Content_Type="application/json")

    async def kick_off(self, **body: object) -> tuple[int, Any]:
        """Start the crew as a caller of the bot; return status and JSON."""
        sent = json.dumps({"inputs": {"topic": "tea"}} | body).encode()
        token = f"Bearer {self.crew.token}"
        path = f"/crews/{self.crew.name}/kickoff"
        return await self.post(path, sent, Authorization=token, Content_Type="application/json")


MakeWorld = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def make_world(tmp_path: Path, sqlite_template: SqliteTemplate) -> MakeWorld:
    """Build a world; keyword arguments are settings, as in the environment.

    With `port`, callers reach the bot there. With `slack`, in that workspace, whatever it answers
    at the start; with `instead`, that crew and not the stand-in.
    """

    @asynccontextmanager
    async def build(
        runtime: Runtime = AT_ONCE,
        *,
        crews_file: str = "",
        port: int = 0,
        forward: bool = False,
        slack: Workspace | None = None,
        instead: Crew | None = None,
        **more: str,
    ) -> AsyncIterator[World]:
        async with AsyncExitStack() as stack:
            waits = slack is None  # until it knows who it is in Slack
            if slack is None:
                slack = await stack.enter_async_context(Workspace())
            crew = await stack.enter_async_context(instead or Crew())
            if crews_file:
                (tmp_path / "crews.toml").write_text(crews_file.replace("CREW_URL", crew.url))
            if ANA not in slack.world.users:
                people(slack)
            public = {"PUBLIC_URL": f"http://127.0.0.1:{port}"} if port else {}
            environ = settings(slack, crew) | {"HOST": "127.0.0.1"} | public | more
            chosen = load(environ, cwd=tmp_path)
            database = tmp_path / "crewgate.db"
            if "DATABASE_URL" not in more and not database.exists():
                shutil.copy(await sqlite_template(MIGRATED, bring_up), database)
            url = more.get("DATABASE_URL", f"sqlite+aiosqlite:///{database}")
            crews = {n: replace(c, forward=forward) for n, c in chosen.crews.items()}
            chosen = replace(chosen, port=port, database_url=url, crews=crews)
            bot = await stack.enter_async_context(running(chosen, runtime))
            connect(slack, crew, bot.address)
            while waits and (await bot.check_health()).warnings:
                for _ in range(50):  # nothing tells of it, and each look asks the database
                    await asyncio.sleep(0)
            yield World(slack=slack, crew=crew, url=bot.address, settings=chosen)
        # Whatever the journey was, its trail holds.
        assert await run_audit(chosen, Namespace(of_audit="verify", head=None)) == 0

    return build


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world with the demo's people in it."""
    async with make_world() as built:
        yield built


@pytest.fixture
async def reached(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world whose executions are started through the bot, at an address that is known before."""
    async with make_world(port=free_port()) as built:
        built.crew.human_input = None
        yield built


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The bot's database."""
    return tmp_path / "crewgate.db"
