"""The slowdown by many rounds in the database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Final

from tests.bench.figures import Row, quantile, ratio
from tests.bench.fill import copy_rounds
from tests.bench.making import Took, approve, ask, becomes, make_round, notify, open_home
from tests.bench.options import Options
from tests.bench.world import NO_PACE, World, open_world

SMALL: Final = 100
_TIMES = 3
#: Of all rounds; the others wait.
_DECIDED = 0.15
_STUCK = 0.05

Measure = Callable[[World, int], Awaitable[float]]


async def growth(options: Options) -> AsyncIterator[Row]:
    """The same things with few rounds and with many, in turns; four fifths of them wait."""
    async with open_world(options, pace=NO_PACE) as few, open_world(options, pace=NO_PACE) as many:
        await _fill(few, SMALL)
        await _fill(many, options.grown)
        for what, measure in _MEASURES.items():
            took: dict[World, list[float]] = {few: [], many: []}
            for number in range(options.rounds * _TIMES + 1):
                for world, latencies in took.items():
                    latency = await measure(world, number)
                    if number:  # the first one prepares
                        latencies.append(latency)
            small, large = (quantile(latencies, 0.5) * 1000 for latencies in took.values())
            yield Row(
                f"{what}, {SMALL} and {options.grown:,} rounds",
                f"p50 {small:.1f} ms and {large:.1f} ms",
                f"{ratio(took[many], took[few]):.2f} x",
                "<= 1.5 x",
            )


async def counting(options: Options) -> AsyncIterator[Row]:
    """`/crew stats` where every round of the database was decided in its span."""
    async with open_world(options, pace=NO_PACE) as world:
        decided = await make_round(world, "decided")
        await approve(world, decided)
        await becomes(world, decided, "RESUMED")
        await copy_rounds(world.database_url, decided, range(1, options.grown))
        times = range(options.rounds * _TIMES + 1)
        took = [await _command("stats", world, number) for number in times][1:]
        yield Row(
            f"/crew stats, {options.grown:,} decisions",
            f"p50 {quantile(took, 0.5) * 1000:.1f} ms",
            goal="<= 300 ms",
        )


async def _fill(world: World, rounds: int) -> None:
    waiting = await make_round(world, "waiting")
    decided = await make_round(world, "decided")
    await approve(world, decided)
    await becomes(world, decided, "RESUMED")
    stuck = await make_round(world, "stuck")
    await approve(world, stuck)
    await becomes(world, stuck, "STUCK")
    to_decided = int(rounds * _DECIDED)
    to_stuck = to_decided + int(rounds * _STUCK)
    await copy_rounds(world.database_url, decided, range(1, to_decided))
    await copy_rounds(world.database_url, stuck, range(to_decided, to_stuck))
    await copy_rounds(world.database_url, waiting, range(to_stuck, rounds - 2))


async def _home(world: World, _: int) -> float:
    return (await open_home(world)).seen


async def _command(text: str, world: World, number: int) -> float:
    return (await ask(world, text, f"{text.replace(' ', '')}{number}")).seen


async def _notification(which: Callable[[Took], float], world: World, number: int) -> float:
    return which(await notify(world, f"{which.__name__.strip('_')}{number}"))


def _answered(took: Took) -> float:
    return took.answered


def _seen(took: Took) -> float:
    return took.seen


_MEASURES: Final[dict[str, Measure]] = {
    "Home": _home,
    "/crew pending": partial(_command, "pending"),
    "/crew pending mine": partial(_command, "pending mine"),
    "/crew status": partial(_command, "status"),
    "notification answered": partial(_notification, _answered),
    "card posted": partial(_notification, _seen),
}
