"""No query that runs all day looks at more rows than it needs: each has its index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from bot.domain.effects import SLACK, forward_destination
from bot.domain.execution import CrewUpdate, StepUpdate, TaskUpdate
from bot.domain.notification import Output
from bot.domain.outcome import Refused
from bot.domain.review import State
from bot.store.engine import Engines
from bot.usecases.delivery.worker import LEASE
from bot.usecases.evidence import STATUS_POLL
from bot.usecases.kickoff import register_webhooks
from bot.usecases.notes import change_note, claim, delete_note, draft_for, keep_note
from bot.usecases.queries import status as look
from bot.usecases.queries.crews import overview
from bot.usecases.queries.queue import queue
from bot.usecases.read_models import ForwardedWebhook
from bot.usecases.track import record_update
from tests.builders import ANA, NOW, SECOND, webhook_urls
from tests.usecases.faults import Fault
from tests.usecases.world import CREW, World

GROWING = (
    "rounds|outbox|executions|task_updates|reviews|outputs|webhooks|dead_letters"
    "|forwarded_webhooks|notes|claims"
)

Statements = list[tuple[str, Any]]


@contextmanager
def recorded(engines: Engines) -> Iterator[Statements]:
    """Every statement that runs meanwhile, with its parameters."""
    statements: Statements = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if re.match("SELECT|UPDATE|DELETE", statement):
            statements.append((statement, parameters))

    targets = {engines.write.sync_engine, engines.read.sync_engine}
    for engine in targets:
        sa.event.listen(engine, "before_cursor_execute", keep)
    yield statements
    for engine in targets:
        sa.event.remove(engine, "before_cursor_execute", keep)


async def everything(world: World) -> None:
    """One of everything that happens all day."""
    world.crew.pause()
    first = (await world.notify()).round
    await world.turn()
    await world.decide(first.id)
    world.crew.faults.append(Fault(Refused("401", "")))
    await world.turn(CREW)
    await world.retry(first.id)
    await world.turn(CREW)
    await world.settle_slack()
    await world.notify("Another draft.")
    await world.record_update(ended="the execution has ended")
    await world.settle_slack()
    await world.uow.read.dead_letter(await world.store_dead_letter())
    await world.settle_slack()
    for mine in (True, False):
        await look.pending(ANA.id, mine=mine, context=world.reviews)
    await look.unsettled(["research"], uow=world.uow)
    clients = world.context.clients
    await look.execution("e-", by=ANA.id, context=world.reviews, clients=clients)
    await world.uow.read.executions.crews_with("e-1")
    await world.uow.read.executions.takes_old_event_keys("research", "e-1")
    await world.uow.read.ping()
    await track(world)
    await review_well(world)


async def track(world: World) -> None:
    """An execution from its start to its end, with a webhook that is forwarded."""
    await world.start("e-3")
    await world.record(StepUpdate(doing="thinking"), "e-3")
    webhook = ForwardedWebhook("w-1", "research", "e-3", "task", "application/json", b"{}")
    about = {"uow": world.uow, "at": world.clock(), "new_id": world.new_id}
    await record_update("research", "e-3", TaskUpdate(title="plan"), webhook=webhook, **about)  # type: ignore[arg-type]
    await register_webhooks(
        "research", "e-3", webhook_urls("caller"), uow=world.uow, clock=world.clock
    )
    await overview(["research"], clients=world.context.clients, uow=world.uow, clock=world.clock)
    world.clock.advance(STATUS_POLL.longest)
    for destination in (CREW, SLACK, forward_destination("research")):
        await world.turn(destination)
    await world.record(CrewUpdate(result=Output("All of it.")), "e-3")
    await world.settle_slack()


async def review_well(world: World) -> None:
    """Notes, a claim, the history and the queue."""
    round_ = (await world.notify("One more.", execution_id="e-2")).round
    await world.settle_slack()
    card = (await world.uow.read.posting(round_.id)).card
    assert card is not None
    context = world.reviews
    await keep_note(
        channel=card.channel, thread_ts=card.ts, ts="9.1", by=ANA, text="Hm.", context=context
    )
    await change_note(card.channel, "9.1", text="Ah.", edited_ts="9.2", context=context)
    await claim(round_.id, by=ANA, context=context)
    await world.settle_slack()
    await draft_for(round_, context=context)
    await delete_note(card.channel, "9.1", context=context)
    await world.uow.read.rounds.history(round_.review.id, limit=50)
    await queue(ANA.id, page=0, context=context)


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_scans_no_table(world: World) -> None:
    with recorded(world.engines) as statements:
        await everything(world)
    assert len(statements) > 40
    async with world.engines.read.connect() as connection:
        for statement, parameters in statements:
            if re.search(r"SELECT executions.activity_count\s+FROM executions\s+LIMIT", statement):
                continue  # the first row is the answer
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for row in plan:
                assert not re.search(rf"SCAN ({GROWING})\b", row.detail), statement


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_postgresql_uses_an_index_once_there_are_many_rows(world: World) -> None:
    await many_rounds(world)
    with recorded(world.engines) as statements:
        await world.uow.read.pending(crews=None, limit=20)
        crews = ["research", "other"]
        await world.uow.read.unsettled(crews=crews, limit=20)
        await world.uow.read.executions.starting_with("many-12", crews=crews, limit=20)
        await world.uow.read.executions.crews_with("many-12")
        await world.uow.read.executions.running(crews=crews, limit=20)
        await world.uow.read.executions.posting("research", "many-12")
        await world.uow.read.rounds.of_execution("research", "many-12", limit=20)
        await world.uow.read.rounds.in_state(State.WAITING, ["research"], offset=0, limit=20)
        await world.uow.read.rounds.decided_since(NOW, ["research"], offset=0, limit=20)
        await world.outbox.lease(SLACK, now=NOW + SECOND, lease=LEASE, limit=8)
    assert len(statements) >= 10
    async with world.engines.read.connect() as connection:
        for statement, parameters in statements:
            plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            text = "\n".join(row[0] for row in plan)
            assert not re.search(rf"Seq Scan on ({GROWING})\b", text), text


async def many_rounds(world: World) -> None:
    """20,000 executions; in 20 of them a round waits and an effect is due."""
    steps = """
        INSERT INTO executions (crew, execution_id, tracked, state, began_at, activity_count,
                                completed_tasks, step, inputs, error)
        SELECT 'research', 'many-' || n, n % 2 = 0,
               CASE WHEN n % 1000 = 0 THEN 'RUNNING' ELSE 'COMPLETED' END,
               n, 0, 0, '', '[]', '' FROM generate_series(1, 20000) n;

        INSERT INTO reviews (id, crew, execution_id, task_id)
        SELECT 'v' || n, 'research', 'many-' || n, 'draft' FROM generate_series(1, 20000) n;

        INSERT INTO rounds (id, review_id, number, state, version, opened_at, digest, unchanged,
                            activity_before, reason_code, reason_words)
        SELECT 'r' || n, 'v' || n, 1, CASE WHEN n % 1000 = 0 THEN 'WAITING' ELSE 'RESUMED' END,
               1, n, '', false, 0, '', '' FROM generate_series(1, 20000) n;

        INSERT INTO outputs (round_id, format, text)
        SELECT 'r' || n, 'markdown', 'A draft.' FROM generate_series(1, 20000) n;

        INSERT INTO outbox (destination, ordering_key, kind, subject, crew, execution_id,
                            created_at, due_at, tries)
        SELECT 'slack', 'ordering key ' || n, 'post', 'r' || n, 'research', 'many-' || n, 0,
               CASE WHEN n % 1000 = 0 THEN 0 ELSE 4000000000000000 END, 0
        FROM generate_series(1, 20000) n;

        ANALYZE
    """
    async with world.engines.write.begin() as connection:
        for step in steps.split(";"):
            await connection.execute(sa.text(step))
