"""Two bots, and any order of pauses, decisions, ends, faults and time: mentions come hourly."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewgate.domain.effects import SLACK
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.domain.verdict import Revise, TimedOut
from crewgate.runtime import EventLoop
from crewgate.store.engine import Engines
from crewgate.usecases.delivery.mentions import HOURLY
from crewgate.usecases.delivery.worker import LEASE, deliver
from tests.builders import SECOND, a_crew, a_rule, a_uow
from tests.databases import MIGRATED, EmptiedSqlite, SqliteTemplate, bring_up
from tests.postgres import EmptiedPostgres, Postgres
from tests.usecases.faults import LOST, Crashed, Fault
from tests.usecases.slack_standins import Message
from tests.usecases.world import World

Step: TypeAlias = tuple[str, int]
MANY = 2
"""The most waiting rounds of which each card mentions people; of more, one an hour does."""
REFUSED = Refused("is_archived", "the channel is archived", RefusalKind.OTHER)
TIMED = a_rule(name="timed", timeout=TimeOut(Duration.parse("5h"), TimeoutAction.APPROVE))
WHILES = (timedelta(), 5 * SECOND, LEASE, timedelta(minutes=20), HOURLY, 3 * HOURLY)
LOST_ONES = (Fault(LOST), Fault(LOST, after=True), Fault(Crashed), Fault(Crashed, after=True))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *3 * ["pause"],
                *2 * ["decide"],
                *3 * ["settle"],
                *2 * ["lose", "turn"],
                *("end", "refuse", "time"),
            ]
        ),
        st.integers(0, 30),
    ),
    max_size=40,
)


class Story:
    """A crew whose executions all pause on one task, under a rule that approves by time."""

    def __init__(self, engines: Engines) -> None:
        self.world = World(engines, a_uow(engines))
        self.world.crews["research"] = a_crew(rules=(TIMED,))
        self.world.context = replace(self.world.context, mentioned_each=MANY)
        self.other = replace(self.world.context, uow=a_uow(engines).for_outbox())
        """Another bot's."""
        self.opened: list[Round] = []
        self.looked = 0
        """The number of messages that were looked at."""
        self.few: set[str] = set()
        """The cards that were posted while few rounds waited."""
        self.calls: list[Message] = []
        """The cards that mention people."""

    async def play(self, steps: list[Step]) -> None:
        for what, number in steps:
            await getattr(self, what)(number)
        self.world.slack.faults.clear()
        for passes in (LEASE, HOURLY):
            self.world.clock.advance(passes)
            await self.settle(0)
        shown = {one.key.split()[1] for one in self.world.slack.messages}
        assert {one.id for one in await self.waiting()} <= shown

    async def waiting(self) -> list[Round]:
        rounds = [await self.world.round(one.id) for one in self.opened]
        return [one for one in rounds if one.state is State.WAITING]

    # --- steps ---

    async def pause(self, _: int) -> None:
        self.world.clock.advance(SECOND)
        name = f"e-{len(self.opened) + 1}"
        self.opened.append((await self.world.notify(execution_id=name)).round)

    async def decide(self, number: int) -> None:
        if waiting := await self.waiting():
            await self.world.decide(waiting[number % len(waiting)].id, Revise("Shorter."))

    async def end(self, number: int) -> None:
        if waiting := await self.waiting():
            review = waiting[number % len(waiting)].review
            await self.world.record_update(review.execution_id, ended="x")

    async def refuse(self, number: int) -> None:
        self.world.slack.faults += [Fault(REFUSED)] * number

    async def lose(self, number: int) -> None:
        self.world.slack.faults.append(LOST_ONES[number % len(LOST_ONES)])

    async def time(self, number: int) -> None:
        self.world.clock.advance(WHILES[number % len(WHILES)])

    async def settle(self, _: int) -> None:
        while await self.turn(0):
            pass

    async def turn(self, number: int) -> int:
        """Let two bots carry out jobs at once, and look at what came of it."""
        waiting = {one.id for one in await self.waiting()}
        jobs = await self.world.lease(SLACK, limit=1 + number % 3)
        bots = (self.world.context, self.other)
        tries = [deliver(job, bots[one % 2]) for one, job in enumerate(jobs)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        await self.look(waiting)
        if died := [one for one in done if isinstance(one, BaseException)]:
            assert {type(one) for one in died} == {Crashed}
            await self.world.lapse()
        return len(jobs)

    # --- what always holds ---

    async def look(self, waiting: set[str]) -> None:
        """Look at new cards: these rounds waited when they were posted."""
        now, slack = self.world.clock(), self.world.slack
        many = len(waiting)
        for message in slack.messages[self.looked :]:
            round_id = message.key.split()[1]
            if not message.key.startswith("card ") or round_id not in waiting:
                continue
            lately = [one for one in self.calls if now - one.posted_at < HOURLY]
            # While few wait nobody looks at the others: a card of a lost answer counts once found.
            known = [one for one in lately if one.key not in self.few or await self.is_known(one)]
            if not message.is_quiet:
                assert not (many > MANY and known), "mentioned twice within an hour"
                self.calls.append(message)
                self.few |= {message.key} if many <= MANY else set()
            else:
                assert many > MANY, "a card mentions nobody, and few wait"
                assert lately, "a card mentions nobody, and nobody was mentioned for an hour"
        self.looked = len(slack.messages)
        for one in self.opened:
            decision = (await self.world.round(one.id)).decision
            if decision is not None and isinstance(decision.by, TimedOut):
                shown = slack.card(one.id).posted_at
                assert decision.at - shown >= timedelta(hours=5)

    async def is_known(self, card: Message) -> bool:
        return (await self.world.uow.read.posting(card.key.split()[1])).card is not None


def always_hold(
    run: Callable[[Coroutine[Any, Any, None]], None],
    empty: Callable[[], Awaitable[Engines]],
    *,
    many: int,
) -> None:
    async def play(steps: list[Step]) -> None:
        await Story(await empty()).play(steps)

    @settings(
        max_examples=many,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(STEPS)
    def holds(steps: list[Step]) -> None:
        run(play(steps))

    holds()


@pytest.mark.no_cover
def test_people_are_mentioned_hourly(sqlite_template: SqliteTemplate) -> None:
    async def made(path: Path) -> EmptiedSqlite:
        return EmptiedSqlite(await sqlite_template(MIGRATED, bring_up), path)

    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=EventLoop) as runner:
        database = runner.run(made(Path(folder) / "crewgate.db"))

        async def empty() -> Engines:
            await database.empty()
            return database.engines

        always_hold(runner.run, empty, many=40)
        runner.run(database.engines.dispose())


@pytest.mark.no_cover
def test_people_are_mentioned_hourly_by_two_bots_on_postgresql(postgres: Postgres) -> None:
    database = EmptiedPostgres("hourly")

    async def empty() -> Engines:
        await database.url(postgres)
        return database.engines

    with asyncio.Runner() as runner:
        always_hold(runner.run, empty, many=15)
        runner.run(database.dispose())
