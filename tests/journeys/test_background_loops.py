"""A background loop that dies: a traceback in the log, `/readyz` not ready, and started again.

Slack answers in shapes that nobody foresaw, for as long as a test wants the loop to die.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.app import Bot, running
from bot.demo.crew import Crew
from bot.demo.environment import ANA, people, settings
from bot.demo.workspace import Workspace, malformed
from bot.domain.retry import Retry
from bot.runtime import Runtime
from bot.settings.load import load
from tests.journeys.conftest import AT_ONCE, MakeWorld, World, join

Logs = list[MutableMapping[str, Any]]
NO_OBJECT = malformed([1])


@pytest.fixture(name="logs")
def _logs() -> Iterator[Logs]:
    with capture_logs() as logs:
        yield logs


@asynccontextmanager
async def starting(
    slack: Workspace, folder: Path, runtime: Runtime = AT_ONCE, **more: str
) -> AsyncIterator[Bot]:
    """A bot in this workspace, whatever its loops are about to meet."""
    async with Crew() as crew:
        people(slack)
        environ = settings(slack, crew) | {"HOST": "127.0.0.1", "PORT": "1"} | more
        chosen = load(environ, cwd=folder)
        database = f"sqlite+aiosqlite:///{folder / 'crewgate.db'}"
        async with running(replace(chosen, port=0, database_url=database), runtime) as bot:
            join(slack, crew, bot)
            yield bot


async def until(bot: Bot, ready: Callable[[tuple[str, ...]], bool]) -> None:
    """Until the failures are such."""
    async with asyncio.timeout(10):
        while not ready((await bot.check_health()).failures):
            pass


async def ready(world: World, status: int) -> str:
    """What `/readyz` says once it answers with this status."""
    async with asyncio.timeout(10):
        while (answer := await world.get("/readyz"))[0] != status:
            pass
    return str(answer[1].get("message", ""))


def deaths(logs: Logs, loop: str) -> list[BaseException]:
    """What a loop died of, as it was logged."""
    return [
        line["exc_info"] for line in logs if line["event"] == "loop_died" and line["loop"] == loop
    ]


@pytest.mark.parametrize(
    ("loop", "method", "reviewers"),
    [("identity", "auth.test", ANA), ("directory", "users.lookupByEmail", "ana@example.com")],
)
async def test_what_is_asked_ahead_of_time_is_asked_again(
    tmp_path: Path, logs: Logs, loop: str, method: str, reviewers: str
) -> None:
    async with Workspace() as slack:
        slack.fail(method, NO_OBJECT, times=None)
        async with starting(slack, tmp_path, REVIEWERS=reviewers) as bot:
            await until(bot, lambda failures: any(f"the loop {loop} " in one for one in failures))
            slack.clear_faults()
            await until(bot, lambda failures: not failures)
            await slack.until(lambda: slack.calls_of(method)[-1].answer)
    assert all(isinstance(error, AttributeError) for error in deaths(logs, loop))
    assert deaths(logs, loop)


async def test_home_is_shown_again(world: World, logs: Logs) -> None:
    world.slack.fail("views.publish", NO_OBJECT, times=None)
    await world.slack.open_home(ANA)
    assert "the loop home died of AttributeError" in await ready(world, 503)

    world.slack.clear_faults()

    await ready(world, 200)
    await world.slack.open_home(ANA)
    await world.slack.until(lambda: world.slack.home(ANA))
    assert deaths(logs, "home")


async def test_the_socket_is_opened_again(make_world: MakeWorld, logs: Logs) -> None:
    long_enough_to_be_seen = Retry(first=timedelta(seconds=0.2))
    runtime = replace(AT_ONCE, ping=0.05, restart=long_enough_to_be_seen)
    async with make_world(runtime, SLACK_APP_TOKEN="xapp-demo") as world:
        await world.slack.until(lambda: world.slack.sockets)

        world.slack.garble_sockets()
        assert "the loop socket died of ValueError" in await ready(world, 503)

        await world.slack.until(lambda: world.slack.sockets_ever > 1)
        await ready(world, 200)
        await world.slack.until(lambda: world.slack.sockets)
        assert [type(error) for error in deaths(logs, "socket")] == [ValueError]


class Unforeseen(Retry):
    """A pause that cannot be worked out."""

    def after(self, *_args: object, **_more: object) -> timedelta:
        raise ZeroDivisionError


async def test_a_worker_works_on(make_world: MakeWorld, logs: Logs) -> None:
    pace = replace(AT_ONCE.pace, pause=Unforeseen())
    async with make_world(replace(AT_ONCE, pace=pace)) as world:
        await world.slack.go_down()
        await world.pause()
        assert "the loop worker for slack died" in await ready(world, 503)

        await world.slack.come_back()

        await world.card("A draft")
        await ready(world, 200)
        assert deaths(logs, "worker for slack")
