"""Absences, with their delegates."""

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person
from crewgate.store.engine import Changing, Reading
from crewgate.store.statements import insert_over
from crewgate.store.tables import absences
from crewgate.store.unreadable import each, reads, require_times


class AbsenceQueries(Reading):
    """Reads absences."""

    async def find(
        self, *, at: datetime | None = None, delegate: str | None = None, away: str | None = None
    ) -> tuple[Absence, ...]:
        """Return the absences that hold `at` a moment, or all; each person has at most one."""
        given = {"at": at, "delegate": delegate, "away": away}
        asked = {name: value for name, value in given.items() if value is not None}
        found = await self._rows(_absences(frozenset(asked)), asked)
        return tuple(each(_to_absence, found))


class Absences(Changing, AbsenceQueries):
    """Changes absences on a transaction's connection."""

    async def put(self, absence: Absence, *, at: datetime) -> None:
        """Store an absence in place of the person's present one; delete all absences that ended."""
        await self._connection.execute(sa.delete(absences).where(absences.c.until <= at))
        row = {
            "user_id": absence.away.id,
            "user_name": absence.away.name,
            "delegate_id": absence.delegate.id,
            "delegate_name": absence.delegate.name,
            "since": absence.since,
            "until": absence.until,
        }
        await insert_over(self._connection, absences, row)

    async def remove(self, user: str, *, at: datetime) -> bool:
        """Delete a person's absence; return False if there was no present or later absence."""
        theirs = sa.delete(absences).where(absences.c.user_id == user, absences.c.until > at)
        return bool((await self._connection.execute(theirs)).rowcount)


@reads("absences")
def _to_absence(row: sa.Row[Any]) -> Absence:
    require_times(row.since, row.until)
    return Absence(
        away=Person(row.user_id, row.user_name),
        delegate=Person(row.delegate_id, row.delegate_name),
        since=row.since,
        until=row.until,
    )


@cache
def _absences(given: frozenset[str]) -> sa.Select[Any]:
    """Return the statement for these parameters, built once: each decision reads absences."""
    conditions = {
        "at": (absences.c.until > sa.bindparam("at"), absences.c.since <= sa.bindparam("at")),
        "delegate": (absences.c.delegate_id == sa.bindparam("delegate"),),
        "away": (absences.c.user_id == sa.bindparam("away"),),
    }
    statement = sa.select(absences).order_by(absences.c.since, absences.c.user_id)
    return statement.where(*(one for name in sorted(given) for one in conditions[name]))
