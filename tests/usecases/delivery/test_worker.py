"""The loop that works on the outbox: awake at once, patient with those who are away."""

import asyncio
from datetime import timedelta

from crewgate.domain.effects import SLACK, Effect, EffectKind
from crewgate.domain.outcome import NotSent, Outcome, RefusalKind, Refused, Unknown
from crewgate.domain.retry import IN_A_ROW
from crewgate.domain.review import State
from crewgate.domain.verdict import Answer
from crewgate.usecases.delivery.context import DeliveryContext, settle
from crewgate.usecases.delivery.worker import REFUSALS, Pace, Worker, deliver
from crewgate.usecases.ports.base import Job
from crewgate.usecases.track import FIRST_POLL_WITHIN, STATUS_POLL
from tests.builders import SECOND
from tests.usecases.faults import AWAY, Fault
from tests.usecases.worker_world import NEVER, SOON, Logs, WatchedOutbox, WorkerWorld, failed
from tests.usecases.world import CREW, POSTS, STATUS


def test_the_ordinary_pace_is_modest() -> None:
    assert Pace() == Pace(at_once=8, poll=SECOND)


# --- waking up ---


async def test_it_wakes_at_once_when_something_is_written(worker_world: WorkerWorld) -> None:
    async with worker_world.run_workers(pace=NEVER) as worker:
        await worker_world.clock.until(lambda: worker.last_polled_at == worker_world.clock.now)
        round_ = (await worker_world.notify()).round
        await worker_world.clock.until(lambda: bool(worker_world.slack.messages))
    assert [message.key for message in worker_world.slack.messages] == [f"card {round_.id}"]


async def test_it_finds_by_itself_what_has_become_due(worker_world: WorkerWorld) -> None:
    worker_world.slack.faults.append(Fault(Refused("not_in_channel", "")))
    async with worker_world.run_workers():
        round_ = (await worker_world.notify()).round
        await worker_world.clock.until(lambda: len(worker_world.slack.calls) == 1)
        await worker_world.next_poll()
        assert len(worker_world.slack.calls) == 1
        while not worker_world.slack.messages:  # it is due a second after it was settled
            worker_world.clock.advance(SECOND)
            await worker_world.next_poll()
    assert [message.key for message in worker_world.slack.messages] == [f"card {round_.id}"]


async def test_it_looks_more_often_while_it_finds_something(worker_world: WorkerWorld) -> None:
    async with worker_world.run_workers(pace=NEVER) as worker:
        assert worker.looks_again_in == NEVER.poll
        await worker_world.notify()
        await worker_world.clock.until(lambda: bool(worker_world.slack.messages))
        assert worker.looks_again_in == NEVER.poll / 4
        worker_world.clock.advance(2 * NEVER.poll + SECOND)
        assert worker.looks_again_in == NEVER.poll


async def test_a_whole_review(worker_world: WorkerWorld) -> None:
    worker_world.crew.pause()
    async with (
        worker_world.run_workers(SLACK, pace=NEVER),
        worker_world.run_workers(CREW, pace=NEVER),
    ):
        round_ = (await worker_world.notify()).round
        await worker_world.decide(round_.id)
        await worker_world.clock.until(lambda: shows(worker_world, round_.id) is State.RESUMED)
    assert len(worker_world.crew.taken) == 1


def shows(worker_world: WorkerWorld, round_id: str) -> State | None:
    cards = worker_world.slack.keyed(f"card {round_id}")
    return getattr(cards[0].shows, "state", None) if cards else None


# --- somebody is away ---


async def test_a_destination_that_is_away_is_left_alone_and_tried_again(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    worker_world.slack.faults.extend([Fault(AWAY)] * 3)
    async with worker_world.run_workers() as worker:
        await worker_world.notify()
        for failures, seconds in ((1, 1), (2, 2), (3, 4)):
            await failed(worker_world, logs, failures)
            assert worker.warnings == (AWAY.why,)
            worker_world.clock.advance(timedelta(seconds=seconds) - timedelta(milliseconds=1))
            await worker_world.next_poll()
            assert len(worker_world.slack.calls) == failures
            worker_world.clock.advance(timedelta(milliseconds=1))
        await worker_world.all_done()
        await worker_world.clock.until(lambda: not worker.warnings)
        assert worker.warnings == ()
    assert len(worker_world.slack.messages) == 1
    [line] = [line for line in logs if line["event"] == "destination_available"]
    assert (line["destination"], line["seconds"]) == (POSTS, 7)


async def test_a_destination_that_fails_again_and_again_is_an_outage_until_it_takes_a_job(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    begun = worker_world.clock.now
    worker_world.crew.pause()
    worker_world.crew.faults.extend([Fault(Unknown("500", "The crew failed", "500"))] * 4)
    round_ = (await worker_world.notify()).round
    await worker_world.decide(round_.id)
    async with worker_world.run_workers(CREW) as worker:
        for failures in range(1, 5):
            await failed(worker_world, logs, failures)
            told = f"fails (500), {failures} tries since {begun:%H:%M} UTC"
            assert list(worker.warnings) == [told][: failures >= IN_A_ROW]
            worker_world.clock.advance(30 * SECOND)
        while (await worker_world.round(round_.id)).state is not State.RESUMED:
            await worker_world.next_poll()
        assert not worker.warnings
    outage = [
        (line["event"], line["destination"])
        for line in logs
        if line["event"].startswith("destination_")
    ]
    assert outage == [("destination_away", CREW), ("destination_available", CREW)]


async def test_an_outage_is_forgotten_where_nothing_is_tried_any_more(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    worker_world.crew.pause()
    worker_world.crew.faults.extend([Fault(Unknown("no answer"))] * IN_A_ROW)
    await worker_world.decide((await worker_world.notify()).round.id)
    async with worker_world.run_workers(CREW) as worker:
        for failures in range(1, IN_A_ROW + 1):
            worker_world.clock.advance(30 * SECOND)
            await failed(worker_world, logs, failures)
        worker.stop()
        longest = worker_world.context.retry.longest
        worker_world.clock.advance(2 * longest)
        assert len(worker.warnings) == 1
        worker_world.clock.advance(SECOND)
        assert list(worker.warnings) == []


async def test_the_pause_that_was_asked_for_is_kept(worker_world: WorkerWorld) -> None:
    worker_world.slack.faults.append(Fault(NotSent("rate limited", retry_after=30 * SECOND)))
    async with worker_world.run_workers() as worker:
        await worker_world.notify()
        await worker_world.clock.until(lambda: worker.warnings == ("rate limited",))
        worker_world.clock.advance(29 * SECOND)
        await worker_world.next_poll()
        assert len(worker_world.slack.calls) == 1
        worker_world.clock.advance(SECOND)
        await worker_world.all_done()
    assert len(worker_world.slack.calls) == 2


async def test_no_longer_than_five_minutes_and_then_one_try_shows_whether_it_is_back(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    for number in range(3):
        await worker_world.notify(execution_id=f"e-{number}")
    tomorrow = NotSent("503", retry_after=timedelta(days=1))
    worker_world.slack.faults.extend([Fault(tomorrow)] * 4)
    async with worker_world.run_workers():
        await failed(worker_world, logs, 3)
        worker_world.clock.advance(timedelta(minutes=5))
        await failed(worker_world, logs, 4)
        await worker_world.next_poll()
        assert len(worker_world.slack.calls) == 4
        worker_world.clock.advance(timedelta(minutes=5))
        await worker_world.all_done()
    assert len(worker_world.slack.messages) == 3


async def test_a_flow_that_cannot_be_reached_holds_up_no_other_answer(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    """Each request names its own address."""
    unknown = NotSent("the host name is not known")
    worker_world.flows.faults.extend([Fault(unknown)] * 2)
    away = (await worker_world.ask()).round
    there = (await worker_world.ask(flow_id="f-2", request_id="2")).round
    answer = Answer("approved", is_label=True)
    async with worker_world.run_workers(CREW) as crew:
        await worker_world.decide(away.id, answer)
        await failed(worker_world, logs, 1)
        assert crew.warnings == ()
        worker_world.clock.advance(SECOND)
        await failed(worker_world, logs, 2)
        await worker_world.decide(there.id, answer)
        while (await worker_world.round(there.id)).state is not State.RESUMED:
            await worker_world.next_poll()
    assert (await worker_world.round(away.id)).state is State.DECIDED


async def test_a_flow_is_not_asked_again_before_the_time_that_it_names(
    worker_world: WorkerWorld,
) -> None:
    busy = Fault(NotSent("503", retry_after=timedelta(minutes=2)))
    worker_world.flows.faults.append(busy)
    asked = (await worker_world.ask()).round
    await worker_world.decide(asked.id, Answer("approved", is_label=True))
    await worker_world.turn(CREW)
    worker_world.clock.advance(timedelta(minutes=2) - SECOND)
    assert await worker_world.turn(CREW) == []
    worker_world.clock.advance(SECOND)
    assert len(await worker_world.turn(CREW)) == 1


async def test_statuses_say_nothing_of_whether_a_crew_takes_resumes(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    asked: list[str] = []

    async def ask(execution: str) -> None:
        asked.append(execution)

    worker_world.crew.pause()
    worker_world.crew.on_status = ask
    worker_world.crew.faults.extend([Fault(AWAY)] * 2)
    await worker_world.decide((await worker_world.notify()).round.id)
    worker_world.clock.advance(STATUS_POLL.first + FIRST_POLL_WITHIN)
    async with worker_world.run_workers(CREW) as crew, worker_world.run_workers(STATUS):
        await failed(worker_world, logs, 1)
        await worker_world.clock.until(lambda: bool(asked))
        assert crew.warnings == (AWAY.why,)
        worker_world.clock.advance(SECOND)
        await failed(worker_world, logs, 2)
        worker_world.clock.advance(SECOND)  # the second pause is 2 s: nobody began it anew
        await worker_world.next_poll()
        assert len(worker_world.crew.asked) == 2


async def test_those_under_way_when_it_went_away_count_once(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    for n in range(5):
        await worker_world.notify(execution_id=f"e-{n}")
    worker_world.slack.faults.extend([Fault(AWAY)] * 5)
    async with worker_world.run_workers():
        await failed(worker_world, logs, 5)
        worker_world.clock.advance(SECOND)  # as after one failure
        await worker_world.all_done()


async def test_one_try_shows_whether_it_is_back(worker_world: WorkerWorld, logs: Logs) -> None:
    for n in range(5):
        await worker_world.notify(execution_id=f"e-{n}")
    worker_world.slack.faults.extend([Fault(AWAY)] * 6)
    async with worker_world.run_workers():
        await failed(worker_world, logs, 5)
        worker_world.clock.advance(SECOND)
        await failed(worker_world, logs, 6)
        await worker_world.next_poll()
        assert len(worker_world.slack.calls) == 6
        worker_world.clock.advance(2 * SECOND)
        await worker_world.all_done()
    assert len(worker_world.slack.messages) == 5


async def test_what_is_refused_is_shown_until_it_is_taken(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    worker_world.slack.faults.extend([Fault(Refused("not_in_channel", "invite the bot"))] * 2)
    async with worker_world.run_workers() as worker:
        await worker_world.notify()
        await worker_world.notify(execution_id="e-2")
        await failed(worker_world, logs, 2)
        assert worker.warnings == ("not_in_channel",)
        worker_world.clock.advance(SECOND)
        await worker_world.all_done()
        await worker_world.clock.until(lambda: worker.warnings == ())


async def test_what_is_refused_for_good_is_shown_for_as_long_as_a_retry_takes(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    no_files = Refused("file_uploads_disabled", "", RefusalKind.PERMANENT)
    worker_world.slack.excerpts = True
    await worker_world.notify()
    await worker_world.turn()
    worker_world.slack.faults.append(Fault(no_files))
    async with worker_world.run_workers():
        worker = worker_world.workers[SLACK]
        await failed(worker_world, logs, 1)
        longest = worker_world.context.retry.longest
        worker_world.clock.advance(2 * longest)
        assert list(worker.warnings) == ["research: file_uploads_disabled"]
        worker_world.clock.advance(SECOND)
        assert list(worker.warnings) == []


async def test_of_many_that_are_refused_the_latest_are_shown(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    async def refuse(job: Job, context: DeliveryContext) -> Outcome:
        return await settle(job, Refused(job.effect.execution_id, ""), context)

    for number in range(REFUSALS):
        await worker_world.notify(execution_id=f"e-{number:03}")
    async with worker_world.run_workers(deliver=refuse) as worker:
        await failed(worker_world, logs, REFUSALS)
        assert len(worker.warnings) == REFUSALS
        await worker_world.notify(execution_id="e-100")
        await failed(worker_world, logs, REFUSALS + 1)
        assert len(worker.warnings) == REFUSALS
        assert "e-100" in worker.warnings


async def test_one_that_is_away_holds_up_nobody_else(worker_world: WorkerWorld) -> None:
    worker_world.crew.pause()
    worker_world.slack.faults.append(Fault(NotSent("rate limited", retry_after=3600 * SECOND)))
    async with worker_world.run_workers(SLACK) as slack, worker_world.run_workers(CREW):
        round_ = (await worker_world.notify()).round
        await worker_world.clock.until(lambda: bool(slack.warnings))
        await worker_world.decide(round_.id)
        await worker_world.clock.until(lambda: bool(worker_world.crew.taken))
        assert worker_world.slack.messages == []


# --- how much at once, and the end ---


async def test_no_more_than_so_many_are_under_way_and_stopping_finishes_them(
    worker_world: WorkerWorld,
) -> None:
    released = asyncio.Event()
    begun: list[Effect] = []

    async def held(job: Job, context: DeliveryContext) -> Outcome:
        begun.append(job.effect)
        await released.wait()
        return await deliver(job, context)

    for n in range(5):
        await worker_world.notify(execution_id=f"e-{n}")
    worker = Worker(
        POSTS,
        outbox=worker_world.outbox,
        deliver=held,
        context=worker_world.context,
        pace=Pace(at_once=2, poll=SOON.poll),
    )
    worker_world.workers[POSTS] = worker
    running = asyncio.create_task(worker.run())
    await worker_world.clock.until(lambda: len(begun) == 2)
    await worker_world.next_poll()
    assert len(begun) == 2
    worker.stop()
    released.set()
    await running
    assert len(worker_world.slack.messages) == 2
    assert await worker_world.effects() == [EffectKind.POST] * 3


async def test_a_stop_while_a_lease_is_under_way_finishes_what_was_leased(
    worker_world: WorkerWorld,
) -> None:
    async def stop() -> None:
        worker_world.workers[POSTS].stop()

    round_ = (await worker_world.notify()).round
    outbox = WatchedOutbox(worker_world.outbox, stop)
    async with worker_world.run_workers(pace=NEVER, outbox=outbox):
        await worker_world.clock.until(lambda: bool(worker_world.slack.messages))
    assert await worker_world.effects() == []
    assert [message.key for message in worker_world.slack.messages] == [f"card {round_.id}"]


async def test_a_pause_that_begins_while_a_lease_is_under_way_holds(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    """The first job fails after a later one was leased and before that is carried out."""
    released = asyncio.Event()

    async def held(job: Job, context: DeliveryContext) -> Outcome:
        await released.wait()
        return await deliver(job, context)

    async def second_lease() -> None:
        released.set()
        await failed(worker_world, logs, 1)

    async def first_lease() -> None:
        outbox.then = second_lease

    outbox = WatchedOutbox(worker_world.outbox, first_lease)
    worker_world.slack.faults.append(Fault(AWAY))
    async with worker_world.run_workers(deliver=held, outbox=outbox):
        await worker_world.notify()
        await worker_world.clock.until(lambda: outbox.then is second_lease)
        await worker_world.notify(execution_id="e-2")
        await failed(worker_world, logs, 1)
        await worker_world.next_poll()
        assert len(worker_world.slack.calls) == 1
        assert {row.lease_until for row in await worker_world.rows()} == {None}
        worker_world.clock.advance(SECOND)
        await worker_world.all_done()
    assert len(worker_world.slack.messages) == 2


async def test_a_longer_pause_that_is_asked_for_meanwhile_is_kept(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    for n in range(2):
        await worker_world.notify(execution_id=f"e-{n}")
    busy = Fault(NotSent("rate limited", retry_after=30 * SECOND))
    worker_world.slack.faults.extend([Fault(AWAY), busy])
    async with worker_world.run_workers():
        await failed(worker_world, logs, 2)
        worker_world.clock.advance(SECOND)
        await worker_world.next_poll()
        assert not worker_world.slack.messages
        worker_world.clock.advance(30 * SECOND)
        await worker_world.all_done()
    assert len(worker_world.slack.messages) == 2


async def test_one_that_is_away_again_after_an_answer_is_left_alone(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    """All three were under way when the first of them failed."""
    for n in range(3):
        await worker_world.notify(execution_id=f"e-{n}")
    busy = Fault(NotSent("rate limited", retry_after=30 * SECOND))
    answer = Fault(Refused("not_in_channel", ""))
    worker_world.slack.faults.extend([Fault(AWAY), answer, busy])
    async with worker_world.run_workers():
        await failed(worker_world, logs, 3)
        worker_world.clock.advance(29 * SECOND)
        await worker_world.next_poll()
        assert len(worker_world.slack.calls) == 3
        worker_world.clock.advance(2 * SECOND)
        await worker_world.all_done()
    assert len(worker_world.slack.messages) == 3
