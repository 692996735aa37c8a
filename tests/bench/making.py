"""Single requests to a bot that does nothing else, and when what they bring about was seen."""

import asyncio
import time
from dataclasses import dataclass

from tests.bench.connection import Connection
from tests.bench.fill import round_of
from tests.bench.load import send
from tests.bench.requests import USER, click, command, home_opened, mark, notification, task_done
from tests.bench.world import World

ACCEPTED = 202
OK = 200
#: Between two publications of Home there is a pause of 0.2 s, which is not what is measured.
_HOME_PAUSE = 0.3
_SETTLE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Took:
    """The seconds until the answer, and until the effect of it was seen."""

    answered: float
    seen: float


async def make_round(world: World, name: object) -> str:
    """A waiting round with its card; the id of its execution."""
    await notify(world, name)
    return mark(name)


async def notify(world: World, name: object) -> Took:
    """A notification, until its card is posted."""
    return await _once(world, notification(name), ACCEPTED, "chat.postMessage", mark(name))


async def tell(world: World, name: object) -> None:
    """A task is done, so its execution's progress is shown."""
    connection = await Connection.open(world.bot.port)
    try:
        await send(connection, task_done(name), expect=ACCEPTED)
    finally:
        connection.close()


async def approve(world: World, execution: str) -> Took:
    """A click on Approve, until the crew is told."""
    round_id, _ = await round_of(world.database_url, execution)
    request = click(round_id, world.stand_ins.port)
    return await _once(world, request, OK, "resume", execution)


async def ask(world: World, text: str, number: object) -> Took:
    """`/crew …`, until its answer is there."""
    request = command(text, world.stand_ins.port, number)
    return await _once(world, request, OK, "respond", mark(number))


async def open_home(world: World) -> Took:
    """Opening Home, until it is published."""
    await asyncio.sleep(_HOME_PAUSE)
    return await _once(world, home_opened(), OK, "views.publish", USER)


async def becomes(world: World, execution: str, *states: str) -> None:
    """Wait until the round of an execution is in one of these states."""
    async with asyncio.timeout(_SETTLE_SECONDS):
        while (await round_of(world.database_url, execution))[1] not in states:
            await asyncio.sleep(0.05)


async def _once(world: World, request: bytes, expect: int, method: str, marked: str) -> Took:
    connection = await Connection.open(world.bot.port)
    try:
        began = time.monotonic()
        answered = await send(connection, request, expect=expect)
        return Took(answered, await world.seen(method, marked, after=began) - began)
    finally:
        connection.close()
