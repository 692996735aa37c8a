"""Many notifications at once into one channel, where Slack takes one post a second.

The pace is scaled on both sides alike, so that it does not take a quarter of an hour.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import cycle

from tests.bench.connection import Connection
from tests.bench.figures import Row
from tests.bench.load import send
from tests.bench.making import ACCEPTED
from tests.bench.options import Options
from tests.bench.requests import mark, notification
from tests.bench.world import World, open_world

_PROCESSES = 3
#: How much longer than at the pace alone the posts may take, and in addition; in seconds.
_PATIENCE = 2
_ALLOWANCE = 20
_LOOK_SECONDS = 0.5
#: Cards of one execution, whose order in its thread counts.
_OF_EXECUTION = 4


async def burst(options: Options) -> AsyncIterator[Row]:
    """From one process, and from three that share a PostgreSQL database."""
    for processes, database in ((1, options.database), (_PROCESSES, "postgresql")):
        async with open_world(
            options,
            pace=options.pace,
            slack_pace=options.pace,
            bots=processes,
            database=database,
        ) as world:
            yield await _measure(options, world)


async def _measure(options: Options, world: World) -> Row:
    cpu = sum(bot.cpu_seconds() for bot in world.bots)
    began = time.monotonic()
    await _send(options.burst, world)
    sent = time.monotonic() - began
    await _posted(options, world)
    cpu = sum(bot.cpu_seconds() for bot in world.bots) - cpu
    seen = await world.everything()
    posted = [marked for _, marked in seen["posted"]]
    took = seen["posted"][-1][0] - began
    expected = {mark(number): number for number in range(options.burst)}
    cards = [expected[marked] for marked in posted if marked in expected]
    refused = seen["calls"].get("429", 0) / seen["calls"]["chat.postMessage"]
    what = "one process" if len(world.bots) == 1 else f"{len(world.bots)} processes on PostgreSQL"
    return Row(
        f"burst of {options.burst:,} into one channel, pace {options.pace:g}/s, {what}",
        f"sent in {sent:.1f} s, posted in {took:.1f} s; CPU of the bot {cpu:.1f} s",
        f"{len(set(cards)):,} posted, {len(posted) - len(set(cards))} too many, "
        f"{_out_of_order(cards)} out of order, {refused:.1%} answered 429",
        f"all, 0, 0, < 1%; at the pace alone {options.burst / options.pace:.0f} s",
    )


async def _send(number: int, world: World) -> None:
    """One after the other, so that there is an order, to each process in turn."""
    connections = [await Connection.open(bot.port) for bot in world.bots]
    try:
        for which, connection in zip(range(number), cycle(connections), strict=False):
            request = notification(which, f"execution {which // _OF_EXECUTION}")
            await send(connection, request, expect=ACCEPTED)
    finally:
        for connection in connections:
            connection.close()


async def _posted(options: Options, world: World) -> None:
    """Wait until every card is posted, or it has taken too long."""
    until = time.monotonic() + options.burst / options.pace * _PATIENCE + _ALLOWANCE
    while time.monotonic() < until:
        posted = (await world.everything())["posted"]
        if len({marked for _, marked in posted}) >= options.burst:
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _out_of_order(cards: list[int]) -> int:
    """Return the number of requests that arrived after a later one of their execution."""
    latest: defaultdict[int, int] = defaultdict(int)
    late = 0
    for card in cards:
        execution = card // _OF_EXECUTION
        late += card < latest[execution]
        latest[execution] = max(latest[execution], card)
    return late
