"""Floods: rounds of one task that come too fast, which the card of one of them gathers."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.review import Round, State
from crewgate.store.engine import Connection, Reading, rows, write
from crewgate.store.rounds import OF_EXECUTION, from_rule
from crewgate.store.tables import reviews, rounds

_opened_at, _gathered_by = rounds.c.opened_at, rounds.c.gathered_by
#: Rounds of one crew and task that were opened in a span; parameters: `_of_task`.
_OF_TASK: Final = (
    rounds.c.crew == sa.bindparam("crew"),
    rounds.c.task_key == sa.bindparam("task"),
    _opened_at >= sa.bindparam("since", type_=_opened_at.type),
    _opened_at <= sa.bindparam("until", type_=_opened_at.type),
)
_PAUSED: Final = sa.select(rounds.c.id).where(*_OF_TASK).limit(sa.bindparam("limit"))
_GATHERED: Final = sa.select(rounds.c.id).where(
    _gathered_by == sa.bindparam("by"),
    rounds.c.state == State.WAITING.value,
    rounds.c.id != sa.bindparam("by"),
    rounds.c.card_ts.is_(None),
)
_UNANNOUNCED: Final = _GATHERED.where(rounds.c.announced_at.is_(None))
_SHOWN: Final = sa.select(rounds.c.card_ts).where(rounds.c.id == sa.bindparam("round"))
_ANNOUNCE: Final = (
    sa.update(rounds)
    .where(rounds.c.id == sa.bindparam("b_round"), rounds.c.announced_at.is_(None))
    .values(announced_at=sa.bindparam("at", type_=rounds.c.announced_at.type))
)
_GATHERED_OF: Final = (
    sa.select(rounds.c.id)
    .join_from(rounds, reviews)
    .where(*OF_EXECUTION, rounds.c.state == State.WAITING.value)
    .where(_gathered_by.is_not(None), rounds.c.card_ts.is_(None))
    .limit(1)
)
_MANY_GATHERED: Final = _GATHERED.with_only_columns(sa.func.count())
_GATHERING: Final = (
    sa.select(_gathered_by)
    .where(*_OF_TASK, _gathered_by.is_not(None))
    .order_by(_opened_at.desc())
    .limit(1)
)
_GATHER: Final = (
    sa.update(rounds)
    .where(rounds.c.id == sa.bindparam("b_id"))
    .values(gathered_by=sa.bindparam("by"))
)
_TAKE_OVER: Final = (
    sa.update(rounds)
    .where(_gathered_by == sa.bindparam("b_before"), rounds.c.id != sa.bindparam("b_before"))
    .values(gathered_by=sa.bindparam("by"))
)


def task_key(round_: Round) -> str | None:
    """Return a digest of the task or tool of a review's first round, and of those it asks."""
    review, rule = round_.review, round_.rule
    name = round_.call.tool if round_.call else review.task_name or review.task_id
    asks = name if rule is None else f"{name}\n{from_rule(rule)}"
    return sha256(asks.encode()).hexdigest()[:16] if round_.number == 1 else None


def _of_task(round_: Round, *, since: datetime, until: datetime) -> dict[str, Any]:
    return {"crew": round_.review.crew, "task": task_key(round_), "since": since, "until": until}


async def unannounced(connection: Connection, round_id: str) -> tuple[str, ...]:
    """Return the gathered rounds that no version of a round's card has counted."""
    return tuple(row.id for row in await rows(connection, _UNANNOUNCED, {"by": round_id}))


async def is_announced(connection: Connection, row: sa.Row[Any]) -> bool:
    """Return True if a message that is there shows or counts the round of a row."""
    if row.card_ts is not None or row.gathered_by is None or row.announced_at is None:
        return row.card_ts is not None
    return await connection.scalar(_SHOWN, {"round": row.gathered_by}) is not None


async def count_gathered(connection: Connection, round_id: str) -> int:
    """Count the waiting rounds without a card that a round's card gathers."""
    return await connection.scalar(_MANY_GATHERED, {"by": round_id}) or 0


class FloodQueries(Reading):
    """Counts pauses, and finds gathered rounds."""

    async def count_paused(self, round_: Round, *, within: timedelta, limit: int) -> int:
        """Count the pauses of a round's crew and task until it and `within` that time."""
        of = _of_task(round_, since=round_.opened_at - within, until=round_.opened_at)
        return len(await self._prepared(_PAUSED, of | {"limit": limit}))

    async def first(self, round_id: str) -> str | None:
        """Return the first waiting round without a card that a round's card gathers."""
        found = await self._rows(_GATHERED.order_by(rounds.c.opened_at).limit(1), {"by": round_id})
        return str(found[0].id) if found else None

    async def are_gathered(self, crew: str, execution_id: str) -> bool:
        """Return True if a round of an execution waits without a card of its own."""
        of = {"crew": crew, "execution": execution_id}
        return bool(await self._rows(_GATHERED_OF, of))


class Floods:
    """Gathers rounds in a transaction. Of several at once each waits for those before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def gather(self, round_: Round, *, within: timedelta) -> str:
        """Return the round whose card gathers this round of a flood: itself, if it is the first."""
        of = _of_task(round_, since=round_.opened_at - within, until=round_.opened_at + within)
        await self._take_turn(f"{of['crew']} {of['task']}")
        found = await rows(self._connection, _GATHERING, of)
        by: str = found[0].gathered_by if found else round_.id
        await write(self._connection, _GATHER, {"b_id": round_.id, "by": by})
        return by

    async def announce(self, round_id: str, *, at: datetime) -> bool:
        """Note that a card counts a gathered round; return False if one did before."""
        return await write(self._connection, _ANNOUNCE, {"b_round": round_id, "at": at}) > 0

    async def take_over(self, round_id: str, before: str) -> bool:
        """Let a round's card gather what another's did; return False if a third one did so."""
        await self._take_turn(before)
        parameters = {"b_before": before, "by": round_id}
        return await write(self._connection, _TAKE_OVER, parameters) > 0

    async def _take_turn(self, name: str) -> None:
        if self._connection.dialect.name == "postgresql":
            lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))
            await self._connection.scalar(sa.select(lock))
