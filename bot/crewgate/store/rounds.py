"""Reading rounds with the beginning of their output: a history, an execution's, lists of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.notification import Format
from crewgate.domain.review import Round, State
from crewgate.store.engine import Connection, Reader, rows
from crewgate.store.failures import translate_errors
from crewgate.store.mappers import LINE, ROUND, to_line, to_round
from crewgate.store.notes import claims_on, notes_of
from crewgate.store.rules import to_rule
from crewgate.store.selections import count_up_to, first_ids
from crewgate.store.tables import outputs, reviews, rounds, rules
from crewgate.usecases.ports.queries import RoundQueries
from crewgate.usecases.read_models import MessageRef, NewerRound, RoundLine, Selection

#: How much of an output a list shows.
EXCERPT: Final = 400
#: How much a history shows, of which each round is read by itself.
HISTORY_EXCERPT: Final = 3_100


def _lines_with(excerpt: int) -> sa.Select[Any]:
    return LINE.add_columns(
        sa.func.substr(outputs.c.text, 1, excerpt).label("excerpt"),
        sa.func.length(outputs.c.text).label("characters"),
        outputs.c.format,
    ).join(outputs, outputs.c.round_id == rounds.c.id)


_SHOWN_LINE: Final = _lines_with(EXCERPT)
_HISTORY_LINE: Final = _lines_with(HISTORY_EXCERPT)
_LINES: Final = _SHOWN_LINE.where(rounds.c.id.in_(sa.bindparam("rounds", expanding=True)))


_NEWEST_CARD: Final = (
    sa.select(rounds.c.number, rounds.c.card_channel, rounds.c.card_ts, rounds.c.card_thread_ts)
    .where(rounds.c.review_id == sa.bindparam("review"))
    .where(rounds.c.number > sa.bindparam("number"), rounds.c.card_ts.is_not(None))
    .order_by(rounds.c.number.desc())
    .limit(1)
)


async def newer_round(connection: Connection, row: sa.Row[Any]) -> NewerRound | None:
    """The latest round of the same review as a row of LINE, if it is another one with a card."""
    later = {"review": row.review_id, "number": row.number}
    cards = await rows(connection, _NEWEST_CARD, later)
    if not cards:
        return None
    [found] = cards
    in_thread = row.thread_ts if found.card_channel == row.channel else None
    thread_ts = found.card_thread_ts or in_thread or found.card_ts
    return NewerRound(found.number, MessageRef(found.card_channel, found.card_ts, thread_ts))


#: Threads of an execution's rounds that are in other channels than its own, the latest first.
_ELSEWHERE: Final = (
    sa.select(rounds.c.card_channel, rounds.c.card_thread_ts, rules.c.rule)
    .join_from(rounds, reviews)
    .join(rules, rules.c.id == rounds.c.rule_id)
    .where(reviews.c.crew == sa.bindparam("crew"))
    .where(reviews.c.execution_id == sa.bindparam("execution"))
    .where(rounds.c.card_thread_ts.is_not(None))
    .order_by(rounds.c.opened_at.desc())
    .limit(100)
)


async def thread_elsewhere(
    connection: Connection, round_: Round
) -> tuple[str, str] | tuple[None, None]:
    """The channel and ts of the thread that a round's execution has in the round's own channel."""
    about = {"crew": round_.review.crew, "execution": round_.review.execution_id}
    for row in await rows(connection, _ELSEWHERE, about):
        if to_rule(row.rule).channel == round_.other_channel:
            return row.card_channel, row.card_thread_ts
    return None, None


class SqlRoundQueries(RoundQueries):
    """Reads rounds on connections of an engine."""

    def __init__(self, engine: Reader) -> None:
        self._engine = engine

    async def history(self, review_id: str, *, limit: int) -> tuple[RoundLine, ...]:
        found = await self._rows(
            _HISTORY_LINE.where(rounds.c.review_id == review_id)
            .order_by(rounds.c.number.desc())
            .limit(limit)
        )
        return tuple(map(_to_shown_line, found))

    async def of_execution(
        self, crew: str, execution_id: str, *, limit: int
    ) -> tuple[RoundLine, ...]:
        found = await self._rows(
            _SHOWN_LINE.where(reviews.c.crew == crew, reviews.c.execution_id == execution_id)
            .order_by(rounds.c.opened_at.desc())
            .limit(limit)
        )
        return tuple(map(_to_shown_line, found))[::-1]

    async def first_of_review(self, review_id: str) -> str:
        found = await self._rows(
            sa.select(rounds.c.id).where(rounds.c.review_id == review_id, rounds.c.number == 1)
        )
        return str(found[0].id)

    async def count(self, selection: Selection) -> int:
        async with self._reading() as connection:
            return await count_up_to(connection, selection)

    async def last_approved(self, crew: str, execution_id: str) -> Round | None:
        found = await self._rows(
            ROUND.where(reviews.c.crew == crew, reviews.c.execution_id == execution_id)
            .where(rounds.c.is_approve)
            .order_by(rounds.c.decided_at.desc())
            .limit(1)
        )
        return to_round(found[0]) if found else None

    async def first(self, selection: Selection, *, limit: int, offset: int = 0) -> tuple[str, ...]:
        async with self._reading() as connection:
            return await first_ids(connection, selection, offset=offset, limit=limit)

    async def lines(self, round_ids: Sequence[str]) -> tuple[RoundLine, ...]:
        if not round_ids:
            return ()
        async with self._reading() as connection:
            found = await connection.execute(_LINES, {"rounds": list(round_ids)})
            lines = {row.id: _to_shown_line(row) for row in found}
            waiting = [key for key, one in lines.items() if one.round.state is State.WAITING]
            if waiting:
                notes = await notes_of(connection, waiting)
                claims = await claims_on(connection, waiting)
                for key in waiting:
                    count, authors = notes.get(key, (0, ()))
                    lines[key] = replace(
                        lines[key], notes=count, noted_by=authors, claim=claims.get(key)
                    )
        return tuple(lines[key] for key in round_ids if key in lines)

    async def _rows(self, statement: sa.Select[Any]) -> list[sa.Row[Any]]:
        async with self._reading() as connection:
            return list(await connection.execute(statement))

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Connection]:
        with translate_errors():
            async with self._engine.connect() as connection:
                yield connection


def _to_shown_line(row: sa.Row[Any]) -> RoundLine:
    line = to_line(row)
    format_ = Format(row.format)
    return replace(line, excerpt=row.excerpt, characters=row.characters, format=format_)
