"""The outbox: in order within an ordering key, one holder at a time, nothing lost by a crash."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.effects import IN_ORDER, SLACK, UPDATES, Effect, EffectKind
from crewgate.store import tables
from crewgate.store.engine import Engines, open_engines
from crewgate.store.outbox import Outbox, from_effect
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.ports.base import MISSED, Job
from tests.builders import NOW, SECOND, a_uow, an_effect
from tests.store.jobs import (
    CREWS,
    ELSEWHERE,
    FIRST,
    HOUR,
    LEASE,
    POSTS,
    RESUME,
    SECOND_ONE,
    again,
    done,
    lapse,
    lease,
    put,
)


async def test_nothing_is_due(outbox: Outbox) -> None:
    assert await lease(outbox) == ()


async def test_a_job_is_its_effect_and_a_lease(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST)
    (job,) = await lease(outbox, now=NOW + SECOND)
    assert job == Job(
        id=job.id,
        effect=FIRST,
        tries=1,
        created_at=NOW,
        lease_until=job.lease_until,
    )


@pytest.mark.parametrize("kind", EffectKind)
async def test_every_kind_comes_back_as_it_was_where_its_crew_is_named(
    outbox: Outbox, uow: UnitOfWork, engines: Engines, kind: EffectKind
) -> None:
    effect = an_effect(kind, crew="Crew of «ö»", execution_id="")
    await put(uow, effect)
    # Another bot's settings do not name it.
    assert await lease(outbox, to=effect.destination) == ()
    (job,) = await lease(Outbox(engines, [effect.crew]), to=effect.destination)
    assert job.effect == effect


async def test_no_effects_wake_nobody(uow: UnitOfWork, woken: list[str]) -> None:
    await put(uow)
    assert woken == []
    await put(uow, FIRST, SECOND_ONE, RESUME)
    assert sorted(woken) == ["crew:research", POSTS]


async def test_what_this_process_has_under_way_is_not_leased_again(
    outbox: Outbox, uow: UnitOfWork, engines: Engines
) -> None:
    await put(uow, FIRST, ELSEWHERE)
    jobs = await lease(outbox)
    await lapse(engines)
    under_way = [jobs[0].id]
    again_due = await outbox.lease(POSTS, now=NOW + HOUR, lease=LEASE, limit=1, under_way=under_way)
    assert [job.effect for job in again_due.jobs] == [ELSEWHERE]


# --- order ---


async def test_a_lane_is_worked_in_order_one_at_a_time(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST, SECOND_ONE, FIRST)
    order = []
    for _ in range(3):
        (job,) = await lease(outbox)
        assert await lease(outbox) == ()
        order.append(job.effect)
        await done(uow, job)
    assert order == [FIRST, SECOND_ONE, FIRST]
    assert await lease(outbox) == ()


async def test_several_processes_work_a_lane_in_order_one_at_a_time(
    engines: Engines, uow: UnitOfWork
) -> None:
    effects = [
        replace(SECOND_ONE, target=str(n), execution_id=f"e-{n % 4}", crew="research")
        for n in range(40)
    ]
    await put(uow, *effects)
    under_way: set[str] = set()
    delivered: list[Effect] = []

    async def work(outbox: Outbox) -> None:
        while len(delivered) < len(effects):
            for job in await lease(outbox, to=POSTS, limit=3):
                assert job.effect.execution_id not in under_way
                under_way.add(job.effect.execution_id)
                delivered.append(job.effect)
                async with uow.begin() as tx:
                    await tx.complete(job)
                    under_way.remove(job.effect.execution_id)

    await asyncio.gather(*(work(Outbox(engines, CREWS)) for _ in range(3)))
    for execution in range(4):
        lane = [one.target for one in delivered if one.execution_id == f"e-{execution}"]
        assert lane == [str(n) for n in range(execution, 40, 4)]


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_one_that_is_committed_late_waits_for_a_later_one_that_is_under_way(
    outbox: Outbox, uow: UnitOfWork, engines: Engines
) -> None:
    row = from_effect(FIRST) | {"created_at": NOW, "due_at": NOW, "tries": 0}
    async with engines.write.begin() as slow:
        await slow.execute(sa.insert(tables.outbox), row)
        await put(uow, SECOND_ONE)
        (job,) = await lease(outbox)
        assert job.effect == SECOND_ONE
    assert await lease(outbox) == ()
    await done(uow, job)
    (job,) = await lease(outbox)
    assert job.effect == FIRST


async def test_one_that_is_tried_again_keeps_its_place(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST, SECOND_ONE)
    (job,) = await lease(outbox)
    await again(uow, job, at=NOW + SECOND)
    assert await lease(outbox) == ()
    (job,) = await lease(outbox, now=NOW + SECOND)
    assert (job.effect, job.tries) == (FIRST, 2)


async def test_lanes_do_not_wait_for_each_other(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST, SECOND_ONE, ELSEWHERE)
    jobs = await lease(outbox)
    assert {job.effect for job in jobs} == {FIRST, ELSEWHERE}


async def test_destinations_do_not_wait_for_each_other(outbox: Outbox, uow: UnitOfWork) -> None:
    other = replace(RESUME, crew="other", target="r-9")
    await put(uow, FIRST, RESUME, other)
    (job,) = await lease(outbox, to="crew:research")
    assert job.effect == RESUME
    (job,) = await lease(outbox, to="crew:other")
    assert job.effect == other
    (job,) = await lease(outbox)
    assert job.effect == FIRST


async def test_no_more_are_claimed_than_asked_for_the_longest_due_first(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    for n in (3, 1, 2):
        await put(uow, an_effect(execution_id=f"e-{n}"), at=NOW + n * SECOND)
    jobs = await lease(outbox, now=NOW + HOUR, limit=2)
    assert sorted(job.effect.execution_id for job in jobs) == ["e-1", "e-2"]


async def test_nothing_is_claimed_before_it_is_due(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST, at=NOW + SECOND)
    assert await lease(outbox) == ()
    assert len(await lease(outbox, now=NOW + SECOND)) == 1


# --- leases ---


async def test_a_lease_that_ended_frees_the_job_and_nobody_knows_what_came_of_it(
    outbox: Outbox, uow: UnitOfWork, engines: Engines
) -> None:
    await put(uow, FIRST)
    await lease(outbox)
    assert await lease(outbox, now=NOW + LEASE - timedelta(microseconds=1)) == ()
    await lapse(engines)
    (job,) = await lease(outbox, now=NOW + LEASE)
    assert (job.tries, job.in_doubt) == (1, True)


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_lease_lasts_for_so_long(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST)
    (job,) = await lease(outbox)
    assert job.lease_until == NOW + LEASE
    assert await lease(outbox, now=NOW + LEASE - timedelta(microseconds=1)) == ()
    assert len(await lease(outbox, now=NOW + LEASE)) == 1


async def test_who_lost_the_lease_settles_nothing(
    outbox: Outbox, uow: UnitOfWork, engines: Engines
) -> None:
    await put(uow, FIRST)
    (lost,) = await lease(outbox)
    await lapse(engines)
    assert len(await lease(outbox, now=NOW + LEASE)) == 1  # by somebody else
    await done(uow, lost)
    await again(uow, lost, at=NOW)
    assert await lease(outbox, now=NOW + LEASE) == ()
    await lapse(engines)
    (held,) = await lease(outbox, now=NOW + LEASE)
    await done(uow, held)
    assert await lease(outbox, now=NOW + HOUR) == ()


async def test_what_surely_did_nothing_is_not_unsure(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST)
    (job,) = await lease(outbox)
    await again(uow, job)
    (job,) = await lease(outbox)
    assert not job.in_doubt


async def test_a_leased_job_that_is_hastened_is_due_then(outbox: Outbox, uow: UnitOfWork) -> None:
    """Its worker does not know that there is a reason to try again soon."""
    await put(uow, FIRST)
    (job,) = await lease(outbox)
    async with uow.begin() as tx:
        await tx.expedite(FIRST, at=NOW + SECOND)
    await again(uow, job, at=NOW + HOUR)
    assert await lease(outbox) == ()
    (job,) = await lease(outbox, now=NOW + SECOND)
    assert job.tries == 1

    await again(uow, job, at=NOW + HOUR)
    assert await lease(outbox, now=NOW + 2 * SECOND) == ()


@pytest.mark.parametrize("later", [True, False])
async def test_once_unsure_always_unsure(outbox: Outbox, uow: UnitOfWork, later: bool) -> None:
    await put(uow, FIRST)
    (job,) = await lease(outbox)
    await again(uow, job, in_doubt=True)
    (job,) = await lease(outbox)
    assert job.in_doubt
    await again(uow, job, in_doubt=later)
    (job,) = await lease(outbox)
    assert job.in_doubt


async def test_after_a_crash_what_was_held_is_released_and_stays_unsure(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    await put(uow, FIRST, ELSEWHERE, RESUME)
    await lease(outbox, limit=1)
    await lease(outbox, to="crew:research")
    assert await outbox.release(due_at=NOW + SECOND) == 2
    assert await outbox.release(due_at=NOW) == 0
    (untouched,) = await lease(outbox)
    assert (untouched.tries, untouched.in_doubt) == (1, False)
    (job,) = await lease(outbox, now=NOW + SECOND)
    assert (job.tries, job.in_doubt) == (1, True)
    (job,) = await lease(outbox, to="crew:research", now=NOW + SECOND)
    assert job.in_doubt


async def test_a_timer_that_a_crash_cut_off_is_put_off_once_by_the_time_away(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    timer = an_effect(EffectKind.TIME_OUT)
    await put(uow, timer)
    back = NOW + 8 * HOUR
    await outbox.note_alive(now=NOW, compare=False)
    assert len(await lease(outbox, to=timer.destination)) == 1
    await outbox.release(due_at=back)
    await outbox.note_alive(now=back, compare=True)
    (job,) = await lease(outbox, to=timer.destination, now=back)
    assert job.effect == timer


async def test_what_was_hastened_before_a_crash_is_at_its_first_try(
    engines: Engines, outbox: Outbox, uow: UnitOfWork
) -> None:
    for lost in (lambda: outbox.release(due_at=NOW), lambda: lapse(engines)):
        await put(uow, RESUME)
        await lease(outbox, to="crew:research")
        async with uow.begin() as tx:
            await tx.expedite(RESUME, at=NOW)
        await lost()
        (job,) = await lease(outbox, to="crew:research")
        assert job.tries == 1
        await done(uow, job)


# --- several processes ---


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_two_processes_never_get_the_same_job(
    outbox: Outbox, uow: UnitOfWork, database_url: str
) -> None:
    effects = [
        an_effect(kind, target=f"r-{n}", execution_id=f"e-{n}")
        for n in range(15)
        for kind in EffectKind
    ]
    slack = [effect for effect in effects if effect.destination in (POSTS, UPDATES, SLACK)]
    await put(uow, *slack)
    others = [open_engines(database_url) for _ in range(3)]
    claimed: list[Job] = []

    async def work(outbox: Outbox) -> None:
        while jobs := await lease(outbox, limit=3):
            claimed.extend(jobs)
            for job in jobs:
                await done(uow, job)

    await asyncio.gather(*(work(Outbox(engines, CREWS)) for engines in others), work(outbox))
    while len(claimed) < len(slack):  # what waited for a card that was under way
        await work(outbox)
    assert len({job.id for job in claimed}) == len(claimed) == len(slack)
    for n in range(15):
        thread = [job for job in claimed if job.effect.execution_id == f"e-{n}"]
        order = [job.id for job in thread if job.effect.kind in IN_ORDER]
        assert order == sorted(order)
    for engines in others:
        await engines.dispose()


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("apart", [90 * SECOND, -90 * SECOND, HOUR])
async def test_processes_whose_clocks_differ_never_hold_the_same_job(
    outbox: Outbox, uow: UnitOfWork, database_url: str, apart: timedelta
) -> None:
    await put(uow, RESUME, at=NOW - HOUR)
    other = open_engines(database_url)
    (job,) = await lease(outbox, to="crew:research")

    assert await lease(Outbox(other, CREWS), to="crew:research", now=NOW + apart) == ()

    await again(a_uow(other), job, at=NOW)  # whoever settles it
    (job,) = await lease(outbox, to="crew:research")
    assert job.tries == 2
    await other.dispose()


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_lease_ends_by_the_database_s_clock(
    outbox: Outbox, uow: UnitOfWork, database_url: str
) -> None:
    await put(uow, RESUME)
    other = open_engines(database_url)
    (held,) = (await outbox.lease("crew:research", now=NOW, lease=timedelta(), limit=1)).jobs
    (job,) = await lease(Outbox(other, CREWS), to="crew:research", now=NOW)
    assert (job.id, job.tries, job.in_doubt) == (held.id, 1, True)
    assert timedelta() < job.lease_until - held.lease_until - LEASE < 10 * SECOND
    await other.dispose()


# --- renamed crews ---


async def test_what_nobody_works_on_is_named(outbox: Outbox, uow: UnitOfWork) -> None:
    assert await outbox.orphaned_destinations([POSTS]) == ()
    await put(uow, FIRST, RESUME, replace(RESUME, target="r-2"), replace(RESUME, crew="gone"))
    found = await outbox.orphaned_destinations([POSTS, "crew:research"])
    assert found == ("crew:gone",)
    assert sorted(await outbox.orphaned_destinations([])) == ["crew:gone", "crew:research", POSTS]


async def test_a_bot_knows_that_another_has_its_database(outbox: Outbox, engines: Engines) -> None:
    await outbox.note_alive(now=NOW - SECOND, compare=True)  # a bot that has ended
    first, second = Outbox(engines, CREWS), Outbox(engines, CREWS)
    for at in (NOW, NOW + 15 * SECOND):
        await first.note_alive(now=at, compare=False)
        assert first.is_alone(at)
    # Their clocks differ, and only that the note is another's counts.
    await second.note_alive(now=NOW - HOUR, compare=False)
    at = NOW + 30 * SECOND
    await first.note_alive(now=at, compare=False)
    assert not first.is_alone(at)
    assert not first.is_alone(at + MISSED)
    assert first.is_alone(at + MISSED + SECOND)
