"""Rules count only the time in which people could decide."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from crewgate.domain.effects import TIMER
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.notification import Ask
from crewgate.domain.outcome import Refused
from crewgate.domain.retry import Budget, Rate
from crewgate.domain.review import Round, State
from crewgate.runtime import LASTING, SteppingClock
from crewgate.usecases.delivery.heartbeat import BEAT, LOOK_AGAIN, Heartbeat
from crewgate.usecases.delivery.reports import plan_digests
from crewgate.usecases.ports.base import MISSED
from tests.builders import SECOND, FakeClock, a_crew
from tests.usecases.faults import LOST, Fault
from tests.usecases.timed import ALL, DAY, HOUR, SENT_BACK, opened
from tests.usecases.worker_world import Logs
from tests.usecases.world import World


@dataclass
class Beating:
    """A running bot with its heartbeat."""

    world: World
    steady: FakeClock = field(default_factory=FakeClock)
    is_away: bool = False
    has_stepped: bool = False
    database_is_away: bool = False
    slept: list[float] = field(default_factory=list)
    told: list[datetime] = field(default_factory=list)

    def start(self) -> None:
        """Start a process."""
        self.heartbeat = Heartbeat(
            self._note,
            clock=self.world.clock,
            steady=self.steady,
            sleep=self._sleep,
            stepped=self._stepped,
            away=lambda: self.is_away,
            on_lost=lambda: self.told.append(self.steady.now),
        )

    async def passes(self, time: timedelta) -> None:
        """Let the bot run for this time, and do what is due."""
        end = self.steady.now + time
        while self.steady.now < end:
            self.is_over(min(BEAT, end - self.steady.now))
            await self.heartbeat.beat()
            if self.heartbeat.counts():
                await self.world.turn(TIMER)

    def is_over(self, time: timedelta) -> None:
        """Let time pass in which the bot does nothing."""
        self.steady.advance(time)
        self.world.clock.advance(time)

    async def _note(self, *, now: datetime, compare: bool) -> timedelta:
        if self.database_is_away:
            raise StoreUnavailable("disk I/O error")
        return await self.world.outbox.note_alive(now=now, compare=compare)

    def _stepped(self) -> bool:
        stepped, self.has_stepped = self.has_stepped, False
        return stepped

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise asyncio.CancelledError
        self.is_away = not self.is_away


@pytest.fixture
async def bot(world: World) -> Beating:
    made = Beating(world)
    made.start()
    assert not made.heartbeat.counts()
    await made.heartbeat.beat()
    assert made.heartbeat.counts()
    return made


def stops(bot: Beating) -> None:
    bot.is_over(4 * DAY)
    bot.start()


def stands_still(bot: Beating) -> None:
    """Stand still like a stopped process, or one whose database is away."""
    bot.is_over(4 * DAY)


def is_suspended(bot: Beating) -> None:
    """Put the clock forward, or suspend the machine: the steady clock stands meanwhile."""
    bot.world.clock.advance(4 * DAY)
    bot.has_stepped = True


@pytest.mark.parametrize("loses_time", [stops, stands_still, is_suspended])
async def test_a_time_out_stands_still_while_nobody_can_decide(
    bot: Beating, loses_time: Callable[[Beating], None], logs: Logs
) -> None:
    round_ = await opened(bot.world, SENT_BACK)
    bot.is_over(3 * DAY - HOUR)
    await bot.world.outbox.note_alive(now=bot.world.clock(), compare=False)
    loses_time(bot)
    await bot.passes(HOUR - MISSED)
    assert (await bot.world.round(round_.id)).state is State.WAITING
    await bot.passes(2 * MISSED)
    assert (await bot.world.round(round_.id)).state is State.DECIDED
    [seconds] = [one["seconds"] for one in logs if one["event"] == "time_not_counted"]
    assert abs(seconds - 4 * DAY.total_seconds()) <= BEAT.total_seconds()
    assert len(bot.told) == 1


async def test_it_stands_still_while_slack_is_away(bot: Beating) -> None:
    round_ = await opened(bot.world, SENT_BACK)
    bot.is_away = True
    await bot.passes(HOUR)
    assert not bot.heartbeat.counts()
    bot.is_over(4 * DAY)
    bot.is_away = False
    await bot.passes(BEAT)
    assert bot.heartbeat.counts()
    assert (await bot.world.round(round_.id)).state is State.WAITING
    [row] = await bot.world.rows()
    assert abs(row.due_at - bot.world.clock() - 3 * DAY) <= MISSED


@pytest.mark.parametrize("by", [HOUR, 4 * DAY, -HOUR, -4 * DAY])
async def test_what_is_scheduled_after_the_loss_began_is_put_off_by_the_rest_of_it(
    bot: Beating, by: timedelta
) -> None:
    bot.is_away = True
    bot.is_over(DAY)
    bot.world.clock.advance(by)
    bot.has_stepped = True
    await bot.heartbeat.beat()
    assert not bot.heartbeat.counts()
    await opened(bot.world, SENT_BACK)
    [before] = await bot.world.rows()
    bot.is_over(HOUR)
    bot.is_away = False
    await bot.heartbeat.beat()
    assert [one.due_at for one in await bot.world.rows()] == [before.due_at + HOUR]


async def test_what_is_scheduled_before_the_first_beat_is_not_put_off(bot: Beating) -> None:
    bot.is_over(4 * DAY)
    await opened(bot.world, SENT_BACK)
    [before] = await bot.world.rows()
    bot.start()
    await bot.heartbeat.beat()
    assert [one.due_at for one in await bot.world.rows()] == [before.due_at]


async def test_what_fails_since_the_loss_began_has_failed_for_no_time(bot: Beating) -> None:
    bot.is_over(4 * DAY)
    bot.world.slack.faults.append(Fault(Refused("not_in_channel", "invite the bot")))
    await bot.world.notify()
    await bot.world.turn()
    bot.is_over(HOUR)
    await bot.heartbeat.beat()
    assert [one.failing_since for one in await bot.world.rows()] == [bot.world.clock()]


async def never(_: float) -> None:
    """Nothing runs by itself here."""


@pytest.mark.parametrize("by", [HOUR, 4 * DAY, -HOUR, -4 * DAY])
async def test_a_second_bot_that_starts_after_a_step_does_not_have_it_counted_twice(
    world: World, by: timedelta
) -> None:
    steady = FakeClock()

    def start() -> Heartbeat:
        clock = SteppingClock(machine=world.clock, steady=steady)
        return Heartbeat(
            world.outbox.note_alive,
            clock=clock,
            steady=steady,
            sleep=never,
            stepped=clock.watch,
            away=lambda: clock.is_in_doubt,
            on_lost=lambda: None,
        )

    first = start()
    await first.beat()
    await opened(world, SENT_BACK)
    [before] = await world.rows()
    world.clock.advance(by)
    await start().beat()
    for _ in range(LASTING // BEAT + 1):
        await first.beat()
        for clock in (world.clock, steady):
            clock.advance(BEAT)
    assert [one.due_at for one in await world.rows()] == [before.due_at + by]


async def asked(world: World) -> Round:
    """A flow asks, and waits two hours."""
    ask = Ask(place="topic 1", expires_at=world.clock() + 2 * HOUR)
    round_ = (await world.ask(ask=ask, outcomes=())).round
    await world.settle_slack()
    return round_


async def test_a_flow_s_own_time_ends_while_the_bot_is_stopped(bot: Beating) -> None:
    round_ = await asked(bot.world)
    stops(bot)
    await bot.passes(BEAT)
    assert (await bot.world.round(round_.id)).state is State.CLOSED


async def test_a_flow_s_own_time_ends_no_sooner_once_the_clock_was_put_back(bot: Beating) -> None:
    bot.world.clock.advance(HOUR)
    await bot.heartbeat.beat()
    round_ = await asked(bot.world)
    bot.world.clock.advance(-HOUR)
    bot.has_stepped = True
    await bot.passes(3 * HOUR - SECOND)
    assert (await bot.world.round(round_.id)).state is State.WAITING
    await bot.passes(SECOND)
    assert (await bot.world.round(round_.id)).state is State.CLOSED


async def test_a_digest_is_posted_once_though_the_clock_was_put_back(bot: Beating) -> None:
    bot.world.crews["research"] = a_crew(digest="C0LEADS")
    async with bot.world.uow.begin() as tx:
        await plan_digests(bot.world.crews, tx, at=bot.world.clock())
    [before] = await bot.world.rows()
    bot.world.clock.advance(-HOUR)
    bot.has_stepped = True
    await bot.heartbeat.beat()
    assert [one.due_at for one in await bot.world.rows()] == [before.due_at]


async def test_a_moment_counts(bot: Beating) -> None:
    await opened(bot.world, SENT_BACK)
    [before] = await bot.world.rows()
    bot.is_over(MISSED)
    bot.start()
    await bot.heartbeat.beat()
    assert [one.due_at for one in await bot.world.rows()] == [before.due_at]


async def test_everything_is_due_sooner_once_the_clock_was_put_back(bot: Beating) -> None:
    await opened(bot.world, ALL)
    bot.world.slack.faults.append(Fault(Refused("not_in_channel", "invite the bot")))
    await bot.world.notify(execution_id="e-2")
    await bot.world.settle_slack()
    before = {row.id: row for row in await bot.world.rows()}
    bot.world.clock.advance(-6 * HOUR)
    bot.has_stepped = True
    await bot.heartbeat.beat()
    for row in await bot.world.rows():
        assert row.due_at == before[row.id].due_at - 6 * HOUR
    bot.world.clock.advance(SECOND)
    await bot.world.settle_slack()
    assert len(bot.world.slack.keyed("card")) == 2


async def test_slack_is_waited_for_no_longer_once_the_clock_was_put_back(bot: Beating) -> None:
    budget = Budget("posts", Rate(SECOND))
    await bot.world.outbox.pause(budget, now=bot.world.clock(), pause=SECOND)
    await bot.world.notify()
    bot.world.clock.advance(timedelta(minutes=-4))
    bot.has_stepped = True
    await bot.heartbeat.beat()
    bot.world.clock.advance(SECOND)
    [row] = await bot.world.rows()
    about = {"now": bot.world.clock(), "lease": SECOND, "limit": 1, "budget": budget}
    leased = await bot.world.outbox.lease(row.destination, **about)  # type: ignore[arg-type]
    assert len(leased.jobs) == 1


async def test_how_long_ago_something_was_tried_stays_so_once_the_clock_was_put_back(
    bot: Beating,
) -> None:
    bot.world.slack.faults.append(Fault(LOST))
    await bot.world.notify()
    await bot.world.turn()
    [before] = await bot.world.rows()
    bot.world.clock.advance(-6 * HOUR)
    bot.has_stepped = True
    await bot.heartbeat.beat()
    [row] = await bot.world.rows()
    assert row.began_at == before.began_at - 6 * HOUR


async def test_what_fails_is_not_given_up_for_the_time_in_which_nobody_tried(
    bot: Beating,
) -> None:
    bot.world.slack.faults.append(Fault(Refused("not_in_channel", "invite the bot")))
    await bot.world.notify()
    await bot.world.turn()
    [before] = await bot.world.rows()
    stops(bot)
    await bot.heartbeat.beat()
    [row] = await bot.world.rows()
    assert row.failing_since == before.failing_since + 4 * DAY
    assert row.due_at == before.due_at


async def test_while_the_database_is_away_time_does_not_count(bot: Beating, logs: Logs) -> None:
    bot.database_is_away = True
    bot.is_over(BEAT)
    assert not await bot.heartbeat.beat()
    assert bot.heartbeat.counts()
    bot.is_over(MISSED)
    assert not await bot.heartbeat.beat()
    assert not bot.heartbeat.counts()
    assert {one["event"] for one in logs} == {"heartbeat_not_stored"}


async def test_it_looks_again_soon_while_time_does_not_count(bot: Beating) -> None:
    bot.is_away = True
    with suppress(asyncio.CancelledError):
        await bot.heartbeat.run()
    soon, seldom = LOOK_AGAIN.total_seconds(), BEAT.total_seconds()
    assert bot.slept == [soon, seldom, soon]
