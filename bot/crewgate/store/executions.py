"""Executions: changing them in a transaction, and reading them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.execution import Execution, ExecutionState, TaskUpdate
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.people import Email, User
from crewgate.domain.question import Callback
from crewgate.domain.rules.starter import starter_named
from crewgate.store.engine import Connection, Reader, rows, write
from crewgate.store.failures import translate_errors
from crewgate.store.mappers import from_execution, from_webhooks, to_execution, to_webhooks
from crewgate.store.selections import RANGES, first_of_each
from crewgate.store.statements import (
    FIND_EXECUTION,
    HAS_WEBHOOKS,
    PLACE_PROGRESS,
    PLACE_THREAD,
    START_THREAD,
    UNDO_ACTIVITY,
    add_kickoff_form,
    add_task_update_once,
    changing,
    open_execution,
    register_webhooks,
    update_execution,
)
from crewgate.store.tables import (
    REGISTERED,
    executions,
    flow_requests,
    forwarded_webhooks,
    old_event_keys,
    task_updates,
    unclear_kickoffs,
    webhooks,
)
from crewgate.usecases.ports.queries import ExecutionQueries
from crewgate.usecases.ports.store import TxExecutions
from crewgate.usecases.read_models import ExecutionPosting, ForwardedWebhook, MessageRef

WEBHOOKS_OF: Final = sa.select(webhooks).where(
    webhooks.c.crew == sa.bindparam("b_crew"),
    webhooks.c.execution_id == sa.bindparam("b_execution"),
)
CALLBACKS_OF: Final = sa.select(flow_requests.c.callback_url, flow_requests.c.token).where(
    flow_requests.c.crew == sa.bindparam("b_crew"),
    flow_requests.c.execution_id == sa.bindparam("b_execution"),
    flow_requests.c.callback_url.is_not(None),
)
#: How many finished tasks a message about an execution shows.
FINISHED: Final = 8
_POSTINGS: Final = sa.select(executions).where(
    sa.tuple_(executions.c.crew, executions.c.execution_id).in_(
        sa.bindparam("keys", expanding=True)
    )
)
_LAST_CHARACTER: Final = "\U0010ffff"


class SqlExecutions(TxExecutions):
    """Executions on a transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._with_webhooks: set[tuple[str, str]] = set()
        """Of the executions that were opened."""

    async def open(self, crew: str, execution_id: str, *, at: datetime) -> Execution:
        return await self._open(crew, execution_id, at=at, activity=0)

    async def find(self, crew: str, execution_id: str) -> Execution | None:
        found = await rows(self._connection, FIND_EXECUTION, _key(crew, execution_id))
        return to_execution(found[0]) if found else None

    async def record_activity(self, crew: str, execution_id: str, *, at: datetime) -> Execution:
        return await self._open(crew, execution_id, at=at, activity=1)

    async def undo_activity(self, execution: Execution) -> None:
        key = _key(execution.crew, execution.execution_id)
        await write(self._connection, UNDO_ACTIVITY, key)

    async def save(self, execution: Execution) -> None:
        key = _key(execution.crew, execution.execution_id)
        values = changing(executions, from_execution(execution))
        await write(self._connection, update_execution(*values), key | values)

    async def record_kickoff(
        self, kickoff: str, crew: str, starter: User | Email, *, at: datetime
    ) -> None:
        row = {"id": kickoff, "crew": crew, "starter": str(starter), "sent_at": at}
        await self._connection.execute(sa.insert(unclear_kickoffs), row)

    async def forget_kickoff(self, kickoff: str) -> None:
        gone = sa.delete(unclear_kickoffs).where(unclear_kickoffs.c.id == kickoff)
        await self._connection.execute(gone)

    async def unclear_starters(
        self, crew: str, *, since: datetime, until: datetime
    ) -> tuple[User | Email, ...]:
        found = await self._connection.execute(
            sa.select(unclear_kickoffs.c.starter)
            .distinct()
            .where(unclear_kickoffs.c.crew == crew)
            .where(unclear_kickoffs.c.sent_at.between(since, until))
            .order_by(unclear_kickoffs.c.starter)
        )
        return tuple(
            starter for row in found if (starter := starter_named(row.starter)) is not None
        )

    async def register(self, crew: str, execution_id: str, urls: WebhookUrls) -> None:
        key = {"crew": crew, "execution_id": execution_id, "origin": REGISTERED}
        await self._connection.execute(register_webhooks(self._dialect), key | from_webhooks(urls))

    async def secrets_of(self, execution: Execution) -> tuple[str, ...]:
        key = _key(execution.crew, execution.execution_id)
        has_webhooks = (execution.crew, execution.execution_id) in self._with_webhooks
        if self._dialect == "postgresql":
            # Of other tables opening it read what they were before it waited for the lock.
            has_webhooks = (await rows(self._connection, HAS_WEBHOOKS, key))[0].has_webhooks
        if not has_webhooks:
            return ()
        found = _secrets(await self._connection.execute(WEBHOOKS_OF, key))
        callbacks = await self._connection.execute(CALLBACKS_OF, key)
        return found + _callback_secrets(callbacks)

    async def record_kickoff_form(self, form: str, crew: str, *, at: datetime) -> bool:
        row = {"form": form, "crew": crew, "sent_at": at}
        added = await self._connection.execute(add_kickoff_form(self._dialect), row)
        return added.first() is not None

    async def add_task_update(
        self, update_id: str, execution: Execution, update: TaskUpdate, *, at: datetime
    ) -> None:
        about = {
            "id": update_id,
            "crew": execution.crew,
            "execution_id": execution.execution_id,
            "received_at": at,
        }
        await self._connection.execute(sa.insert(task_updates), about | asdict(update))

    async def add_task_update_once(
        self, event_id: str, execution: Execution, update: TaskUpdate, *, at: datetime
    ) -> bool:
        # Other crews may have events of the same id.
        row = {
            "id": f"{execution.crew} {execution.execution_id} {event_id}",
            "crew": execution.crew,
            "execution_id": execution.execution_id,
            "received_at": at,
        }
        statement = add_task_update_once(self._dialect)
        added = await self._connection.execute(statement, row | asdict(update))
        return added.first() is not None

    async def place_progress_message(self, crew: str, execution_id: str, ref: MessageRef) -> None:
        where = {"progress_channel": ref.channel, "progress_ts": ref.ts}
        await write(self._connection, PLACE_PROGRESS, _key(crew, execution_id) | where)
        await self.join_thread(crew, execution_id, ref)

    async def join_thread(self, crew: str, execution_id: str, ref: MessageRef) -> None:
        where = {"channel": ref.channel, "thread_ts": ref.thread_ts}
        await write(self._connection, START_THREAD, _key(crew, execution_id) | where)

    async def forget_thread(self, crew: str, execution_id: str) -> None:
        nowhere = {"channel": None, "thread_ts": None}
        await write(self._connection, PLACE_THREAD, _key(crew, execution_id) | nowhere)

    async def add_forwarded_webhook(self, webhook: ForwardedWebhook) -> None:
        await self._connection.execute(sa.insert(forwarded_webhooks), asdict(webhook))

    async def remove_forwarded_webhook(self, webhook_id: str) -> None:
        await self._connection.execute(
            sa.delete(forwarded_webhooks).where(forwarded_webhooks.c.id == webhook_id)
        )

    async def _open(
        self, crew: str, execution_id: str, *, at: datetime, activity: int
    ) -> Execution:
        new = Execution(crew=crew, execution_id=execution_id, began_at=at)
        row = from_execution(new) | {"activity_count": activity}
        [opened] = await rows(self._connection, open_execution(self._dialect), row)
        if opened.has_webhooks:
            self._with_webhooks.add((crew, execution_id))
        return to_execution(opened)


class SqlExecutionQueries(ExecutionQueries):
    """Reads executions on connections of an engine."""

    def __init__(self, engine: Reader) -> None:
        self._engine = engine

    async def find(self, crew: str, execution_id: str) -> Execution | None:
        row = await self._find(crew, execution_id)
        return to_execution(row) if row else None

    async def starting_with(
        self, prefix: str, *, crews: Collection[str], limit: int
    ) -> tuple[tuple[str, str], ...]:
        found = await self._rows(
            sa.select(executions.c.crew, executions.c.execution_id)
            .where(
                executions.c.execution_id >= prefix,
                executions.c.execution_id < prefix + _LAST_CHARACTER,
                executions.c.crew.in_(crews),
            )
            .order_by(executions.c.execution_id)
            .limit(limit)
        )
        return tuple((row.crew, row.execution_id) for row in found)

    async def crews_with(self, execution_id: str) -> tuple[str, ...]:
        found = await self._rows(
            sa.select(executions.c.crew).where(executions.c.execution_id == execution_id)
        )
        return tuple(row.crew for row in found)

    async def takes_old_event_keys(self, crew: str, execution_id: str) -> bool:
        found = sa.select(sa.literal(1)).where(*_is(old_event_keys, crew, execution_id))
        return await self._row(found) is not None

    async def running(self, *, crews: Collection[str], limit: int) -> tuple[ExecutionPosting, ...]:
        found: list[sa.Row[Any]] = []
        names = sorted(crews)
        for begin in range(0, len(names), RANGES):
            some = names[begin : begin + RANGES]
            of = {f"crew_{number}": name for number, name in enumerate(some)}
            found += await self._rows(_running(len(some)).params(of | {"most": limit}))
        found.sort(key=lambda row: row.began_at)
        return tuple(map(_to_posting, found[:limit]))

    async def postings(
        self, executions: Collection[tuple[str, str]]
    ) -> tuple[ExecutionPosting, ...]:
        if not executions:
            return ()
        found = await self._rows(_POSTINGS.params(keys=[list(key) for key in executions]))
        return tuple(map(_to_posting, found))

    async def posting(self, crew: str, execution_id: str) -> ExecutionPosting | None:
        row = await self._find(crew, execution_id)
        if row is None:
            return None
        about = _is(task_updates, crew, execution_id)
        total = sa.select(sa.func.count()).select_from(task_updates).where(*about)
        finished = await self._rows(
            sa.select(task_updates, total.scalar_subquery().label("total"))
            .where(*about)
            .order_by(task_updates.c.received_at.desc(), task_updates.c.id.desc())
            .limit(FINISHED)
        )
        return _to_posting(row, finished[::-1])

    async def given_webhooks(self, crew: str, execution_id: str) -> WebhookUrls:
        found = await self._rows(
            sa.select(webhooks)
            .where(*_is(webhooks, crew, execution_id))
            .order_by(webhooks.c.origin != REGISTERED)
        )
        urls = WebhookUrls()
        for row in found:
            urls = urls.or_else(to_webhooks(row))
        return urls

    async def has_registered(self, crew: str, execution_id: str) -> bool:
        registered = (*_is(webhooks, crew, execution_id), webhooks.c.origin == REGISTERED)
        return bool(await self._rows(sa.select(webhooks.c.origin).where(*registered).limit(1)))

    async def secrets_of(self, crew: str, execution_id: str) -> tuple[str, ...]:
        of = _key(crew, execution_id)
        callbacks = await self._rows(CALLBACKS_OF.params(of))
        return _secrets(await self._rows(WEBHOOKS_OF.params(of))) + _callback_secrets(callbacks)

    async def forwarded_webhook(self, webhook_id: str) -> ForwardedWebhook | None:
        row = await self._row(
            sa.select(forwarded_webhooks).where(forwarded_webhooks.c.id == webhook_id)
        )
        return ForwardedWebhook(**row._mapping) if row else None

    async def _find(self, crew: str, execution_id: str) -> Any | None:
        with translate_errors():
            async with self._engine.connect() as connection:
                found = await rows(connection, FIND_EXECUTION, _key(crew, execution_id))
                return found[0] if found else None

    async def _row(self, statement: sa.Select[Any]) -> sa.Row[Any] | None:
        found = await self._rows(statement)
        return found[0] if found else None

    async def _rows(self, statement: sa.Select[Any]) -> list[sa.Row[Any]]:
        with translate_errors():
            async with self._engine.connect() as connection:
                return list(await connection.execute(statement))


@cache
def _running(crews: int) -> sa.Select[Any]:
    """The first of each crew's that run: see `selections`."""
    key = executions.c.crew, executions.c.execution_id
    each = first_of_each(
        sa.select(*key)
        .where(executions.c.crew == sa.bindparam(f"crew_{number}"))
        .where(executions.c.tracked, executions.c.state == ExecutionState.RUNNING.value)
        .order_by(executions.c.began_at)
        for number in range(crews)
    )
    is_one = sa.and_(*(each.c[column.name] == column for column in key))
    return sa.select(executions).join(each, is_one)


def _callback_secrets(rows: Iterable[Any]) -> tuple[str, ...]:
    return tuple(secret for row in rows for secret in Callback(row.callback_url, row.token).secrets)


def _secrets(rows: Iterable[sa.Row[Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for row in rows for one in to_webhooks(row).secrets))


def _key(crew: str, execution_id: str) -> dict[str, Any]:
    """The parameters that name the execution in a statement."""
    return {"b_crew": crew, "b_execution": execution_id}


def _is(table: sa.Table, crew: str, execution_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.crew == crew, table.c.execution_id == execution_id


def _to_posting(row: sa.Row[Any], finished: Sequence[sa.Row[Any]] = ()) -> ExecutionPosting:
    message = None
    if row.progress_ts is not None:
        thread_ts = row.thread_ts or row.progress_ts
        message = MessageRef(row.progress_channel, row.progress_ts, thread_ts)
    return ExecutionPosting(
        to_execution(row),
        message,
        row.channel,
        row.thread_ts,
        tuple(
            TaskUpdate(title=task.title, summary=task.summary, agent=task.agent)
            for task in finished
        ),
        finished[0].total - len(finished) if finished else 0,
    )
