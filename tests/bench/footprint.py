"""The time until the bot is ready, and the memory that it takes."""

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
from tests.bench.world import NO_PACE, REAL_PACE, bot, open_world

_STARTS = 5
_REST_SECONDS = 1


async def footprint(options: Options) -> AsyncIterator[Row]:
    """Starts, the first one with an empty database; rest after it and after the last; then load.

    The last bot, which is put under load, delivers at once, and is not `crewgate serve`, which is
    what starts are measured of.
    """
    starts: list[float] = []
    idle: list[float] = []
    loaded = 0.0
    async with open_world(options, bots=0, pace=NO_PACE) as world:
        folder = world.stand_ins.log.parent
        for start in range(_STARTS):
            is_last = start == _STARTS - 1
            pace = NO_PACE if is_last else REAL_PACE
            async with bot(world.stand_ins.port, world.database_url, folder, pace=pace) as started:
                if not is_last:
                    starts.append(started.start_seconds)
                if start and not is_last:
                    continue
                await asyncio.sleep(_REST_SECONDS)
                idle.append(started.memory())
                if is_last:
                    await closed_loop(
                        started,
                        (partial(notification, number) for number in count()),
                        seconds=options.seconds * options.rounds,
                        expect=ACCEPTED,
                    )
                    loaded = started.memory("VmHWM")
    first, *later = starts
    yield Row("start to /readyz 200, empty database", f"{first:.2f} s", goal="< 0.8 s")
    yield Row("  again, with what is there", f"{statistics.median(later):.2f} s", goal="< 0.8 s")
    yield Row("memory, idle", f"{idle[-1]:.0f} MB", goal="< 92 MB")
    yield Row("  after the first start, which migrates", f"{idle[0]:.0f} MB")
    yield Row("memory, at its highest under load", f"{loaded:.0f} MB", goal="< 92 MB")
