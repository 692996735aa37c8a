"""How soon the bot is ready, and how much memory it takes."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator
from functools import partial
from itertools import count

from tests.bench.figures import Row
from tests.bench.load import closed_loop
from tests.bench.making import ACCEPTED
from tests.bench.options import Options
from tests.bench.requests import notification
from tests.bench.world import NO_PACE, bot, open_world

_STARTS = 4
_REST_SECONDS = 1


async def footprint(options: Options) -> AsyncIterator[Row]:
    """Starts, the first one with an empty database, then load on the one that runs."""
    starts = []
    async with open_world(options, bots=0) as world:
        folder = world.stand_ins.log.parent
        for _ in range(_STARTS):
            async with bot(world.stand_ins.port, world.database_url, folder) as started:
                starts.append(started.start_seconds)
    async with open_world(options, pace=NO_PACE) as world:
        await asyncio.sleep(_REST_SECONDS)
        idle = world.bot.memory()
        await closed_loop(
            world.bot,
            (partial(notification, number) for number in count()),
            seconds=options.seconds * options.rounds,
            expect=ACCEPTED,
        )
        loaded = world.bot.memory("VmHWM")
    first, *later = starts
    yield Row("start to /readyz 200, empty database", f"{first:.2f} s", goal="< 1 s")
    yield Row("  again, with what is there", f"{statistics.median(later):.2f} s", goal="< 1 s")
    yield Row("memory, idle", f"{idle:.0f} MB", goal="< 100 MB")
    yield Row("memory, at its highest under load", f"{loaded:.0f} MB", goal="< 100 MB")
