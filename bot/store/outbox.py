"""The table of effects not yet done."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.store.engine import Engines
from bot.store.failures import translate_errors
from bot.store.mappers import to_job
from bot.store.tables import outbox
from bot.usecases.ports.outbox import Job

_earlier = outbox.alias("earlier")
_DUE = (
    sa.select(outbox)
    .where(
        outbox.c.destination == sa.bindparam("destination"),
        outbox.c.due_at <= sa.bindparam("now"),
        sa.or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= sa.bindparam("now")),
        ~sa.exists().where(
            _earlier.c.ordering_key == outbox.c.ordering_key, _earlier.c.id < outbox.c.id
        ),
    )
    .order_by(outbox.c.due_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_LEASE = (
    sa.update(outbox)
    .where(outbox.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(
        lease_until=sa.bindparam("until", type_=outbox.c.lease_until.type),
        began_at=sa.func.coalesce(
            outbox.c.began_at, sa.bindparam("now", type_=outbox.c.began_at.type)
        ),
        tries=outbox.c.tries + 1,
    )
)


class SqlOutbox:
    """`usecases.ports.Outbox`."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def lease(
        self, destination: str, *, now: datetime, lease: timedelta, limit: int
    ) -> tuple[Job, ...]:
        """See `Outbox`. Looks before it writes: an idle turn costs no transaction."""
        due = {"destination": destination, "now": now, "most": limit}
        with translate_errors():
            async with self._engines.read.connect() as connection:
                if (await connection.execute(_DUE, due | {"most": 1})).first() is None:
                    return ()
            async with self._engines.write.begin() as connection:
                rows = (await connection.execute(_DUE.with_for_update(skip_locked=True), due)).all()
                if rows:
                    until = now + lease
                    await connection.execute(
                        _LEASE, {"ids": [row.id for row in rows], "until": until, "now": now}
                    )
        return tuple(to_job(row, lease_until=until) for row in rows)

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

    async def orphaned_destinations(self, destinations: list[str]) -> tuple[str, ...]:
        """Destinations with something to do that nobody here works on."""
        with translate_errors():
            async with self._engines.read.connect() as connection:
                found = await connection.scalars(
                    sa.select(outbox.c.destination)
                    .where(outbox.c.destination.not_in(destinations))
                    .distinct()
                )
                return tuple(found)
