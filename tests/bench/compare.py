"""This checkout beside another one, in turn: what a request costs the bot's processor.

A machine that others share changes its speed within seconds, so that the rates of two runs say
little. Here both bots answer slices of the same requests in turn, and only one runs at a time. Each
round starts both anew: two processes of the same code differ by some percent.
"""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import count, islice
from statistics import median
from typing import Final

from tests.bench.figures import Measured, Row, joined
from tests.bench.fill import waiting_rounds
from tests.bench.load import Request, closed_loop
from tests.bench.making import ACCEPTED, OK
from tests.bench.options import Options
from tests.bench.requests import click, notification
from tests.bench.world import World, open_world

#: How many slices of so many requests each round has. The clicks are on the cards of notifications.
_SLICES: Final = 30
_SLICE: Final = 100


async def other(options: Options) -> AsyncIterator[Row]:
    """Of notifications and clicks, 16 at once; what they bring about is delivered meanwhile."""
    if options.other is None:
        yield Row("another checkout", "not measured: BENCH_OTHER names none")
        return
    costs: dict[str, list[tuple[float, float]]] = {"notifications": [], "clicks": []}
    for _ in range(options.rounds):
        async with (
            open_world(options) as here,
            open_world(options, checkout=options.other) as there,
        ):
            for kind, found in costs.items():
                found.append(await _in_turn(kind, here, there))
    for kind, found in costs.items():
        ratios = [ours / theirs for ours, theirs in found]
        yield Row(
            f"{kind}, 16 at once, beside another checkout",
            f"{median(ours for ours, _ in found) * 1000:.2f} ms CPU each",
            f"{median(ratios):.1%} of {median(theirs for _, theirs in found) * 1000:.2f} ms there"
            f" ({min(ratios):.1%} to {max(ratios):.1%})",
        )


async def _in_turn(kind: str, *worlds: World) -> tuple[float, float]:
    """The processor seconds of a request in each."""
    expect = ACCEPTED if kind == "notifications" else OK
    requests = [await _requests(kind, world) for world in worlds]
    taken: tuple[list[Measured], list[Measured]] = [], []
    for number in range(_SLICES):
        for at in (0, 1) if number % 2 else (1, 0):
            with worlds[1 - at].bot.stopped():
                slice_ = islice(requests[at], _SLICE)
                taken[at].append(
                    await closed_loop(worlds[at].bot, slice_, seconds=60, expect=expect)
                )
    ours, theirs = (joined(parts).cpu_each for parts in taken)
    return ours, theirs


async def _requests(kind: str, world: World) -> Iterator[Request]:
    if kind == "notifications":
        return (partial(notification, number) for number in count())
    rounds = [found for found, _ in await waiting_rounds(world.database_url)]
    return (partial(click, found, world.stand_ins.port) for found in rounds)
