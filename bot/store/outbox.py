"""The table of effects not yet done."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from bot.domain.effects import MERGED, NEEDS_THE_CARD, POSTS_A_CARD, EffectKind
from bot.domain.rate import Budget
from bot.store.engine import Connection, Engines, write
from bot.store.failures import translate_errors
from bot.store.mappers import to_job
from bot.store.statements import insert_of
from bot.store.tables import MICROSECOND, budgets, outbox
from bot.usecases.ports.outbox import UNKNOWN_CREW, Leased
from bot.usecases.read_models import COUNTED

_earlier = outbox.alias("earlier")
_card = outbox.alias("card")
_MERGED = [kind.value for kind in MERGED]
_WAITS_FOR_CARD = sa.and_(
    outbox.c.kind.in_([kind.value for kind in NEEDS_THE_CARD]),
    sa.exists().where(
        _card.c.subject == outbox.c.subject,
        _card.c.kind.in_([kind.value for kind in POSTS_A_CARD]),
        _card.c.set_aside_at.is_(None),
    ),
)
#: The leased job renders what is there now, so whatever asked for the same before is done with it.
_MERGE = sa.delete(outbox).where(
    outbox.c.ordering_key.in_(sa.bindparam("keys", expanding=True)),
    outbox.c.id.not_in(sa.bindparam("ids", expanding=True)),
    outbox.c.set_aside_at.is_(None),
)
_first_set_aside = (
    sa.select(outbox.c.kind)
    .where(outbox.c.set_aside_at.is_not(None))
    .order_by(outbox.c.set_aside_at)
    .limit(COUNTED + 1)
    .subquery()
)
_SET_ASIDE = (
    sa.select(_first_set_aside.c.kind, sa.func.count())
    .group_by(_first_set_aside.c.kind)
    .order_by(_first_set_aside.c.kind)
)


@cache
def _due(dialect: str) -> sa.Select[Any]:
    """Jobs of a destination that may be leased now."""
    return (
        sa.select(outbox)
        .where(
            outbox.c.destination == sa.bindparam("destination"),
            outbox.c.due_at <= sa.bindparam("now"),
            outbox.c.set_aside_at.is_(None),
            sa.or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= _lease_clock(dialect)),
            ~sa.exists().where(
                _earlier.c.ordering_key == outbox.c.ordering_key,
                _earlier.c.id < outbox.c.id,
                _earlier.c.set_aside_at.is_(None),
            ),
            ~_WAITS_FOR_CARD,
        )
        .order_by(outbox.c.priority, outbox.c.due_at, outbox.c.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


@cache
def _lease(dialect: str) -> Any:
    """Lease jobs by their ids, and say until when each is held."""
    return (
        sa.update(outbox)
        .where(outbox.c.id.in_(sa.bindparam("ids", expanding=True)))
        .values(
            lease_until=_lease_clock(dialect) + sa.bindparam("lease", type_=sa.BigInteger),
            began_at=sa.func.coalesce(
                outbox.c.began_at, sa.bindparam("now", type_=outbox.c.began_at.type)
            ),
            tries=outbox.c.tries + 1,
        )
        .returning(outbox.c.id, outbox.c.lease_until)
    )


def _lease_clock(dialect: str) -> sa.ColumnElement[Any]:
    """The clock that leases go by, in microseconds since 1970.

    Several processes share a PostgreSQL, so leases go by its clock: one whose own is ahead would
    take over what another is still delivering. A SQLite file has one process and one clock.
    """
    if dialect == "postgresql":
        seconds = sa.extract("epoch", sa.func.clock_timestamp())
        return sa.cast(seconds * 1_000_000, sa.BigInteger)
    return sa.bindparam("now", type_=outbox.c.lease_until.type)


@cache
def _budget(dialect: str) -> sa.Select[Any]:
    """Up to when a budget is spent, and what the time is by the clock that leases go by."""
    return sa.select(budgets.c.paid_until, _now(dialect)).where(
        budgets.c.name == sa.bindparam("budget")
    )


@cache
def _locked_budget(dialect: str) -> Any:
    """The same, created where it is missing, and locked until the transaction ends."""
    return (
        insert_of(dialect)(budgets)
        .values(name=sa.bindparam("budget"), paid_until=_now(dialect))
        .on_conflict_do_update(
            index_elements=[budgets.c.name], set_={"paid_until": budgets.c.paid_until}
        )
        .returning(budgets.c.paid_until, _now(dialect))
    )


_SPEND = (
    sa.update(budgets)
    .where(budgets.c.name == sa.bindparam("budget"))
    .values(paid_until=sa.bindparam("until", type_=budgets.c.paid_until.type))
)


def _now(dialect: str) -> sa.ColumnElement[Any]:
    return sa.type_coerce(_lease_clock(dialect), budgets.c.paid_until.type).label("now")


class SqlOutbox:
    """`usecases.ports.Outbox`."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._dialect = engines.write.dialect.name

    async def lease(
        self,
        destination: str,
        *,
        now: datetime,
        lease: timedelta,
        limit: int,
        budget: Budget | None = None,
    ) -> Leased:
        """See `Outbox`. Looks before it writes: an idle turn costs no transaction."""
        if budget is not None and not budget.rate.interval:
            budget = None
        due = {"destination": destination, "now": now, "most": limit}
        select = _due(self._dialect)
        held: dict[int, datetime] = {}
        with translate_errors():
            async with self._engines.read.connect() as connection:
                if (await connection.execute(select, due | {"most": 1})).first() is None:
                    return Leased()
                if budget is not None:
                    found = await connection.execute(
                        _budget(self._dialect), {"budget": budget.name, "now": now}
                    )
                    spent = found.one_or_none()
                    if spent and not budget.rate.room(*spent):
                        return Leased(again_in=budget.rate.wait(*spent))
            async with self._engines.write.begin() as connection:
                if budget is not None:
                    until, at = await self._open_budget(connection, budget, now)
                    due["most"] = min(limit, budget.rate.room(until, at))
                found = await connection.execute(select.with_for_update(skip_locked=True), due)
                rows = found.all()
                if rows:
                    ids = [row.id for row in rows]
                    leasing = {"ids": ids, "lease": lease // MICROSECOND, "now": now}
                    leased = await connection.execute(_lease(self._dialect), leasing)
                    held = {row.id: row.lease_until for row in leased}
                if rows and budget is not None:
                    paid = budget.rate.pay(until, at, len(rows))
                    await write(connection, _SPEND, {"budget": budget.name, "until": paid})
                if keys := [row.ordering_key for row in rows if row.kind in _MERGED]:
                    await connection.execute(_MERGE, {"keys": keys, "ids": ids})
        return Leased(tuple(to_job(row, lease_until=held[row.id]) for row in rows))

    async def pause(self, budget: Budget, *, now: datetime, pause: timedelta) -> None:
        """See `Outbox`."""
        with translate_errors():
            async with self._engines.write.begin() as connection:
                until, at = await self._open_budget(connection, budget, now)
                paid = budget.rate.paused(until, at + pause)
                await write(connection, _SPEND, {"budget": budget.name, "until": paid})

    async def _open_budget(
        self, connection: Connection, budget: Budget, now: datetime
    ) -> tuple[datetime, datetime]:
        """Up to when it is spent, and what the time is; locked until the transaction ends."""
        opened = await connection.execute(
            _locked_budget(self._dialect), {"budget": budget.name, "now": now}
        )
        until, at = opened.one()
        return until, at

    async def release(self, *, due_at: datetime) -> int:
        """Take back what a crashed process held, to be tried at `due_at`; how many that were.

        Only for a database of this process alone. `began_at` stays: nobody knows what came of
        those tries.
        """
        with translate_errors():
            async with self._engines.write.begin() as connection:
                released = await connection.execute(
                    sa.update(outbox)
                    .where(outbox.c.lease_until.is_not(None))
                    .values(lease_until=None, due_at=due_at)
                )
        return released.rowcount

    async def count_set_aside(self) -> dict[EffectKind, int]:
        """How many jobs are set aside, by their kind; of the first COUNTED and one more."""
        with translate_errors():
            async with self._engines.read.connect() as connection:
                found = await connection.execute(_SET_ASIDE)
                return {EffectKind(kind): count for kind, count in found}

    async def take_up(self, crews: list[str], *, due_at: datetime) -> int:
        """Take up what was set aside because its crew was not named, now that it is; how many."""
        with translate_errors():
            async with self._engines.write.begin() as connection:
                taken_up = await connection.execute(
                    sa.update(outbox)
                    .where(outbox.c.set_aside_why == UNKNOWN_CREW, outbox.c.crew.in_(crews))
                    .where(outbox.c.set_aside_at.is_not(None))
                    .values(
                        set_aside_at=None, set_aside_why=None, failing_since=None, due_at=due_at
                    )
                )
        return taken_up.rowcount

    async def orphaned_destinations(self, destinations: list[str]) -> tuple[str, ...]:
        """Destinations with something to do that nobody here works on."""
        with translate_errors():
            async with self._engines.read.connect() as connection:
                found = await connection.scalars(
                    sa.select(outbox.c.destination)
                    .where(
                        outbox.c.destination.not_in(destinations), outbox.c.set_aside_at.is_(None)
                    )
                    .distinct()
                )
                return tuple(found)
