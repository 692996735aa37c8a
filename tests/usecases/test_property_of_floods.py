"""Any order of pauses, decisions, ends, refused posts and deleted cards: everybody is told."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.domain.verdict import TimedOut
from crewgate.runtime import EventLoop
from crewgate.usecases.delivery.floods import HOURLY, QUIET
from tests.builders import SECOND, a_crew, a_rule, a_uow
from tests.databases import MIGRATED, EmptiedSqlite, SqliteTemplate, bring_up
from tests.usecases.faults import Fault
from tests.usecases.slack_standins import Message
from tests.usecases.world import World

Step: TypeAlias = tuple[str, int]
MANY = 2
"""More waiting rounds are a flood."""
REFUSED = Refused("is_archived", "the channel is archived", RefusalKind.OTHER)
TIMED = a_rule(name="timed", timeout=TimeOut(Duration.parse("5h"), TimeoutAction.APPROVE))
WHILES = (timedelta(), 5 * SECOND, QUIET, timedelta(minutes=20), HOURLY, 3 * HOURLY)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *3 * ["pause"],
                *2 * ["decide"],
                *2 * ["settle"],
                *["end", "refuse", "delete", "time", "turn"],
            ]
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
        self.world.context = replace(self.world.context, flood=MANY)
        self.opened: list[Round] = []
        self.seen: dict[str, datetime] = {}
        """The moments at which rounds could first be seen by people."""
        self.called: datetime | None = None
        """The time when a card last called people."""

    async def play(self, steps: list[Step]) -> None:
        for what, number in steps:
            await getattr(self, what)(number)
            await self.look()
        await self.all_is_well()
        for passes in (QUIET, HOURLY, HOURLY):
            self.world.clock.advance(passes)
            await self.all_is_well()

    async def waiting(self) -> list[Round]:
        rounds = [await self.world.round(one.id) for one in self.opened]
        return [one for one in rounds if one.state is State.WAITING]

    def cards(self) -> list[Message]:
        return [one for one in self.world.slack.messages if not one.deleted]

    # --- steps ---

    async def pause(self, _: int) -> None:
        self.world.clock.advance(SECOND)
        name = f"e-{len(self.opened) + 1}"
        self.opened.append((await self.world.notify(execution_id=name)).round)
        clear = not self.world.slack.faults
        if clear and len(await self.waiting()) <= MANY:
            await self.settle(0)
            assert self.world.slack.keyed(f"card {self.opened[-1].id}")

    async def decide(self, number: int) -> None:
        if waiting := await self.waiting():
            await self.world.decide(waiting[number % len(waiting)].id)

    async def end(self, number: int) -> None:
        if waiting := await self.waiting():
            review = waiting[number % len(waiting)].review
            await self.world.record_update(review.execution_id, ended="x")

    async def refuse(self, number: int) -> None:
        self.world.slack.faults += [Fault(REFUSED)] * number

    async def delete(self, number: int) -> None:
        if cards := self.cards():
            card = cards[number % len(cards)]
            card.deleted = True
            await self.world.enqueue(EffectKind.REFRESH, card.key.split()[1])

    async def time(self, number: int) -> None:
        self.world.clock.advance(WHILES[number % len(WHILES)])

    async def turn(self, number: int) -> None:
        await self.world.turn(limit=1 + number % 4)

    async def settle(self, _: int) -> None:
        await self.world.settle_slack()

    # --- what always holds ---

    async def look(self) -> None:
        now, slack = self.world.clock(), self.world.slack
        cards = self.cards()
        waiting = {one.id for one in await self.waiting()}
        for one in self.opened:
            counted = any(card.gathered for card in cards)
            own = bool(slack.keyed(f"card {one.id}"))
            if one.id not in self.seen and (own or (counted and one.id in waiting)):
                self.seen[one.id] = now
        if slack.notified:
            self.called = now
            slack.notified.clear()
        for one in self.opened:
            decision = (await self.world.round(one.id)).decision
            if decision is not None and isinstance(decision.by, TimedOut):
                assert decision.at - self.seen[one.id] >= timedelta(hours=5)

    async def all_is_well(self) -> None:
        """Slack takes everything, and nobody has decided for a while."""
        self.world.slack.faults.clear()
        for _ in range(12):
            await self.settle(0)
            await self.look()
            self.world.clock.advance(QUIET)
        await self.settle(0)
        await self.look()
        waiting = {one.id for one in await self.waiting()}
        shown = {card.key.split()[1]: card for card in self.cards()}
        hidden = waiting - shown.keys()
        counts = [card.gathered for key, card in shown.items() if key in waiting and card.gathered]
        assert counts == ([len(hidden)] if hidden else [])
        assert not any(card.gathered for key, card in shown.items() if key not in waiting)
        if hidden:
            assert self.called is not None
            assert self.world.clock() - self.called <= HOURLY


@pytest.mark.no_cover
def test_everybody_is_told(sqlite_template: SqliteTemplate) -> None:
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
