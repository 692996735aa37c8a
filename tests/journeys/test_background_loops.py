"""A background loop that dies: a traceback in the log, `/readyz` not ready, and started again.

None dies of what Slack answers, whatever its shape, so tests kill them.
"""

import asyncio
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from crewgate.demo.environment import ANA
from crewgate.domain.retry import Retry
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.standins.workspace import BOT_USER_ID, Workspace, malformed

Logs = list[MutableMapping[str, Any]]
NO_OBJECT = malformed([1])
ASKED = ("users.lookupByEmail", "conversations.members", "views.publish")
"""The calls of Slack by the loops, besides that for the bot's own id."""

SEEN_TO_BE_DOWN = replace(AT_ONCE, restart=Retry(first=timedelta(seconds=0.2)))
"""A loop that died is down for long enough."""


@pytest.fixture(name="logs")
def _logs() -> Iterator[Logs]:
    with capture_logs() as logs:
        yield logs


async def ready(world: World, status: int) -> str:
    """Return the answer of `/readyz` once it has this status."""
    async with asyncio.timeout(60):
        while (answer := await world.get("/readyz"))[0] != status:
            pass
    return str(answer[1].get("message", ""))


def deaths(logs: Logs, loop: str) -> list[BaseException]:
    """Return the errors that ended a loop, as logged."""
    return [
        line["exc_info"] for line in logs if line["event"] == "loop_died" and line["loop"] == loop
    ]


def running_as(name: str) -> asyncio.Task[Any]:
    """The task of a loop; there is one whenever the bot is ready."""
    [task] = [task for task in asyncio.all_tasks() if f"coro=<{name}()" in repr(task)]
    return task


async def no_pause(_seconds: float) -> None:
    """The loops go round, and others have their turn."""
    await asyncio.sleep(0)  # noqa: TID251  # in place of their pauses


LOOPS = {
    "identity": "Identity.run",
    "directory": "SlackDirectory.run",
    "home": "HomeRefresher.run",
    "socket": "SocketMode.run",
}


async def test_every_loop_that_is_killed_is_started_again(
    make_world: MakeWorld, logs: Logs
) -> None:
    async with make_world(SEEN_TO_BE_DOWN, SLACK_APP_TOKEN="xapp-demo") as world:
        await world.slack.until(lambda: len(world.slack.sockets.open))
        for loop, task in LOOPS.items():
            killed = running_as(task)

            killed.cancel()

            assert f"the loop {loop} died" in await ready(world, 503)
            await ready(world, 200)
            assert running_as(task) is not killed
            assert len(deaths(logs, loop)) == 1


async def test_no_loop_dies_of_what_slack_answers(make_world: MakeWorld, logs: Logs) -> None:
    async with Workspace() as slack:
        slack.fail("auth.test", NO_OBJECT, times=20)
        for method in ASKED:
            slack.fail(method, NO_OBJECT, times=None)
        runtime = replace(AT_ONCE, sleep=no_pause)
        async with make_world(runtime, slack=slack, REVIEWERS="*,ana@example.com") as world:
            await slack.until(lambda: len(slack.calls_of("auth.test")) > 20)
            await slack.open_home(ANA)
            await slack.until(lambda: all(map(slack.calls_of, ASKED)))
            await until_warned(world, "Slack does not say who is in")

            slack.clear_faults()

            await slack.open_home(ANA)
            await slack.until(lambda: slack.home(ANA))
    assert not [line for line in logs if line["event"] == "loop_died"]


async def test_the_socket_is_opened_again(make_world: MakeWorld, logs: Logs) -> None:
    runtime = replace(SEEN_TO_BE_DOWN, ping=0.05)
    async with make_world(runtime, SLACK_APP_TOKEN="xapp-demo") as world:
        await world.slack.until(lambda: len(world.slack.sockets.open))

        world.slack.sockets.garble()
        assert "the loop socket died of ValueError" in await ready(world, 503)

        await world.slack.until(lambda: world.slack.sockets.ever > 1)
        await ready(world, 200)
        await world.slack.until(lambda: len(world.slack.sockets.open))
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
        assert "the loop worker for posts:research died" in await ready(world, 503)

        await world.slack.come_back()

        await world.card("A draft")
        await ready(world, 200)
        assert deaths(logs, "worker for posts:research")


async def test_a_crew_whose_only_reviewer_is_the_bot_is_told_of(make_world: MakeWorld) -> None:
    async with Workspace() as slack, make_world(slack=slack, REVIEWERS=BOT_USER_ID) as world:
        told = "the only reviewer of research is this bot, which decides nothing"
        await until_warned(world, told)


async def until_warned(world: World, of: str) -> None:
    """Wait until `/readyz`, which is ready, tells of this: it counts several pings first."""
    async with asyncio.timeout(240):
        while not any(of in one for one in (await world.get("/readyz"))[1]["details"]):
            pass
