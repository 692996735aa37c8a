"""Many rounds in the database at once: copies of rounds that the bot itself has made."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from crewgate.store.tables import executions, outbox, outputs, reviews, rounds
from tests.bench.requests import mark

_HOUR = 3_600_000_000
_MILLISECOND = 1_000


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection beside the bot's own; what is done on it is committed."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def waiting_rounds(url: str) -> list[tuple[str, str]]:
    """The rounds that can be decided, with their executions, the oldest first."""
    asked = (
        sa.select(rounds.c.id, reviews.c.execution_id)
        .join_from(rounds, reviews)
        .where(rounds.c.state == "WAITING")
        .order_by(rounds.c.opened_at)
    )
    async with connected(url) as connection:
        return [(row.id, row.execution_id) for row in await connection.execute(asked)]


async def round_of(url: str, execution_id: str) -> tuple[str, str]:
    """The id and the state of an execution's round."""
    asked = (
        sa.select(rounds.c.id, rounds.c.state)
        .join_from(rounds, reviews)
        .where(reviews.c.execution_id == execution_id)
    )
    async with connected(url) as connection:
        found = (await connection.execute(asked)).one()
    return found.id, found.state


async def copy_rounds(url: str, template: str, numbers: range) -> None:
    """Copy an execution with its review, round and output, under an id for each number.

    The copies are a millisecond older each. They wait to be asked for their status, an hour later.
    """
    counted = sa.select(sa.literal(numbers.start, sa.BigInteger).label("n")).cte(
        "numbers", recursive=True
    )
    counted = counted.union_all(sa.select(counted.c.n + 1).where(counted.c.n < numbers.stop - 1))
    number = sa.cast(counted.c.n, sa.Text)
    execution = _text(mark("c")[:-1]) + number + _text("-")
    round_id = _text("round-") + number
    review_id = _text("review-") + number
    review = sa.select(reviews.c.id).where(reviews.c.execution_id == template).scalar_subquery()
    round_ = sa.select(rounds.c.id).where(rounds.c.review_id == review).scalar_subquery()
    async with connected(url) as connection:

        async def copy(table: sa.Table, new: Mapping[str, Any], of: sa.ColumnElement[bool]) -> None:
            columns = [column for column in table.c if table is not outbox or column.name != "id"]
            chosen = [new.get(column.name, column) for column in columns]
            await connection.execute(
                sa.insert(table).from_select(
                    [column.name for column in columns],
                    sa.select(*chosen).select_from(table).join(counted, sa.true()).where(of),
                )
            )

        older = counted.c.n * _MILLISECOND
        await copy(executions, {"execution_id": execution}, executions.c.execution_id == template)
        await copy(
            reviews,
            {"id": review_id, "execution_id": execution},
            reviews.c.execution_id == template,
        )
        await copy(
            rounds,
            {
                "id": round_id,
                "review_id": review_id,
                "opened_at": _moved(rounds.c.opened_at, -older),
                "decided_at": _moved(rounds.c.decided_at, -older),
            },
            rounds.c.review_id == review,
        )
        await copy(outputs, {"round_id": round_id}, outputs.c.round_id == round_)
        await copy(
            outbox,
            {
                "execution_id": execution,
                "subject": execution,
                "ordering_key": _text("poll_status crew ") + execution,
                "due_at": _moved(outbox.c.due_at, _HOUR + older),
            },
            (outbox.c.kind == "poll_status") & (outbox.c.execution_id == template),
        )
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.text("ANALYZE"))


def _text(text: str) -> sa.ColumnElement[str]:
    return sa.literal(text, sa.Text)


def _moved(instant: sa.Column[Any], by: Any) -> sa.ColumnElement[Any]:
    moved: sa.ColumnElement[Any] = sa.type_coerce(instant, sa.BigInteger) + by
    return moved
