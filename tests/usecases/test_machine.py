"""Any order of notifications, clicks, tries, outcomes, crashes and restarts, on a real store."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.domain.effects import SLACK
from bot.domain.errors import NotAReviewer, NotWaiting
from bot.domain.outcome import Refused
from bot.domain.review import Round, State
from bot.domain.verdict import Approve, Decision, Person, Revise, Verdict
from bot.store.engine import open_engines
from bot.store.rows import ROUND, to_round
from bot.store.unit_of_work import SqlUnitOfWork
from bot.usecases.outside import GRACE
from bot.usecases.worker import LEASE
from tests.builders import ANA, BEN, EVE
from tests.usecases.restless_crew import Execution, Haste, RestlessCrew
from tests.usecases.standins import AWAY, LOST, Crashed, Fault
from tests.usecases.world import CREW, World

T = TypeVar("T")

VERDICTS = st.sampled_from([Approve(), Revise("Shorter.")])
PEOPLE = st.sampled_from([ANA, BEN, BEN, ANA, EVE])
FAULTS = st.lists(
    st.sampled_from(
        [
            Fault(AWAY),
            Fault(LOST),
            Fault(LOST, after=True),
            Fault(LOST, after=True),
            Fault(Crashed),
            Fault(Crashed, after=True),
            Fault(Refused("401", "no")),
        ]
    ),
    max_size=2,
)
WHILES = st.sampled_from(
    [timedelta(0), GRACE, LEASE, timedelta(hours=1), timedelta(hours=25), LEASE]
)
OVER = (State.RESUMED, State.SUPERSEDED, State.CLOSED)


def any_round(*states: State) -> Callable[[Any], bool]:
    return lambda self: any(round_.state in states for round_ in self.known)


def any_run(holds: Callable[[Execution], bool]) -> Callable[[Any], bool]:
    return lambda self: any(map(holds, self.crew.executions.values()))


class Reviews(RuleBasedStateMachine):
    """The use cases between a Slack that keeps messages and a crew that keeps working."""

    def __init__(self, template: Path) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "crewgate.db"
        shutil.copy(template, path)
        self.broken = False
        self.known: list[Round] = []
        """Every round, as it was after the latest step."""
        self.run(self.open(f"sqlite+aiosqlite:///{path}"))

    async def open(self, url: str) -> None:
        engines = open_engines(url)
        self.world = World(engines, SqlUnitOfWork(engines, wake=lambda _: None))
        self.crew = RestlessCrew(self.world)
        self.decisions: dict[str, Decision] = {}
        self.ended: dict[str, State] = {}

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self.runner.run(coroutine)
        except BaseException:
            self.broken = True
            raise

    # --- the crew ---

    @initialize()
    def two_kickoffs(self) -> None:
        for name in self.crew.executions:
            self.crew.finish(name, same=False)
            self.run(self.crew.announce(name))

    def pick(self, data: st.DataObject, holds: Callable[[Execution], object]) -> str:
        runs = self.crew.executions.values()
        return data.draw(st.sampled_from([run.id for run in runs if holds(run)]))

    @precondition(any_run(lambda run: run.working))
    @rule(data=st.data(), same=st.booleans(), heard=st.booleans())
    def crew_pauses(self, data: st.DataObject, same: bool, heard: bool) -> None:
        name = self.pick(data, lambda run: run.working)
        self.crew.finish(name, same=same)
        if heard:
            self.run(self.crew.announce(name))

    @precondition(any_run(lambda run: bool(run.unheard)))
    @rule(data=st.data())
    def crew_is_heard(self, data: st.DataObject) -> None:
        self.run(self.crew.announce(self.pick(data, lambda run: run.unheard)))

    @precondition(any_run(lambda run: bool(run.signs)))
    @rule(data=st.data())
    def crew_gives_a_sign(self, data: st.DataObject) -> None:
        self.run(self.crew.sign(self.pick(data, lambda run: run.signs)))

    # --- people ---

    @precondition(any_round(*State))
    @rule(data=st.data(), verdict=VERDICTS, by=PEOPLE, stale=st.booleans())
    def click(self, data: st.DataObject, verdict: Verdict, by: Person, stale: bool) -> None:
        waiting = [round_ for round_ in self.known if round_.state is State.WAITING]
        round_ = data.draw(st.sampled_from(self.known if stale else waiting or self.known))
        self.run(self.clicked(round_, verdict, by))

    async def clicked(self, round_: Round, verdict: Verdict, by: Person) -> None:
        self.world.clock.advance(timedelta(microseconds=1))
        try:
            decided = await self.world.decide(round_.id, verdict, by=by)
        except NotAReviewer:
            assert by == EVE
        except NotWaiting:
            assert round_.state is not State.WAITING
        else:
            assert decided.decision is not None
            assert round_.id not in self.decisions
            self.decisions[round_.id] = decided.decision
            self.crew.decided[decided.decision] = round_.id

    @precondition(any_round(State.STUCK))
    @rule()
    def ask_to_retry(self) -> None:
        for round_ in self.known:
            if round_.state is State.STUCK:
                self.run(self.world.retry(round_.id))

    # --- the bot ---

    @rule(faults=FAULTS, limit=st.integers(1, 4), after=WHILES)
    def work_for_slack(self, faults: list[Fault], limit: int, after: timedelta) -> None:
        self.world.slack.faults.extend(faults)
        self.run(self.work(SLACK, limit, after))
        self.world.slack.faults.clear()

    @precondition(any_round(State.DECIDED))
    @rule(faults=FAULTS, after=WHILES, chats=st.booleans(), haste=st.sampled_from(Haste))
    def work_for_the_crew(
        self, faults: list[Fault], after: timedelta, chats: bool, haste: Haste
    ) -> None:
        self.world.crew.faults.extend(faults)
        self.crew.chats, self.crew.haste = chats, haste
        self.run(self.work(CREW, 2, after))
        self.world.crew.faults.clear()

    async def work(self, destination: str, limit: int, after: timedelta) -> None:
        self.world.clock.advance(after)
        with suppress(Crashed):  # what else was claimed is left behind too
            await self.world.turn(destination, limit=limit)

    @rule()
    def restart(self) -> None:
        self.run(self.world.outbox.release(due_at=self.world.clock() + GRACE))

    # --- what always holds ---

    async def rounds(self) -> list[Round]:
        async with self.world.engines.read.connect() as connection:
            rows = await connection.execute(ROUND.order_by(sa.text("opened_at, number")))
            return [to_round(row) for row in rows]

    @invariant()
    def holds(self) -> None:
        self.run(self.check())

    async def check(self) -> None:
        self.known = rounds = await self.rounds()
        latest = {round_.review.id: round_ for round_ in rounds}
        for round_ in rounds:
            assert round_.decision == self.decisions.get(round_.id)
            assert round_ == latest[round_.review.id] or round_.state in OVER
            if self.ended.get(round_.id) in (State.SUPERSEDED, State.CLOSED):
                assert round_.state is self.ended[round_.id]
            self.ended[round_.id] = round_.state
        keys = Counter(message.key for message in self.world.slack.messages)
        assert all(n == 1 for key, n in keys.items() if key.startswith("card"))

    # --- what holds in the end ---

    def teardown(self) -> None:
        try:
            if not self.broken:
                self.run(self.end_well())
        finally:
            self.runner.run(self.world.engines.dispose())
            self.runner.close()
            self.folder.cleanup()

    async def end_well(self) -> None:
        """Everybody is well and everything said is heard: then nothing is left to do."""
        self.crew.chats, self.crew.haste = False, Haste.NONE
        for name, run in self.crew.executions.items():
            while run.unheard:
                await self.crew.announce(name)
        for _ in range(100):
            if not await self.world.rows():
                break
            self.world.clock.advance(LEASE)
            for destination in (SLACK, CREW):
                await self.world.turn(destination)
        assert await self.world.effects() == []
        await self.check()
        for round_ in await self.rounds():
            assert round_.state is not State.DECIDED
            card = self.world.slack.card(round_.id)
            assert isinstance(card.shows, Round)
            assert (card.shows.state, card.shows.answer) == (round_.state, round_.answer)
            self.check_truth(round_)

    def check_truth(self, round_: Round) -> None:
        """What people are told about a decision is what happened to it."""
        crew = self.world.crew
        sent = round_.decision in [decision for _, decision in crew.asked]
        taken = round_.decision in [resumed.decision for resumed in crew.taken]
        murky = self.crew.executions[round_.review.execution_id].murky
        if round_.state is State.RESUMED:
            assert taken or (sent and murky)
        elif taken:
            assert round_.sending_since is not None
            assert round_.answer_code != "400" or murky


class OddReviews(Reviews):
    """The same where others meddle, so that evidence may deceive."""

    @rule(data=st.data(), twice=st.booleans())
    def something_odd_happens(self, data: st.DataObject, twice: bool) -> None:
        name = self.pick(data, lambda _: True)
        if twice:
            self.run(self.crew.repeat(name))
        else:
            self.crew.somebody_else(name)


@pytest.mark.timeout(300)  # should it fail, finding the smallest example takes its time
@pytest.mark.parametrize("machine", [Reviews, OddReviews])
def test_reviews(migrated_sqlite: Callable[[], Awaitable[Path]], machine: type[Reviews]) -> None:
    async def made() -> Path:
        return await migrated_sqlite()

    template = asyncio.run(made())
    run_state_machine_as_test(
        partial(machine, template),  # type: ignore[arg-type]
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
