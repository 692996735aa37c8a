"""The notifications and clicks of a second, each beside the figure to compare with."""

import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from itertools import count, repeat
from pathlib import Path

from crewgate.demo.servers import free_port
from tests.bench.figures import Measured, Row, by_cpu, per_second, ratio, summary
from tests.bench.fill import copy_rounds, waiting_rounds
from tests.bench.load import closed_loop
from tests.bench.making import ACCEPTED, OK, make_round
from tests.bench.options import Options
from tests.bench.peer import CREATED, is_installed, peer, task
from tests.bench.processes import Child, child
from tests.bench.requests import click, notification
from tests.bench.world import NO_PACE, World, open_world

#: Clicks a second that are prepared for; with fewer rounds a measurement ends sooner.
_CLICKS = 1_200


async def notifications(options: Options) -> AsyncIterator[Row]:
    """Of different executions, 16 at once: posts wait for Slack's pace, or each is delivered."""
    async with AsyncExitStack() as stack:
        waiting = await stack.enter_async_context(open_world(options))
        delivering = await stack.enter_async_context(open_world(options, pace=NO_PACE))
        other: Child | None = None
        if await is_installed(options.peer):
            other = await stack.enter_async_context(peer(options.peer, options.folder))
        numbers = count()
        raw: list[float] = []
        at_pace: list[Measured] = []
        at_once: list[Measured] = []
        theirs: list[Measured] = []
        for _ in range(options.rounds):
            for world, taken in ((waiting, at_pace), (delivering, at_once)):
                # Only what is measured runs.
                with waiting.bot.stopped(), delivering.bot.stopped():
                    if taken is at_pace:
                        raw.append(raw_commits(options.folder, options.seconds / 2))
                        if other is not None:
                            theirs.append(
                                await closed_loop(
                                    other,
                                    (partial(task, number) for number in numbers),
                                    seconds=options.seconds,
                                    expect=CREATED,
                                )
                            )
                idle = delivering if world is waiting else waiting
                with idle.bot.stopped():
                    taken.append(
                        await closed_loop(
                            world.bot,
                            (partial(notification, number) for number in numbers),
                            seconds=options.seconds,
                            expect=ACCEPTED,
                        )
                    )
        sent = sum(len(part.latencies) for part in at_once)
        delivered = (await delivering.everything())["calls"].get("chat.postMessage", 0)
    yield Row("raw durable SQLite commits, one after the other", per_second(raw))
    if other is not None:
        yield Row(
            "awaithumans: tasks, 16 at once, posting nothing",
            summary(theirs),
        )
    else:
        yield Row("awaithumans", "not measured: BENCH_PEER names no Python that has it")
    for what, taken in (
        ("notifications, 16 at once, posts at Slack's pace", at_pace),
        (f"  every card posted meanwhile ({delivered:,} of {sent:,} were)", at_once),
    ):
        rates = [part.rate for part in taken]
        compared = f"{ratio(rates, raw):.1%} of raw"
        if theirs:
            times = ratio(rates, [part.rate for part in theirs])
            compared += f", {times:.1f} x awaithumans ({by_cpu(taken, theirs):.1f} x by CPU)"
        yield Row(
            what,
            summary(taken),
            compared,
            ">= 25% of raw, >= 20 x awaithumans, p99 < 40 ms",
        )


async def clicks(options: Options) -> AsyncIterator[Row]:
    """On Approve, 16 at once; decisions are sent to the crew and cards changed meanwhile."""
    async with (
        open_world(options) as world,
        bare_listener(options) as bare,
    ):
        needed = int(options.rounds * options.seconds * _CLICKS) + 1
        template = await make_round(world, "template")
        await copy_rounds(world.database_url, template, range(1, needed))
        ids = iter([found for found, _ in await waiting_rounds(world.database_url)])
        ours: list[Measured] = []
        theirs: list[Measured] = []
        for _ in range(options.rounds):
            with world.bot.stopped():
                theirs.append(
                    await closed_loop(
                        bare,
                        repeat(partial(click, "round", world.stand_ins.port)),
                        seconds=options.seconds,
                        expect=OK,
                    )
                )
            ours.append(
                await closed_loop(
                    world.bot,
                    _clicks(ids, world),
                    seconds=options.seconds,
                    expect=OK,
                )
            )
        calls = (await world.everything())["calls"]
        await world.settled()
        left = len(await waiting_rounds(world.database_url))
    clicked = sum(len(part.latencies) for part in ours)
    assert left == needed - clicked, f"{needed - left} decided, but {clicked} acknowledged"
    rates = [part.rate for part in ours]
    bare_rates = [part.rate for part in theirs]
    yield Row(
        "a bare Bolt listener: clicks, 16 at once",
        summary(theirs),
    )
    yield Row(
        f"clicks, 16 at once ({calls.get('resume', 0):,} of {clicked:,} resumed meanwhile)",
        summary(ours),
        f"{ratio(rates, bare_rates):.1%} of the bare listener ({by_cpu(ours, theirs):.1%} by CPU)",
        ">= 65%",
    )


def raw_commits(folder: Path, seconds: float) -> float:
    """Durable SQLite commits a second on the same disk: one row each, as durable as the bot's."""
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)")
        done, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 300,))
            database.execute("COMMIT")
            done += 1
        return done / (time.monotonic() - began)


@asynccontextmanager
async def bare_listener(options: Options) -> AsyncIterator[Child]:
    """The yardstick, in a process of its own."""
    port = free_port()
    command = ("-m", "tests.bench.bare_listener", str(port))
    async with child(command, port, options.folder) as started:
        yield started


def _clicks(ids: Iterator[str], world: World) -> Iterator[Callable[[], bytes]]:
    return (partial(click, round_id, world.stand_ins.port) for round_id in ids)
