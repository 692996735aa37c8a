"""Any order of pauses, decisions, ends, refused posts and time: people are mentioned hourly."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.domain.verdict import Revise, TimedOut
from crewgate.runtime import EventLoop
from crewgate.usecases.delivery.mentions import ATTEMPT, HOURLY
from tests.builders import SECOND, a_crew, a_rule, a_uow
from tests.databases import MIGRATED, EmptiedSqlite, SqliteTemplate, bring_up
from tests.usecases.faults import Fault
from tests.usecases.world import World

Step: TypeAlias = tuple[str, int]
MANY = 2
"""The most waiting rounds of which each card mentions people; of more, one an hour does."""
REFUSED = Refused("is_archived", "the channel is archived", RefusalKind.OTHER)
TIMED = a_rule(name="timed", timeout=TimeOut(Duration.parse("5h"), TimeoutAction.APPROVE))
WHILES = (timedelta(), 5 * SECOND, ATTEMPT, timedelta(minutes=20), HOURLY, 3 * HOURLY)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [*3 * ["pause"], *2 * ["decide"], *3 * ["settle"], "end", "refuse", "time", "turn"]
        ),
        st.integers(0, 30),
    ),
    max_size=40,
)


class Story:
    """A crew whose executions all pause on one task, under a rule that approves by time."""

    def __init__(self, database: EmptiedSqlite) -> None:
        self.world = World(database.engines, a_uow(database.engines))
        self.world.crews["research"] = a_crew(rules=(TIMED,))
        self.world.context = replace(self.world.context, mentioned_each=MANY)
        self.opened: list[Round] = []
        self.looked = 0
        """The number of messages that were looked at."""
        self.called: datetime | None = None
        """The time when a card last mentioned people."""

    async def play(self, steps: list[Step]) -> None:
        for what, number in steps:
            await getattr(self, what)(number)
        self.world.slack.faults.clear()
        for passes in (ATTEMPT, HOURLY):
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

    async def time(self, number: int) -> None:
        self.world.clock.advance(WHILES[number % len(WHILES)])

    async def settle(self, _: int) -> None:
        while await self.turn(0):
            pass

    async def turn(self, _: int) -> int:
        """Carry out one job, and look at what came of it."""
        many, before = len(await self.waiting()), await self.waiting()
        done = await self.world.turn(limit=1)
        await self.look(many, {one.id for one in before})
        return len(done)

    # --- what always holds ---

    async def look(self, many: int, waiting: set[str]) -> None:
        """Look at new cards: `many` rounds waited, those that are named."""
        now, slack = self.world.clock(), self.world.slack
        for message in slack.messages[self.looked :]:
            round_id = message.key.split()[1]
            if not message.key.startswith("card ") or round_id not in waiting:
                continue
            lately = self.called is not None and now - self.called < HOURLY
            if round_id in slack.notified:
                assert not (many > MANY and lately), "mentioned twice within an hour"
                self.called = now
            else:
                assert many > MANY, "a card mentions nobody, and few wait"
                assert lately, "a card mentions nobody, and nobody was mentioned for an hour"
        self.looked = len(slack.messages)
        for one in self.opened:
            decision = (await self.world.round(one.id)).decision
            if decision is not None and isinstance(decision.by, TimedOut):
                shown = slack.card(one.id).posted_at
                assert decision.at - shown >= timedelta(hours=5)


@pytest.mark.no_cover
def test_people_are_mentioned_hourly(sqlite_template: SqliteTemplate) -> None:
    async def made(path: Path) -> EmptiedSqlite:
        return EmptiedSqlite(await sqlite_template(MIGRATED, bring_up), path)

    async def play(database: EmptiedSqlite, steps: list[Step]) -> None:
        await database.empty()
        await Story(database).play(steps)

    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=EventLoop) as runner:
        database = runner.run(made(Path(folder) / "crewgate.db"))

        @settings(
            max_examples=25,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(STEPS)
        def holds(steps: list[Step]) -> None:
            runner.run(play(database, steps))

        holds()
        runner.run(database.engines.dispose())
