"""Who is away, and who decides for them meanwhile."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person
from crewgate.store.engine import Connection
from crewgate.store.statements import insert_of
from crewgate.store.tables import absences
from crewgate.usecases.ports.store import TxAbsences


class SqlAbsences(TxAbsences):
    """Absences on a transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of_delegate(self, user: str, *, at: datetime) -> tuple[Absence, ...]:
        return await find_absences(self._connection, at=at, delegate=user)

    async def put(self, absence: Absence, *, at: datetime) -> None:
        await self._connection.execute(sa.delete(absences).where(absences.c.until <= at))
        row = {
            "user_name": absence.away.name,
            "delegate_id": absence.delegate.id,
            "delegate_name": absence.delegate.name,
            "since": absence.since,
            "until": absence.until,
        }
        insert = insert_of(self._connection.dialect.name)
        await self._connection.execute(
            insert(absences)
            .values(user_id=absence.away.id, **row)
            .on_conflict_do_update(index_elements=[absences.c.user_id], set_=row)
        )

    async def remove(self, user: str, *, at: datetime) -> bool:
        removed = await self._connection.execute(
            sa.delete(absences).where(absences.c.user_id == user, absences.c.until > at)
        )
        return bool(removed.rowcount)


async def find_absences(
    connection: Connection,
    *,
    at: datetime | None = None,
    delegate: str | None = None,
    away: str | None = None,
) -> tuple[Absence, ...]:
    """Read who is away at this moment, or at any time where none is given.

    There is one for each person at most.
    """
    statement = sa.select(absences).order_by(absences.c.since, absences.c.user_id)
    if at is not None:
        statement = statement.where(absences.c.until > at, absences.c.since <= at)
    if delegate is not None:
        statement = statement.where(absences.c.delegate_id == delegate)
    if away is not None:
        statement = statement.where(absences.c.user_id == away)
    return tuple(
        Absence(
            away=Person(row.user_id, row.user_name),
            delegate=Person(row.delegate_id, row.delegate_name),
            since=row.since,
            until=row.until,
        )
        for row in await connection.execute(statement)
    )
