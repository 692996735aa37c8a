"""The time of one action, alone and under a load that can be kept up."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from tests.bench.figures import Row, spread
from tests.bench.fill import copy_rounds, waiting_rounds
from tests.bench.load import open_loop
from tests.bench.making import ACCEPTED, OK, Took, approve, make_round, notify, open_home, tell
from tests.bench.options import Options
from tests.bench.requests import click, mark, notification
from tests.bench.world import NO_PACE, open_world

#: Between two things, so that each is alone; in seconds.
_APART = 0.02
#: How many cards are posted beside progress, and the pace of posts a second there, scaled as in
#: `burst`.
_CARDS = 20
_POSTS = 4
#: In which a channel's pace has room again for all that is posted for one of them, in seconds.
_REST = 1.5
#: Notifications and clicks a second of the load.
RATE = 50


async def idle(options: Options) -> AsyncIterator[Row]:
    """One thing at a time, on a bot without a pace: a card never waits for its turn."""
    notified: list[Took] = []
    clicked: list[Took] = []
    async with open_world(options, pace=NO_PACE) as world:
        loop = asyncio.get_running_loop()
        until = loop.time() + options.seconds * options.rounds
        number = 0
        while loop.time() < until:
            number += 1
            notified.append(await notify(world, number))
            await asyncio.sleep(_APART)
            clicked.append(await approve(world, mark(number)))
            await asyncio.sleep(_APART)
        opened = [(await open_home(world)).seen for _ in range(_CARDS)]
    notified, clicked = notified[1:] or notified, clicked[1:] or clicked  # the first ones prepare
    yield Row("idle: notification, until answered", spread([took.answered for took in notified]))
    yield Row("idle: notification, until its card is posted", spread([t.seen for t in notified]))
    yield Row("idle: click, until acknowledged", spread([took.answered for took in clicked]))
    yield Row(
        "idle: click, until the crew is told",
        spread([took.seen for took in clicked]),
        goal="p50 < 12 ms, p99 < 40 ms",
    )
    yield Row("idle: Home, until it is published", spread(opened, 90), goal="p50 < 80 ms")
    yield await _beside_progress(options)


async def _beside_progress(options: Options) -> Row:
    """A card at a time, each just after the progress of some executions that wait is shown."""
    others = [f"other{number}" for number in range(_CARDS * _POSTS)]
    took: list[float] = []
    async with open_world(options, pace=_POSTS, slack_pace=_POSTS) as world:
        for name in others:
            await notify(world, name)
        for number, some in enumerate(zip(*[iter(others)] * _POSTS, strict=True)):
            await asyncio.sleep(_REST)
            for name in some:
                await tell(world, name)
            await asyncio.sleep(_APART)
            took.append((await notify(world, f"card{number}")).seen)
    what = "idle: notification, until its card is posted, where others' progress is, too"
    return Row(what, spread(took, 90), goal="p90 < 50 ms")


async def loaded(options: Options) -> AsyncIterator[Row]:
    """So many notifications and clicks a second, whether or not those before were answered."""
    count = int(RATE * options.seconds * options.rounds)
    async with open_world(options, pace=NO_PACE) as world:
        template = await make_round(world, "template")
        await copy_rounds(world.database_url, template, range(1, count + 1))
        found = await waiting_rounds(world.database_url)
        port = world.stand_ins.port
        (notified, _), (clicked, sent) = await asyncio.gather(
            open_loop(
                world.bot.port,
                (partial(notification, number) for number in range(count)),
                rate=RATE,
                expect=ACCEPTED,
            ),
            open_loop(
                world.bot.port,
                (partial(click, round_id, port) for round_id, _ in found[:count]),
                rate=RATE,
                expect=OK,
            ),
        )
        await world.settled()
        seen = (await world.everything())["seen"].get("resume", {})
        told = [
            seen[execution] - at
            for (_, execution), at in zip(found, sent, strict=False)
            if execution in seen
        ]
    load = f"{RATE} notifications and {RATE} clicks a second"
    yield Row(f"{load}: notification answered", spread(notified.latencies))
    yield Row("  click acknowledged", spread(clicked.latencies))
    yield Row(f"  click, until the crew is told ({len(told):,} of {count:,})", spread(told))
