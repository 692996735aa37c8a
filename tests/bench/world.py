"""The stand-ins of a measurement, with the bot between them: each a process of its own."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crewgate.demo.servers import free_port
from tests.bench.connection import Connection, request
from tests.bench.options import Options
from tests.bench.processes import ROOT, Child, child
from tests.bench.requests import CHANNEL, SECRET, USER
from tests.quick_bot import quick

#: Slack's own, as the settings of a real installation have it.
REAL_PACE = 1.0
#: No pace: whatever is posted is delivered at once.
NO_PACE = 0.0
_PATIENCE = 20
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class World:
    """Running processes."""

    bots: tuple[Child, ...]
    stand_ins: Child
    database_url: str

    @property
    def bot(self) -> Child:
        """The only one, or the first."""
        return self.bots[0]

    async def seen(self, method: str, marked: str, *, after: float = 0) -> float:
        """Return the time at which the stand-ins saw a mark; wait until it is after `after`."""
        return float(await self._ask(f"/seen/{method}/{marked}?after={after}"))

    async def everything(self) -> dict[str, Any]:
        """All that the stand-ins saw: `seen`, `calls` and `posted`."""
        answer: dict[str, Any] = await self._ask("/seen")
        return answer

    async def settled(self, *, within: float = _PATIENCE) -> None:
        """Wait until the stand-ins have not been called for a while, as long as that may take."""
        try:
            async with asyncio.timeout(within):
                before = None
                while before != (calls := (await self.everything())["calls"]):
                    before = calls
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            pass

    async def _ask(self, path: str) -> Any:
        connection = await Connection.open(self.stand_ins.port)
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await connection.send(request(path, method="GET"))
        finally:
            connection.close()
        return json.loads(answer.body)


@asynccontextmanager
async def open_world(
    options: Options,
    *,
    pace: float = REAL_PACE,
    slack_pace: float = NO_PACE,
    bots: int = 1,
    database: str | None = None,
    checkout: Path = ROOT,
) -> AsyncIterator[World]:
    """Start the stand-ins and so many bots, and end all of them.

    `pace` is the bot's, `slack_pace` the one that the stand-in holds it to. The bot may be of
    another checkout, which has a `.venv` of its own.
    """
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(_database(database or options.database, folder))
        port = free_port()
        command = ("-m", "tests.bench.stand_ins", str(port), str(slack_pace))
        stand_ins = await stack.enter_async_context(child(command, port, folder))
        started = [
            await stack.enter_async_context(bot(port, url, folder, pace=pace, checkout=checkout))
            for _ in range(bots)
        ]
        world = World(tuple(started), stand_ins, url)
        await world.settled(within=2)  # who is who in Slack is asked at the start
        yield world


def bot(
    stand_ins: int, url: str, folder: Path, *, pace: float = REAL_PACE, checkout: Path = ROOT
) -> AbstractAsyncContextManager[Child]:
    """The real bot."""
    port = free_port()
    settings = {
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": f"http://127.0.0.1:{stand_ins}/api/",
        "SLACK_CHANNEL": CHANNEL,
        "CREW_URL": f"http://127.0.0.1:{stand_ins}/crew",
        "CREW_TOKEN": "bench-token",
        "CREW_WEBHOOK_SECRET": SECRET,
        "REVIEWERS": USER,
        "DATABASE_URL": url,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "error",
    }
    command = (*quick("crewgate"), "serve")
    if pace != REAL_PACE:
        command = quick(post=1 / pace if pace else 0)
    python = sys.executable
    if checkout != ROOT:
        python = str(checkout / ".venv/bin/python")
        settings["PYTHONPATH"] = f"{checkout / 'bot'}{os.pathsep}{checkout}"
    return child(command, port, folder, settings=settings, ready="/readyz", python=python)


@asynccontextmanager
async def _database(kind: str, folder: Path) -> AsyncIterator[str]:
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'crewgate.db'}"
        return
    # Half a second, and a package that only PostgreSQL needs.
    from tests.postgres import open_postgres  # noqa: PLC0415

    with open_postgres(durable=True) as postgres:
        async with postgres.database("template1") as url:
            yield url
