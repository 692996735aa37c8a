"""Several bots on one PostgreSQL beside one: what they lose by sharing it, and to which locks.

The database has one core, all bots together another: more cores would show what more bots bring.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from tests.bench.figures import Row, ratio, spread
from tests.bench.fill import connected, copy_rounds, waiting_rounds
from tests.bench.load import AT_ONCE, closed_loop
from tests.bench.making import ACCEPTED, OK, make_round
from tests.bench.options import Options
from tests.bench.requests import click, notification
from tests.bench.world import World, open_world

_BOTS = 3
#: Clicks a second that are prepared for.
_CLICKS = 600
_LOOK_SECONDS = 0.02
_WAITING = sa.text(
    "SELECT wait_event_type || ' ' || wait_event FROM pg_stat_activity"
    " WHERE wait_event_type IN ('Lock', 'LWLock') AND datname = current_database()"
)


async def shared(options: Options) -> AsyncIterator[Row]:
    """Clicks, then notifications, 16 at once: of one bot, and of three."""
    async with (
        open_world(options, database="postgresql") as one,
        open_world(options, database="postgresql", bots=_BOTS) as several,
    ):
        worlds = (one, several)
        clicks = [await _clicks(world, options) for world in worlds]
        yield await _compared("clicks", options, worlds, clicks, OK)
        notifications = [(partial(notification, number) for number in count()) for _ in worlds]
        yield await _compared("notifications", options, worlds, notifications, ACCEPTED)


async def _clicks(world: World, options: Options) -> Iterator[Callable[[], bytes]]:
    template = await make_round(world, "template")
    needed = int(options.rounds * options.seconds * _CLICKS)
    await copy_rounds(world.database_url, template, range(1, needed))
    found = await waiting_rounds(world.database_url)
    return (partial(click, round_id, world.stand_ins.port) for round_id, _ in found)


async def _compared(
    what: str,
    options: Options,
    worlds: tuple[World, World],
    requests: Iterable[Iterator[Callable[[], bytes]]],
    expect: int,
) -> Row:
    """Both in turns, each while the other is stopped."""
    rates: dict[World, list[float]] = {world: [] for world in worlds}
    latencies: dict[World, list[float]] = {world: [] for world in worlds}
    waits: Counter[str] = Counter()
    for _ in range(options.rounds):
        for world, sent in zip(worlds, requests, strict=True):
            async with _alone(world, worlds), _watched(world, waits):
                taken = await asyncio.gather(
                    *(
                        closed_loop(
                            bot,
                            sent,
                            seconds=options.seconds,
                            expect=expect,
                            at_once=AT_ONCE // len(world.bots),
                        )
                        for bot in world.bots
                    )
                )
            rates[world].append(sum(part.rate for part in taken))
            latencies[world] += [each for part in taken for each in part.latencies]
    one, several = worlds
    waited = ", ".join(f"{wait} {count}" for wait, count in waits.most_common(3)) or "none"
    each = (
        f"{sum(rates[world]) / options.rounds:,.0f}/s {spread(latencies[world])}"
        for world in worlds
    )
    return Row(
        f"{what} on PostgreSQL, one process and {_BOTS}, all on one core",
        " and ".join(each),
        f"{ratio(rates[several], rates[one]):.0%}; waits seen with {_BOTS}: {waited}",
        ">= 90%, no lock that all wait for",
    )


@asynccontextmanager
async def _alone(world: World, worlds: Iterable[World]) -> AsyncIterator[None]:
    """Stop all other bots, and keep these and their database to one core each."""
    _pin(world)
    others = [bot for other in worlds if other is not world for bot in other.bots]
    with ExitStack() as stack:
        for bot in others:
            stack.enter_context(bot.stopped())
        yield


def _pin(world: World) -> None:
    cores = sorted(os.sched_getaffinity(0))
    postmaster = Path(str(sa.make_url(world.database_url).query["host"])) / "postmaster.pid"
    database = int(postmaster.read_text().split()[0])
    backends = Path(f"/proc/{database}/task/{database}/children").read_text().split()
    for pid in (database, *map(int, backends)):
        os.sched_setaffinity(pid, cores[:1])
    for bot in world.bots:
        for thread in Path(f"/proc/{bot.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores[-1:])


@asynccontextmanager
async def _watched(world: World, waits: Counter[str]) -> AsyncIterator[None]:
    """Count, of several bots, what their connections are seen to wait for."""

    async def look() -> None:
        async with connected(world.database_url) as connection:
            while True:
                waits.update((await connection.scalars(_WAITING)).all())
                await connection.execute(sa.text("COMMIT"))
                await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(look()) if len(world.bots) > 1 else None
    try:
        yield
    finally:
        if looking is not None:
            looking.cancel()
            await asyncio.wait([looking])
