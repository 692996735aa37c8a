"""Reading rounds with the beginning of their output: a history, an execution's, the queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.review import State
from bot.store.failures import translate_errors
from bot.store.mappers import LINE, to_line
from bot.store.tables import outputs, reviews, rounds
from bot.usecases.read_models import QueuePart, RoundLine

#: How much of an output a list shows.
EXCERPT: Final = 400

_SHOWN_LINE: Final = LINE.add_columns(
    sa.func.substr(outputs.c.text, 1, EXCERPT).label("excerpt"),
    sa.func.length(outputs.c.text).label("characters"),
).join(outputs, outputs.c.round_id == rounds.c.id)


class SqlRoundQueries:
    """`usecases.ports.store.RoundQueries`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def history(self, review_id: str, *, limit: int) -> tuple[RoundLine, ...]:
        """See `RoundQueries`."""
        found = await self._rows(
            _SHOWN_LINE.where(rounds.c.review_id == review_id)
            .order_by(rounds.c.number.desc())
            .limit(limit)
        )
        return tuple(map(_to_shown_line, found))

    async def of_execution(
        self, crew: str, execution_id: str, *, limit: int
    ) -> tuple[RoundLine, ...]:
        """See `RoundQueries`."""
        found = await self._rows(
            _SHOWN_LINE.where(reviews.c.crew == crew, reviews.c.execution_id == execution_id)
            .order_by(rounds.c.opened_at.desc())
            .limit(limit)
        )
        return tuple(map(_to_shown_line, found))[::-1]

    async def in_state(
        self, state: State, crews: Iterable[str] | None, *, offset: int, limit: int
    ) -> QueuePart:
        """See `RoundQueries`."""
        return await self._part(
            rounds.c.state == state.value, rounds.c.opened_at, crews, offset, limit
        )

    async def decided_since(
        self, since: datetime, crews: Iterable[str], *, offset: int, limit: int
    ) -> QueuePart:
        """See `RoundQueries`."""
        return await self._part(
            rounds.c.decided_at >= since, rounds.c.decided_at, crews, offset, limit
        )

    async def _part(
        self,
        where: sa.ColumnElement[bool],
        order: sa.ColumnElement[Any],
        crews: Iterable[str] | None,
        offset: int,
        limit: int,
    ) -> QueuePart:
        lines = _SHOWN_LINE.where(where)
        count = sa.select(sa.func.count()).select_from(rounds).where(where)
        if crews is not None:
            theirs = reviews.c.crew.in_(list(crews))
            lines, count = lines.where(theirs), count.join(reviews).where(theirs)
        total = (await self._rows(count))[0][0]
        if limit <= 0 or offset >= total:
            return QueuePart((), total)
        found = await self._rows(lines.order_by(order).offset(offset).limit(limit))
        return QueuePart(tuple(map(_to_shown_line, found)), total)

    async def _rows(self, statement: sa.Select[Any]) -> list[sa.Row[Any]]:
        with translate_errors():
            async with self._engine.connect() as connection:
                return list(await connection.execute(statement))


def _to_shown_line(row: sa.Row[Any]) -> RoundLine:
    line = to_line(row)
    return RoundLine(line.round, line.card, row.excerpt, row.characters)
