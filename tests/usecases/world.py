"""The use cases with a real store between a stand-in Slack and a stand-in crew."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from crewgate.domain.audit import Code
from crewgate.domain.caveats import NOTHING_SEEN, Note, Seen
from crewgate.domain.crew import Crew
from crewgate.domain.effects import (
    SLACK,
    TIMER,
    UPDATES,
    Effect,
    EffectKind,
    crew_destination,
    posts_destination,
    status_destination,
)
from crewgate.domain.execution import CrewUpdate, Execution, ExecutionUpdate, TaskUpdate
from crewgate.domain.notification import Output
from crewgate.domain.outcome import Outcome
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Person, Verdict, Via
from crewgate.store.engine import Engines, rows
from crewgate.store.outbox import Outbox
from crewgate.store.tables import audit_entries, outbox
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.decide import decide, retry
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.worker import LEASE, deliver
from crewgate.usecases.log_fields import acts_at
from crewgate.usecases.notes import keep_note
from crewgate.usecases.ports.base import Job
from crewgate.usecases.read_models import NO_RULE_ID, MessageRef, Selection
from crewgate.usecases.receive import (
    ReceiveContext,
    Received,
    receive_flow_request,
    receive_notification,
    store_dead_letter,
)
from crewgate.usecases.teaching import Teaching
from crewgate.usecases.track import record_update, track
from tests.builders import ANA, FakeClock, Numbered, a_crew, a_flow_request, a_notification
from tests.usecases.crew_standins import FakeCrew, FakeFlows, FakeForwarder
from tests.usecases.slack_standins import FakeDirectory, FakeSlack, SlowSlack

ABOUT_EXECUTIONS = ("progress", "refresh_progress", "post_result", "poll_status")
"""Messages that tests of reviews do not look at."""
POSTS = posts_destination("research")
CREW = crew_destination("research")
STATUS = status_destination("research")
TO_DO = (
    sa.select(outbox)
    .where(*(outbox.c.kind != kind for kind in ABOUT_EXECUTIONS), outbox.c.set_aside_at.is_(None))
    .order_by(outbox.c.id)
)
HELD = sa.update(outbox).where(outbox.c.lease_until.is_not(None))
T = TypeVar("T")
Deliver = Callable[[Job, DeliveryContext], Awaitable[Outcome]]


@dataclass
class World:
    """Everything but HTTP and the loop: tests carry out the outbox by hand."""

    engines: Engines
    uow: UnitOfWork
    clock: FakeClock = field(default_factory=FakeClock)
    crew: FakeCrew = field(default_factory=FakeCrew)
    flows: FakeFlows = field(default_factory=FakeFlows)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    crews: dict[str, Crew] = field(default_factory=lambda: {"research": a_crew()})
    new_id: Numbered = field(default_factory=Numbered)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.engines.for_outbox, self.crews)
        self.slack = FakeSlack(self.clock)
        self.forwarder = FakeForwarder()
        clients = {"research": self.crew}
        self.teaching = Teaching(self.uow, clients, clock=self.clock)
        self.context = DeliveryContext(
            uow=self.uow.for_outbox(),
            messenger=self.slack,
            forwarder=self.forwarder,
            flows=self.flows,
            clients=clients,
            teaching=self.teaching,
            crews=self.crews,
            clock=self.clock,
            new_id=self.new_id,
            off_loop=asyncio.to_thread,
            jitter=lambda: 0.0,
            directory=self.directory,
        )

    @property
    def reviews(self) -> ReviewContext:
        return ReviewContext(
            uow=self.uow,
            crews=self.crews,
            directory=self.directory,
            clock=self.clock,
            new_id=self.new_id,
            off_loop=asyncio.to_thread,
        )

    @property
    def receiving(self) -> ReceiveContext:
        return ReceiveContext(uow=self.uow, crews=self.crews, clock=self.clock, new_id=self.new_id)

    async def notify(
        self, text: str = "A draft.", *, crew: str = "research", **changes: Any
    ) -> Received:
        return await receive_notification(
            crew, a_notification(text, **changes), context=self.receiving
        )

    async def ask(
        self, text: str = "A draft.", *, crew: str = "research", **changes: Any
    ) -> Received:
        """Let a flow pause; `changes` are for its question."""
        return await receive_flow_request(
            crew, a_flow_request(text, **changes), context=self.receiving
        )

    async def decide(
        self,
        round_id: str,
        verdict: Verdict | None = None,
        *,
        by: Person = ANA,
        seen: Seen = NOTHING_SEEN,
    ) -> Round:
        return await decide(
            round_id, verdict or Approve(), by=by, via=Via.BUTTON, context=self.reviews, seen=seen
        )

    async def pressed(self, ts: str, act: Awaitable[T]) -> T:
        """Let somebody act by a press, or by a form that it opened, at this time of Slack's."""

        async def pressed() -> T:
            acts_at({"action_ts": ts})
            return await act

        return await asyncio.create_task(pressed())

    async def retry(self, round_id: str, *, by: Person = ANA) -> Round:
        return await retry(round_id, by=by, context=self.reviews)

    async def record_update(self, execution: str = "e-1", *, ended: str | None = None) -> None:
        update = CrewUpdate(result=Output("Done.")) if ended else TaskUpdate(title="draft")
        await self.record(update, execution)

    async def record(self, update: ExecutionUpdate, execution: str = "e-1") -> None:
        at = self.clock()
        await record_update("research", execution, update, uow=self.uow, at=at, new_id=self.new_id)

    async def start(self, execution: str = "e-1") -> None:
        """Ana starts an execution from Slack."""
        inputs = (("topic", "tea"),)
        at = self.clock()
        async with self.uow.begin() as tx:
            opened = await tx.executions.open("research", execution, at=at)
            await track(tx, opened, starter=ANA, inputs=inputs, at=at)

    async def kick_off(
        self, *meta: tuple[str, str], crew: str = "research", execution: str
    ) -> None:
        """A caller starts an execution through the bot."""
        at = self.clock()
        async with self.uow.begin() as tx:
            opened = await tx.executions.open(crew, execution, at=at)
            await track(tx, opened, meta=meta, at=at)

    async def execution(self, execution: str = "e-1") -> Execution:
        found = await self.uow.read.executions.find("research", execution)
        assert found is not None
        return found

    def messages_said(self) -> list[EffectKind]:
        """The messages about executions, by the effects they carry out."""
        return [message.what for message in self.slack.said]

    async def store_dead_letter(self, body: bytes = b"?", crew: str = "research") -> str:
        kept = await store_dead_letter(crew, body, "no execution_id", context=self.receiving)
        return kept.id

    async def round(self, round_id: str) -> Round:
        return await self.uow.read.round(round_id)

    async def note(
        self, thread: MessageRef, ts: str, *, by: Person = ANA, text: str = "Hm."
    ) -> Note | None:
        """Write a message in a thread."""
        return await keep_note(replace(thread, ts=ts), by=by, text=text, context=self.reviews)

    async def waiting(self) -> tuple[Round, ...]:
        """Return the rounds that wait for a decision, the oldest first."""
        read = self.uow.read.rounds
        found = await read.first(
            Selection(queues=(("research", NO_RULE_ID),), states=(State.WAITING,)), limit=9
        )
        return tuple(line.round for line in await read.lines(found))

    async def enqueue(self, kind: EffectKind, round_id: str) -> None:
        """Have something done about a round."""
        review = (await self.round(round_id)).review
        effect = Effect(
            kind=kind, target=round_id, crew=review.crew, execution_id=review.execution_id
        )
        async with self.uow.begin() as tx:
            await tx.enqueue([effect], at=self.clock())

    async def lease(self, destination: str, *, limit: int = 8) -> tuple[Job, ...]:
        """Lease what is due at a destination; at all of Slack's where it is `SLACK`."""
        destinations = [destination]
        if destination == SLACK:
            posts = sorted(map(posts_destination, self.crews))
            destinations = [TIMER, *posts, UPDATES, SLACK]
        jobs: list[Job] = []
        for each in destinations:
            leased = await self.outbox.lease(each, now=self.clock(), lease=LEASE, limit=limit)
            jobs += leased.jobs
        return tuple(jobs)

    def slow_down(self) -> SlowSlack:
        """Put a Slack in place in which a bot can stand still; no message is there yet."""
        slow = self.slack = SlowSlack(self.clock)
        self.context = replace(self.context, messenger=slow)
        return slow

    async def lapse(self) -> None:
        """Let every lease end, as if a process had crashed."""
        self.clock.advance(LEASE)
        if not self.engines.is_sqlite:  # there they go by a clock that nobody can move
            async with self.engines.write.begin() as connection:
                await connection.execute(HELD.values(lease_until=self.clock()))

    async def turn(self, destination: str = SLACK, *, limit: int = 8) -> list[Outcome]:
        """One turn of a worker: lease what is due and carry it out."""
        return await self.deliver(*await self.lease(destination, limit=limit))

    async def deliver(self, *jobs: Job) -> list[Outcome]:
        """Carry out leased jobs."""
        return [await deliver(job, self.context) for job in jobs]

    async def settle_slack(self) -> None:
        """Carry out what is due in Slack until nothing is."""
        while await self.turn(SLACK):
            pass

    async def effects(self) -> list[EffectKind]:
        """Return the kinds of effects in the outbox, in order."""
        return [EffectKind(row.kind) for row in await self.rows()]

    async def entries(self, code: Code) -> list[Any]:
        """The audit entries with a code, in order."""
        every = sa.select(audit_entries.c.body).order_by(audit_entries.c.id)
        async with self.engines.for_outbox.read.connect() as connection:
            found = [json.loads(row.body) for row in await connection.execute(every)]
        return [one for one in found if one["code"] == code.value]

    async def rows(self) -> Sequence[Any]:
        async with self.engines.for_outbox.read.connect() as connection:
            return await rows(connection, TO_DO, {})

    async def set_aside(self) -> list[tuple[EffectKind, str]]:
        """Return the effects that are set aside, and the reasons, in order."""
        async with self.engines.for_outbox.read.connect() as connection:
            rows = await connection.execute(
                sa.select(outbox).where(outbox.c.set_aside_at.is_not(None)).order_by(outbox.c.id)
            )
            return [(EffectKind(row.kind), row.set_aside_why) for row in rows]

    async def due_in(self) -> timedelta:
        """Return the time until the only row of the outbox is due."""
        (row,) = await self.rows()
        return row.due_at - self.clock()  # type: ignore[no-any-return]
