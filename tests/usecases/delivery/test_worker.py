"""The loop that works on the outbox: awake at once, patient with those who are away."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.domain.effects import SLACK, Effect, EffectKind
from bot.domain.outcome import NotSent, Outcome, Refused
from bot.domain.review import State
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.delivery.dispatch import deliver
from bot.usecases.delivery.worker import Pace, Worker
from bot.usecases.ports.outbox import Job
from tests.builders import SECOND
from tests.usecases.standins import AWAY, Fault
from tests.usecases.works import NEVER, SOON, Logs, WatchedOutbox, Works, failed
from tests.usecases.world import CREW


@pytest.fixture
def backend() -> str:
    """What the loop does is the same on both."""
    return "sqlite"


def test_the_ordinary_pace_is_modest() -> None:
    assert Pace() == Pace(at_once=8, poll=SECOND)


# --- waking up ---


async def test_it_wakes_at_once_when_something_is_written(works: Works) -> None:
    async with works.run_workers(pace=NEVER) as worker:
        await works.clock.until(lambda: worker.last_polled_at == works.clock.now)
        round_ = (await works.notify()).round
        await works.clock.until(lambda: bool(works.slack.messages))
    assert [message.key for message in works.slack.messages] == [f"card {round_.id}"]


async def test_it_finds_by_itself_what_has_become_due(works: Works) -> None:
    works.slack.faults.append(Fault(Refused("not_in_channel", "")))
    async with works.run_workers():
        round_ = (await works.notify()).round
        await works.clock.until(lambda: len(works.slack.calls) == 1)
        await works.a_turn()
        assert len(works.slack.calls) == 1
        while not works.slack.messages:  # it is due a second after it was settled
            works.clock.advance(SECOND)
            await works.a_turn()
    assert [message.key for message in works.slack.messages] == [f"card {round_.id}"]


async def test_a_whole_review(works: Works) -> None:
    works.crew.pause()
    async with works.run_workers(SLACK, pace=NEVER), works.run_workers(CREW, pace=NEVER):
        round_ = (await works.notify()).round
        await works.decide(round_.id)
        await works.clock.until(lambda: shows(works, round_.id) is State.RESUMED)
    assert len(works.crew.taken) == 1


def shows(works: Works, round_id: str) -> State | None:
    cards = works.slack.keyed(f"card {round_id}")
    return getattr(cards[0].shows, "state", None) if cards else None


# --- somebody is away ---


async def test_a_destination_that_is_away_is_left_alone_and_tried_again(
    works: Works, logs: Logs
) -> None:
    works.slack.faults.extend([Fault(AWAY)] * 3)
    async with works.run_workers() as worker:
        await works.notify()
        for failures, seconds in ((1, 1), (2, 2), (3, 4)):
            await failed(works, logs, failures)
            assert worker.warnings == (AWAY.why,)
            works.clock.advance(timedelta(seconds=seconds) - timedelta(milliseconds=1))
            await works.a_turn()
            assert len(works.slack.calls) == failures
            works.clock.advance(timedelta(milliseconds=1))
        await works.all_done()
        assert worker.warnings == ()
    assert len(works.slack.messages) == 1


async def test_the_pause_that_was_asked_for_is_kept(works: Works) -> None:
    works.slack.faults.append(Fault(NotSent("rate limited", retry_after=30 * SECOND)))
    async with works.run_workers() as worker:
        await works.notify()
        await works.clock.until(lambda: worker.warnings == ("rate limited",))
        works.clock.advance(29 * SECOND)
        await works.a_turn()
        assert len(works.slack.calls) == 1
        works.clock.advance(SECOND)
        await works.all_done()
    assert len(works.slack.calls) == 2


async def test_those_under_way_when_it_went_away_count_once(works: Works, logs: Logs) -> None:
    for n in range(5):
        await works.notify(execution_id=f"e-{n}")
    works.slack.faults.extend([Fault(AWAY)] * 5)
    async with works.run_workers():
        await failed(works, logs, 5)
        works.clock.advance(SECOND)  # as after one failure
        await works.all_done()


async def test_one_try_shows_whether_it_is_back(works: Works, logs: Logs) -> None:
    for n in range(5):
        await works.notify(execution_id=f"e-{n}")
    works.slack.faults.extend([Fault(AWAY)] * 6)
    async with works.run_workers():
        await failed(works, logs, 5)
        works.clock.advance(SECOND)
        await failed(works, logs, 6)
        await works.a_turn()
        assert len(works.slack.calls) == 6
        works.clock.advance(2 * SECOND)
        await works.all_done()
    assert len(works.slack.messages) == 5


async def test_what_is_refused_is_shown_until_it_is_taken(works: Works, logs: Logs) -> None:
    works.slack.faults.extend([Fault(Refused("not_in_channel", "invite the bot"))] * 2)
    async with works.run_workers() as worker:
        await works.notify()
        await works.notify(execution_id="e-2")
        await failed(works, logs, 2)
        assert worker.warnings == ("research: not_in_channel",)
        works.clock.advance(SECOND)
        await works.all_done()
        await works.clock.until(lambda: worker.warnings == ())


async def test_one_that_is_away_holds_up_nobody_else(works: Works) -> None:
    works.crew.pause()
    works.slack.faults.append(Fault(NotSent("rate limited", retry_after=3600 * SECOND)))
    async with works.run_workers(SLACK) as slack, works.run_workers(CREW):
        round_ = (await works.notify()).round
        await works.clock.until(lambda: bool(slack.warnings))
        await works.decide(round_.id)
        await works.clock.until(lambda: bool(works.crew.taken))
        assert works.slack.messages == []


# --- how much at once, and the end ---


async def test_no_more_than_so_many_are_under_way_and_stopping_finishes_them(works: Works) -> None:
    gate = asyncio.Event()
    begun: list[Effect] = []

    async def held(job: Job, context: DeliveryContext) -> Outcome:
        begun.append(job.effect)
        await gate.wait()
        return await deliver(job, context)

    for n in range(5):
        await works.notify(execution_id=f"e-{n}")
    worker = Worker(
        SLACK,
        outbox=works.outbox,
        deliver=held,
        context=works.context,
        pace=Pace(at_once=2, poll=SOON.poll),
    )
    works.workers[SLACK] = worker
    running = asyncio.create_task(worker.run())
    await works.clock.until(lambda: len(begun) == 2)
    await works.a_turn()
    assert len(begun) == 2
    worker.stop()
    gate.set()
    await running
    assert len(works.slack.messages) == 2
    assert await works.effects() == [EffectKind.POST] * 3


async def test_a_stop_while_a_claim_is_under_way_finishes_what_was_claimed(works: Works) -> None:
    async def stop() -> None:
        works.workers[SLACK].stop()

    round_ = (await works.notify()).round
    outbox = WatchedOutbox(works.outbox, stop)
    async with works.run_workers(pace=NEVER, outbox=outbox):
        await works.clock.until(lambda: bool(works.slack.messages))
    assert await works.effects() == []
    assert [message.key for message in works.slack.messages] == [f"card {round_.id}"]


async def test_a_pause_that_begins_while_a_claim_is_under_way_holds(
    works: Works, logs: Logs
) -> None:
    """The first job fails after a later one was claimed and before that is carried out."""
    gate = asyncio.Event()

    async def held(job: Job, context: DeliveryContext) -> Outcome:
        await gate.wait()
        return await deliver(job, context)

    async def second_claim() -> None:
        gate.set()
        await failed(works, logs, 1)

    async def first_claim() -> None:
        outbox.then = second_claim

    outbox = WatchedOutbox(works.outbox, first_claim)
    works.slack.faults.append(Fault(AWAY))
    async with works.run_workers(deliver=held, outbox=outbox):
        await works.notify()
        await works.clock.until(lambda: outbox.then is second_claim)
        await works.notify(execution_id="e-2")
        await failed(works, logs, 1)
        await works.a_turn()
        assert len(works.slack.calls) == 1
        assert {row.lease_until for row in await works.rows()} == {None}
        works.clock.advance(SECOND)
        await works.all_done()
    assert len(works.slack.messages) == 2


async def test_a_longer_pause_that_is_asked_for_meanwhile_is_kept(works: Works, logs: Logs) -> None:
    for n in range(2):
        await works.notify(execution_id=f"e-{n}")
    busy = Fault(NotSent("rate limited", retry_after=30 * SECOND))
    works.slack.faults.extend([Fault(AWAY), busy])
    async with works.run_workers():
        await failed(works, logs, 2)
        works.clock.advance(SECOND)
        await works.a_turn()
        assert not works.slack.messages
        works.clock.advance(30 * SECOND)
        await works.all_done()
    assert len(works.slack.messages) == 2
