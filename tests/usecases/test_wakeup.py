"""Each wait of a background loop ends a turn of it."""

import asyncio

from crewgate.usecases.ports.base import Changes, Wakeup, end_turn, ending_turns


async def test_a_turn_ends_before_a_loop_waits_and_only_its_own() -> None:
    told: list[str] = []

    async def slept(seconds: float) -> None:
        told.append(f"slept {seconds}")

    async def loop() -> None:
        end_turn.set(lambda: told.append("turn"))
        wakeup = Wakeup()
        wakeup.set()
        await wakeup.wait(5)
        await ending_turns(slept)(3)

    await asyncio.create_task(loop())
    await ending_turns(slept)(1)
    assert told == ["turn", "turn", "slept 3", "slept 1"]


async def test_changes_are_told_once_with_their_crews() -> None:
    changes = Changes()
    changes.of({"research"})
    changes.of({"research", "sales"})
    await changes.wait(5)
    assert changes.take() == {"research", "sales"}
    assert changes.take() == frozenset()
