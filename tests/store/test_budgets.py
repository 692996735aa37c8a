"""The budget of a rate is spent by leases, in one place for all processes."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.effects import UPDATES, EffectKind
from crewgate.domain.retry import Budget, Rate
from crewgate.store.engine import Engines, open_engines
from crewgate.store.outbox import Outbox
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.ports.base import Leased
from tests.builders import NOW, SECOND, an_effect
from tests.store.jobs import CREWS, HOUR, LEASE, POSTS, put

TWO_AN_HOUR = Budget("posts C1", Rate(HOUR, burst=2))
"""Slow, so that no test waits for PostgreSQL's clock, by which budgets go there."""
CARDS = [an_effect(target=f"r-{each}", execution_id=f"e-{each}") for each in range(5)]


async def lease(
    outbox: Outbox, budget: Budget = TWO_AN_HOUR, *, to: str = POSTS, limit: int = 8
) -> Leased:
    return await outbox.lease(to, now=NOW, lease=LEASE, limit=limit, budget=budget)


def targets(leased: Leased) -> list[str]:
    return [job.effect.target for job in leased.jobs]


async def test_no_more_is_leased_than_there_is_room_for(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, *CARDS)
    assert targets(await lease(outbox)) == ["r-0", "r-1"]
    spent = await lease(outbox)
    assert spent.jobs == ()
    assert spent.again_in is not None
    assert HOUR - timedelta(minutes=1) < spent.again_in <= HOUR


async def test_what_waits_for_its_turn_is_neither_leased_nor_written(
    outbox: Outbox, uow: UnitOfWork, engines: Engines
) -> None:
    await put(uow, *CARDS)
    await lease(outbox)
    written: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.startswith("SELECT"):
            written.append(statement)

    targets = {engines.write.sync_engine, engines.read.sync_engine}
    for engine in targets:
        sa.event.listen(engine, "before_cursor_execute", keep)
    await lease(outbox)
    for engine in targets:
        sa.event.remove(engine, "before_cursor_execute", keep)
    assert written == []


async def test_nothing_is_spent_where_nothing_is_due(outbox: Outbox, uow: UnitOfWork) -> None:
    for _ in range(5):
        assert await lease(outbox) == Leased()
    await put(uow, *CARDS)
    assert len((await lease(outbox, limit=1)).jobs) == 1
    assert len((await lease(outbox)).jobs) == 1


async def test_other_budgets_and_what_has_none_do_not_wait(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, *CARDS)
    await lease(outbox)
    other = Budget("posts C2", TWO_AN_HOUR.rate)
    assert targets(await lease(outbox, other)) == ["r-2", "r-3"]
    unlimited = Budget("posts C1", Rate(timedelta()))
    assert targets(await lease(outbox, unlimited)) == ["r-4"]


async def test_a_pause_counts_for_all_that_is_spent_on_the_same(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    await put(uow, *CARDS)
    await outbox.pause(TWO_AN_HOUR, now=NOW, pause=30 * SECOND)
    paused = await lease(outbox)
    assert paused.jobs == ()
    assert paused.again_in is not None
    assert timedelta() < paused.again_in <= 30 * SECOND


@pytest.mark.parametrize("backend", ["sqlite"])  # PostgreSQL goes by its own clock
async def test_a_clock_that_was_put_back_holds_up_nothing(outbox: Outbox, uow: UnitOfWork) -> None:
    posts = Budget("posts C1", Rate(SECOND, burst=2))
    ahead = NOW + 6 * HOUR
    await put(uow, *CARDS)
    leased = await outbox.lease(POSTS, now=ahead, lease=LEASE, limit=8, budget=posts)
    assert targets(leased) == ["r-0", "r-1"]
    assert targets(await lease(outbox, posts)) == ["r-2", "r-3"]
    assert (await lease(outbox, posts)).again_in == SECOND


async def test_the_longest_pause_is_five_minutes(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, *CARDS)
    await outbox.pause(TWO_AN_HOUR, now=NOW, pause=12 * HOUR)
    again_in = (await lease(outbox)).again_in
    assert again_in is not None
    assert timedelta() < again_in <= timedelta(minutes=5)


async def test_cards_go_before_notices_and_what_is_due_longer_before_what_is_not(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    notice = an_effect(EffectKind.NOTIFY_STUCK, target="notice", execution_id="e-8")
    progress = an_effect(EffectKind.PROGRESS, target="progress", execution_id="e-9")
    await put(uow, notice, at=NOW - 3 * SECOND)
    await put(uow, CARDS[0], at=NOW - SECOND)
    await put(uow, progress, at=NOW - 2 * SECOND)
    unlimited = Budget("posts C1", Rate(timedelta()))
    assert targets(await lease(outbox, unlimited)) == ["progress", "r-0", "notice"]


async def test_the_last_of_a_burst_is_left_to_cards(outbox: Outbox, uow: UnitOfWork) -> None:
    notices = [replace(card, kind=EffectKind.NOTIFY_STUCK) for card in CARDS[:3]]
    await put(uow, *notices)
    assert targets(await lease(outbox)) == ["r-0"]
    assert await lease(outbox) == Leased()
    await put(uow, *CARDS[3:])
    assert targets(await lease(outbox)) == ["r-3"]
    assert (await lease(outbox)).again_in is not None


async def test_cards_may_take_all_of_a_burst_and_what_is_no_burst_is_for_all(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    await put(uow, replace(CARDS[0], kind=EffectKind.NOTIFY_STUCK), *CARDS[1:3])
    assert targets(await lease(outbox)) == ["r-1", "r-2"]
    one = Budget("posts C2", Rate(HOUR, burst=1))
    assert targets(await lease(outbox, one)) == ["r-0"]


async def test_what_is_last_goes_after_notices(outbox: Outbox, uow: UnitOfWork) -> None:
    progress = an_effect(EffectKind.PROGRESS, target="progress", execution_id="e-9")
    async with uow.begin() as tx:
        await tx.enqueue([progress], at=NOW - HOUR, last=True)
    await put(uow, replace(CARDS[0], kind=EffectKind.NOTIFY_STUCK))
    unlimited = Budget("posts C1", Rate(timedelta()))
    assert targets(await lease(outbox, unlimited)) == ["r-0", "progress"]


async def test_nor_does_it_hold_up_a_card_of_its_thread(outbox: Outbox, uow: UnitOfWork) -> None:
    progress = replace(CARDS[0], kind=EffectKind.PROGRESS, target="progress")
    async with uow.begin() as tx:
        await tx.enqueue([progress], at=NOW - HOUR, last=True)
    await put(uow, *CARDS[:2])
    unlimited = Budget("posts C1", Rate(timedelta()))
    assert targets(await lease(outbox, unlimited)) == ["r-0", "r-1"]
    # One at a time in a thread, as ever.
    assert await lease(outbox, unlimited) == Leased()


async def test_cards_are_brought_up_to_date_before_progress(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    progress = an_effect(EffectKind.REFRESH_PROGRESS, target="progress", execution_id="e-9")
    await put(uow, progress, at=NOW - 2 * SECOND)
    await put(uow, an_effect(EffectKind.REFRESH, target="r-1"), at=NOW)
    one = Budget("updates", Rate(HOUR, burst=1))
    assert targets(await lease(outbox, one, to=UPDATES)) == ["r-1"]


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_several_processes_keep_one_pace(
    outbox: Outbox, uow: UnitOfWork, database_url: str
) -> None:
    await put(uow, *CARDS)
    engines = open_engines(database_url)
    another = Outbox(engines, CREWS)
    found = [await lease(each) for each in (outbox, another, outbox, another)]
    assert [len(leased.jobs) for leased in found] == [2, 0, 0, 0]
    await engines.dispose()
