"""One crew that others resume too, and whose webhooks come again: evidence may mislead the bot.

Stories over the whole product, in tests/simulation, take all other steps.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
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
    rule,
    run_state_machine_as_test,
)

from crewgate.domain.caveats import NOTHING_SEEN, Caveats, Claim, Seen, Share
from crewgate.domain.effects import SLACK
from crewgate.domain.errors import (
    ConfirmationNeeded,
    NotAReviewer,
    NotWaiting,
)
from crewgate.domain.outcome import Refused
from crewgate.domain.reason import Dismissed
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Decision, Person, Revise, Verdict
from crewgate.runtime import EventLoop
from crewgate.store.engine import rows
from crewgate.store.round_rows import ROUND, to_round
from crewgate.usecases.decide import dismiss, edit
from crewgate.usecases.delivery.context import GRACE
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.notes import claim
from tests.builders import ANA, BEN, EVE, a_uow
from tests.databases import MIGRATED, EmptiedSqlite, SqliteTemplate, bring_up
from tests.usecases.faults import AWAY, LOST, Crashed, Fault
from tests.usecases.simulated_crew import Branch, Lead, SimulatedCrew
from tests.usecases.world import CREW, World

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]
Step = Callable[[Draw], Coroutine[Any, Any, None]]

VERDICTS = st.sampled_from([Approve(), Revise("Shorter."), Revise("Longer.")])
SELDOM = st.sampled_from([False, False, False, True])
PEOPLE = st.sampled_from([ANA, BEN, BEN, ANA, BEN, EVE])
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
EVERY_ROUND = ROUND.order_by(sa.text("opened_at, number"))
OVER = (State.RESUMED, State.SUPERSEDED, State.CLOSED)


def asks_a_person(round_: Round, execution: str, task: str) -> bool:
    """Return True if a person must act, or gave the round up."""
    review = round_.review
    to_do = round_.state in (State.WAITING, State.STUCK) or isinstance(round_.reason, Dismissed)
    return to_do and (review.execution_id, review.task_id) == (execution, task)


class Reviews(RuleBasedStateMachine):
    """The use cases between a Slack that keeps messages and a crew that keeps working."""

    def __init__(self, database: EmptiedSqlite, runner: asyncio.Runner) -> None:
        super().__init__()
        self.runner = runner
        self.broken = False
        self.known: list[Round] = []
        """Every round, as it was after the latest step."""
        self.run(self.open(database))

    async def open(self, database: EmptiedSqlite) -> None:
        await database.empty()
        self.world = World(database.engines, a_uow(database.engines))
        self.crew = SimulatedCrew(self.world)
        self.decisions: dict[str, Decision] = {}
        self.ended: dict[str, State] = {}
        self.dismissed: set[str] = set()
        self.notes: defaultdict[str, set[str]] = defaultdict(set)
        """The ts of each note, by the round of the crew's output that it is about."""
        self.claims: dict[str, Claim] = {}
        self.asked: dict[tuple[str, str], tuple[Seen, set[str]]] = {}
        """The caveats and notes that somebody was last asked about before they approved a round."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self.runner.run(coroutine)
        except BaseException:
            self.broken = True
            raise

    @initialize()
    def two_kickoffs(self) -> None:
        for name in self.crew.branches:
            self.crew.finish(name, same=False)
            self.run(self.crew.announce(name))

    @rule(data=st.data())
    def take_a_step(self, data: st.DataObject) -> None:
        """One rule for all: what is possible depends, and some things are more likely."""
        likely = {
            self.click: 4 * self.any_round(*State),
            self.edit: 2 * self.any_round(State.WAITING),
            self.write_a_note: self.any_round(State.WAITING),
            self.claim: self.any_round(State.WAITING),
            self.ask_to_retry: 2 * self.any_round(State.STUCK),
            self.somebody_dismisses: self.any_round(State.STUCK),
            self.work_for_slack: 2,
            self.work_for_the_crew: 4 * self.any_round(State.DECIDED),
            self.crew_pauses: 2 * self.any_branch(lambda branch: branch.working),
            self.notification_arrives: 2 * self.any_branch(lambda branch: bool(branch.undelivered)),
            self.update_arrives: self.any_branch(lambda branch: bool(branch.updates)),
            self.restart: 1,
            self.notification_is_repeated: 1,
            self.somebody_else_resumes: 1,
        }
        steps = [step for step, weight in likely.items() for _ in range(weight)]
        step = data.draw(st.sampled_from(steps))
        self.run(step(data.draw))

    def any_round(self, *states: State) -> bool:
        return any(round_.state in states for round_ in self.known)

    def any_branch(self, holds: Callable[[Branch], bool]) -> bool:
        return any(map(holds, self.crew.branches.values()))

    # --- the crew ---

    def pick(self, draw: Draw, holds: Callable[[Branch], object]) -> str:
        branches = self.crew.branches.values()
        name: str = draw(st.sampled_from([one.name for one in branches if holds(one)]))
        return name

    async def crew_pauses(self, draw: Draw) -> None:
        name = self.pick(draw, lambda branch: branch.working)
        self.crew.finish(name, same=draw(SELDOM))
        if draw(st.booleans()):
            await self.crew.announce(name)

    async def notification_arrives(self, draw: Draw) -> None:
        await self.crew.announce(self.pick(draw, lambda branch: branch.undelivered))

    async def notification_is_repeated(self, draw: Draw) -> None:
        await self.crew.repeat(self.pick(draw, lambda _: True))

    async def somebody_else_resumes(self, draw: Draw) -> None:
        self.crew.resume_elsewhere(self.pick(draw, lambda _: True))

    async def update_arrives(self, draw: Draw) -> None:
        await self.crew.update(self.pick(draw, lambda branch: branch.updates))

    # --- people ---

    async def click(self, draw: Draw) -> None:
        waiting = [round_ for round_ in self.known if round_.state is State.WAITING]
        stale = draw(SELDOM)
        round_ = draw(st.sampled_from(self.known if stale else waiting or self.known))
        by = draw(PEOPLE)
        self.world.clock.advance(timedelta(microseconds=1))
        await self.press(round_, draw(VERDICTS), by, draw)

    async def press(self, round_: Round, verdict: Verdict, by: Person, draw: Draw) -> None:
        """Decide, or answer the question that the same press led to before."""
        seen, shown = self.asked.get((round_.id, by.id), (NOTHING_SEEN, set()))
        try:
            decided = await self.world.decide(round_.id, verdict, by=by, seen=seen)
        except NotAReviewer:
            assert by == EVE
        except NotWaiting:
            assert round_.state is not State.WAITING
        except ConfirmationNeeded as needed:
            assert verdict == Approve()
            assert round_.state is State.WAITING
            self.remember_question(round_, by, needed.caveats)
            if draw(st.booleans()):  # something happens before the answer
                await draw(st.sampled_from([self.write_a_note, self.claim]))(draw)
                await self.press(round_, verdict, by, draw)
        else:
            assert decided.decision is not None
            assert round_.id not in self.decisions
            self.decisions[round_.id] = decided.decision
            self.crew.decided[decided.decision] = round_.id
            if verdict == Approve():
                self.check_asked(decided, by, seen, shown)

    async def edit(self, draw: Draw) -> None:
        """Write another text; who was asked about notes or a claim sends it again."""
        waiting = [round_ for round_ in self.known if round_.state is State.WAITING]
        round_ = draw(st.sampled_from(self.known if draw(SELDOM) else waiting))
        by = draw(PEOPLE)
        seen, shown = self.asked.get((round_.id, by.id), (NOTHING_SEEN, set()))
        text = (await self.world.uow.read.posting(round_.id)).view.output.text + "!"
        self.world.clock.advance(timedelta(microseconds=1))
        try:
            theirs = await edit(
                round_.id,
                text,
                by=by,
                context=self.world.reviews,
                seen=replace(seen, share=Share(1, 1)),
            )
        except NotAReviewer:
            assert by == EVE
        except NotWaiting:
            assert round_.state is not State.WAITING
        except ConfirmationNeeded as needed:
            assert round_.state is State.WAITING
            self.remember_question(round_, by, needed.caveats)
        else:
            if round_.state is not State.WAITING:
                self.sent_twice(theirs, text, by)
                return
            self.edited(round_, theirs, text, by)
            self.check_asked(theirs, by, seen, shown)
            if theirs.id != round_.id:
                self.claims.pop(theirs.id, None)  # it was on the text that was replaced

    def edited(self, before: Round, theirs: Round, text: str, by: Person) -> None:
        assert before.takes_edits == (theirs.id != before.id)
        if before.takes_edits:
            assert (theirs.number, theirs.edited_by) == (before.number + 1, by)
            self.crew.texts[theirs.id] = self.crew.texts[before.id]
            self.crew.edited[theirs.id] = text
            assert theirs.origin == before.origin
            if before.id in self.claims:
                self.claims[theirs.id] = self.claims.pop(before.id)
        assert theirs.decision is not None
        assert theirs.decision.is_approve == before.takes_edits
        assert theirs.id not in self.decisions
        self.decisions[theirs.id] = theirs.decision
        self.crew.decided[theirs.decision] = theirs.id

    def sent_twice(self, theirs: Round, text: str, by: Person) -> None:
        """True if the text of before came again, whoever wrote it."""
        if theirs.takes_edits:
            assert (theirs.edited_by, self.crew.edited[theirs.id]) == (by, text)
        else:
            assert self.decisions[theirs.id].by == by

    def remember_question(self, round_: Round, by: Person, caveats: Caveats) -> None:
        notes = self.notes[round_.origin]
        assert caveats.notes == len(notes)
        self.asked[round_.id, by.id] = caveats.seen, set(notes)

    def check_asked(self, approved: Round, by: Person, seen: Seen, shown: set[str]) -> None:
        """Nobody approves over a note or a claim that they were not asked about."""
        notes = self.notes[approved.origin]
        assert notes <= shown
        assert approved.decision is not None
        assert approved.decision.unsent_notes == len(notes)
        claim = self.claims.get(approved.id)
        if claim is not None and claim.by != by and claim.holds(self.world.clock()):
            assert seen.claimed_by == claim.by.id

    async def write_a_note(self, draw: Draw) -> None:
        round_ = draw(st.sampled_from([one for one in self.known if one.state is State.WAITING]))
        card = (await self.world.uow.read.posting(round_.id)).card
        if card is None:
            return
        self.world.clock.advance(timedelta(microseconds=1))
        ts = f"9.{self.world.new_id()}"
        note = await self.world.note(card, ts, by=draw(PEOPLE))
        if note is not None:
            self.notes[note.round_id].add(ts)

    async def claim(self, draw: Draw) -> None:
        round_ = draw(st.sampled_from([one for one in self.known if one.state is State.WAITING]))
        by = draw(st.sampled_from([ANA, BEN]))
        self.claims[round_.id] = Claim(by, self.world.clock())
        await claim(round_.id, by=by, context=self.world.reviews)

    async def ask_to_retry(self, _draw: Draw) -> None:
        for round_ in self.known:
            if round_.state is State.STUCK:
                await self.world.retry(round_.id)

    async def somebody_dismisses(self, _draw: Draw) -> None:
        for round_ in self.known:
            if round_.state is State.STUCK:
                await dismiss(round_.id, "Started again.", by=BEN, context=self.world.reviews)
                self.dismissed.add(round_.id)

    # --- the bot ---

    async def work_for_slack(self, draw: Draw) -> None:
        await self.work(SLACK, self.world.slack.faults, draw)

    async def work_for_the_crew(self, draw: Draw) -> None:
        self.crew.delivers_on_status, self.crew.same = draw(st.booleans()), draw(SELDOM)
        self.crew.lead = draw(st.sampled_from(Lead))
        await self.work(CREW, self.world.crew.faults, draw)

    async def work(self, destination: str, faults: deque[Fault], draw: Draw) -> None:
        self.world.clock.advance(draw(WHILES))
        faults.extend(draw(FAULTS))
        with suppress(Crashed):  # what else was leased is left behind too
            await self.world.turn(destination, limit=draw(st.integers(1, 3)))
        faults.clear()

    async def restart(self, _draw: Draw) -> None:
        await self.world.outbox.release(due_at=self.world.clock() + GRACE)

    # --- what always holds ---

    async def rounds(self) -> list[Round]:
        async with self.world.engines.for_outbox.read.connect() as connection:
            return [to_round(row) for row in await rows(connection, EVERY_ROUND, {})]

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
                late_answer = round_.id in self.dismissed and round_.state is State.RESUMED
                assert round_.state is self.ended[round_.id] or late_answer
            self.ended[round_.id] = round_.state
        keys = Counter(message.key for message in self.world.slack.messages)
        assert all(n == 1 for key, n in keys.items() if key.startswith("card"))

    # --- what holds in the end ---

    def teardown(self) -> None:
        if not self.broken:
            self.run(self.end_well())

    async def end_well(self) -> None:
        """Nothing fails and every webhook arrives: then nothing is left to do."""
        self.crew.delivers_on_status, self.crew.lead = False, Lead.NONE
        for name, branch in self.crew.branches.items():
            while branch.undelivered:
                await self.crew.announce(name)
        for _ in range(100):
            if not await self.world.rows():
                break
            self.world.clock.advance(LEASE)
            for destination in (SLACK, CREW):
                await self.world.turn(destination)
        assert await self.world.effects() == []
        await self.check()
        for execution, task in self.world.crew.pending:
            if not self.crew.branch_of(execution, task).ambiguous:
                assert any(asks_a_person(round_, execution, task) for round_ in self.known)
        for round_ in self.known:
            assert round_.state is not State.DECIDED
            if not self.world.slack.keyed(f"card {round_.id}"):
                assert round_.decision is None, "a card that somebody decided on was posted"
                assert round_.state in (State.SUPERSEDED, State.CLOSED)
                continue
            card = self.world.slack.card(round_.id)
            assert isinstance(card.shows, Round)
            is_current = (card.shows.state, card.shows.reason) == (round_.state, round_.reason)
            assert is_current or self.thread_says_instead(round_)
            self.check_truth(round_)

    def thread_says_instead(self, round_: Round) -> bool:
        """Slack refused the card's update over a day: then its thread says how the round ended."""
        key = f"refresh failed {round_.id} {round_.state.value} "
        return any(message.key.startswith(key) for message in self.world.slack.messages)

    def check_truth(self, round_: Round) -> None:
        """Check that people are told of a decision what happened to it."""
        crew = self.world.crew
        sent = round_.decision in [decision for _, decision in crew.asked]
        taken = round_.decision in [resumed.decision for resumed in crew.taken]
        review = round_.review
        ambiguous = self.crew.branch_of(review.execution_id, review.task_id).ambiguous
        ambiguous |= self.crew.texts[round_.id] in self.crew.taken_unseen
        if round_.state is State.RESUMED:
            assert taken or (sent and ambiguous)
        elif taken:
            assert round_.in_doubt  # which the card says


@pytest.mark.no_cover
def test_reviews_that_others_resume_too(sqlite_template: SqliteTemplate) -> None:
    """Take many steps, on a migrated database each time."""

    async def made(path: Path) -> EmptiedSqlite:
        return EmptiedSqlite(await sqlite_template(MIGRATED, bring_up), path)

    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=EventLoop) as runner:
        database = runner.run(made(Path(folder) / "crewgate.db"))
        run_state_machine_as_test(
            partial(Reviews, database, runner),  # type: ignore[arg-type]
            settings=settings(
                max_examples=20,
                stateful_step_count=40,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(database.engines.dispose())
