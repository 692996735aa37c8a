"""Executions on their way: changing and reading them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.execution import Execution, ExecutionState, TaskUpdate
from bot.domain.notification import Format, Output, WebhookUrls
from bot.domain.verdict import Person
from bot.store.failures import translate_errors
from bot.store.mappers import from_webhooks, to_webhooks
from bot.store.statements import insert_of, upsert_activity
from bot.store.tables import (
    REGISTERED,
    executions,
    forwarded_webhooks,
    runs,
    task_updates,
    webhooks,
)
from bot.usecases.read_models import ForwardedWebhook, MessageRef, TrackedExecution

_RUN: Final = sa.select(runs).where(
    runs.c.crew == sa.bindparam("crew"), runs.c.execution_id == sa.bindparam("execution")
)
_LOCKED: Final = _RUN.with_for_update()
_VIEW: Final = sa.select(runs, executions.c.channel, executions.c.thread_ts).join_from(
    runs,
    executions,
    (executions.c.crew == runs.c.crew) & (executions.c.execution_id == runs.c.execution_id),
)


class SqlExecutions:
    """`usecases.ports_runs.Executions` on a transaction's connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name

    async def open(self, crew: str, execution_id: str, *, at: datetime) -> Execution:
        """See `Executions`. Locks the execution first, as everybody does."""
        no_sign = {
            "crew": crew,
            "execution_id": execution_id,
            "created_at": at,
            "activity_count": 0,
        }
        await self._connection.execute(upsert_activity(self._dialect), no_sign)
        name = {"crew": crew, "execution": execution_id}
        row = (await self._connection.execute(_LOCKED, name)).one_or_none()
        if row is not None:
            return _to_run(row)
        run = Execution(crew=crew, execution_id=execution_id, began_at=at)
        await self._connection.execute(sa.insert(runs), _from_run(run))
        return run

    async def save(self, run: Execution) -> None:
        """See `Executions`."""
        await self._connection.execute(
            sa.update(runs).where(*_is(runs, run)).values(_from_run(run))
        )

    async def register(self, crew: str, execution_id: str, urls: WebhookUrls) -> None:
        """See `Executions`."""
        row = {
            "crew": crew,
            "execution_id": execution_id,
            "origin": REGISTERED,
            **from_webhooks(urls),
        }
        statement = insert_of(self._dialect)(webhooks).values(row)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[webhooks.c.crew, webhooks.c.execution_id, webhooks.c.origin],
                set_={
                    name: sa.func.coalesce(statement.excluded[name], webhooks.c[name])
                    for name in ("task_url", "step_url", "crew_url")
                },
            )
        )

    async def add_task_update(
        self, update_id: str, run: Execution, update: TaskUpdate, *, at: datetime
    ) -> None:
        """See `Executions`."""
        about = {
            "id": update_id,
            "crew": run.crew,
            "execution_id": run.execution_id,
            "received_at": at,
        }
        await self._connection.execute(sa.insert(task_updates), about | asdict(update))

    async def task_updates_of(self, run: Execution) -> tuple[str, ...]:
        """See `Executions`."""
        found = await self._connection.scalars(
            sa.select(task_updates.c.id)
            .where(*_is(task_updates, run))
            .order_by(task_updates.c.received_at)
        )
        return tuple(found)

    async def place_line(self, run: Execution, ref: MessageRef | None) -> None:
        """See `Executions`."""
        where = {"line_channel": ref and ref.channel, "line_ts": ref and ref.ts}
        await self._connection.execute(sa.update(runs).where(*_is(runs, run)).values(where))
        if ref is not None:
            await self.join_thread(run, ref)

    async def join_thread(self, run: Execution, ref: MessageRef) -> None:
        """See `Executions`."""
        await self._connection.execute(
            sa.update(executions)
            .where(*_is(executions, run), executions.c.thread_ts.is_(None))
            .values(channel=ref.channel, thread_ts=ref.thread_ts)
        )

    async def forget_thread(self, run: Execution) -> None:
        """See `Executions`."""
        await self._connection.execute(
            sa.update(executions).where(*_is(executions, run)).values(channel=None, thread_ts=None)
        )

    async def send(self, webhook: ForwardedWebhook) -> None:
        """See `Executions`."""
        await self._connection.execute(sa.insert(forwarded_webhooks), asdict(webhook))

    async def drop(self, parcel_id: str) -> None:
        """See `Executions`."""
        await self._connection.execute(
            sa.delete(forwarded_webhooks).where(forwarded_webhooks.c.id == parcel_id)
        )


class SqlExecutionQueries:
    """`usecases.ports_runs.ExecutionQueries`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def view(self, crew: str, execution_id: str) -> TrackedExecution | None:
        """See `ExecutionQueries`."""
        found = await self._rows(
            _VIEW.where(runs.c.crew == crew, runs.c.execution_id == execution_id)
        )
        return _to_view(found[0]) if found else None

    async def news(self, update_id: str) -> TaskUpdate | None:
        """See `ExecutionQueries`."""
        found = await self._rows(sa.select(task_updates).where(task_updates.c.id == update_id))
        return (
            TaskUpdate(title=found[0].title, summary=found[0].summary, agent=found[0].agent)
            if found
            else None
        )

    async def running(self, *, limit: int) -> tuple[TrackedExecution, ...]:
        """See `ExecutionQueries`."""
        found = await self._rows(
            _VIEW.where(runs.c.state == ExecutionState.RUNNING.value, runs.c.known)
            .order_by(runs.c.began_at)
            .limit(limit)
        )
        return tuple(map(_to_view, found))

    async def targets(self, crew: str, execution_id: str) -> WebhookUrls:
        """See `ExecutionQueries`."""
        found = await self._rows(
            sa.select(webhooks)
            .where(webhooks.c.crew == crew, webhooks.c.execution_id == execution_id)
            .order_by(webhooks.c.origin != REGISTERED)
        )
        urls = WebhookUrls()
        for row in found:
            urls = urls.or_else(to_webhooks(row))
        return urls

    async def webhook(self, parcel_id: str) -> ForwardedWebhook | None:
        """See `ExecutionQueries`."""
        found = await self._rows(
            sa.select(forwarded_webhooks).where(forwarded_webhooks.c.id == parcel_id)
        )
        return ForwardedWebhook(**found[0]._mapping) if found else None

    async def _rows(self, statement: sa.Select[Any]) -> list[sa.Row[Any]]:
        with translate_errors():
            async with self._engine.connect() as connection:
                return list(await connection.execute(statement))


def _is(table: sa.Table, run: Execution) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.crew == run.crew, table.c.execution_id == run.execution_id


def _from_run(run: Execution) -> dict[str, Any]:
    result = run.result
    return {
        "crew": run.crew,
        "execution_id": run.execution_id,
        "known": run.known,
        "state": run.state.value,
        "began_at": run.began_at,
        "ended_at": run.ended_at,
        "starter": run.starter and run.starter.id,
        "starter_name": run.starter and run.starter.name,
        "inputs": [list(pair) for pair in run.inputs],
        "finished": run.finished,
        "total": run.total,
        "current": run.current,
        "step": run.step,
        "tokens": run.tokens,
        "result": result and result.text,
        "format": result and result.format.value,
        "error": run.error,
    }


def _to_run(row: sa.Row[Any]) -> Execution:
    return Execution(
        crew=row.crew,
        execution_id=row.execution_id,
        known=row.known,
        began_at=row.began_at,
        ended_at=row.ended_at,
        state=ExecutionState(row.state),
        starter=Person(row.starter, row.starter_name) if row.starter else None,
        inputs=tuple((name, text) for name, text in row.inputs),
        finished=row.finished,
        total=row.total,
        current=row.current,
        step=row.step,
        tokens=row.tokens,
        result=None if row.result is None else Output(row.result, Format(row.format)),
        error=row.error,
    )


def _to_view(row: sa.Row[Any]) -> TrackedExecution:
    line = None
    if row.line_ts is not None:
        line = MessageRef(row.line_channel, row.line_ts, row.thread_ts or row.line_ts)
    return TrackedExecution(_to_run(row), line, row.channel, row.thread_ts)
