"""Webhooks that could not be understood: what came, where it was reported, who dismissed it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from crewgate.domain.reason import Dismissed
from crewgate.domain.verdict import Person
from crewgate.store.engine import Connection
from crewgate.store.tables import dead_letters
from crewgate.usecases.read_models import DeadLetter, MessageRef


async def store_dead_letter(connection: Connection, written: DeadLetter) -> None:
    """See `Tx`."""
    await connection.execute(
        sa.insert(dead_letters),
        {
            "id": written.id,
            "crew": written.crew,
            "reason": written.reason,
            "body": written.body,
            "received_at": written.received_at,
        },
    )


async def place_report(connection: Connection, dead_letter_id: str, ref: MessageRef) -> None:
    """See `Tx`."""
    await connection.execute(
        sa.update(dead_letters)
        .where(dead_letters.c.id == dead_letter_id)
        .values(report_channel=ref.channel, report_ts=ref.ts)
    )


async def dismiss_dead_letter(
    connection: Connection, dead_letter_id: str, dismissed: Dismissed, *, at: datetime
) -> bool:
    """See `Tx`."""
    done = await connection.execute(
        sa.update(dead_letters)
        .where(dead_letters.c.id == dead_letter_id, dead_letters.c.dismissed_at.is_(None))
        .values(
            dismissed_by=dismissed.by.id,
            dismissed_by_name=dismissed.by.name,
            dismissed_why=dismissed.why,
            dismissed_at=at,
        )
    )
    return bool(done.rowcount)


async def find_dead_letter(connection: Connection, dead_letter_id: str) -> DeadLetter | None:
    """See `Queries`."""
    found = await connection.execute(
        sa.select(dead_letters).where(dead_letters.c.id == dead_letter_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    dismissed = report = None
    if row.dismissed_by is not None:
        dismissed = Dismissed(Person(row.dismissed_by, row.dismissed_by_name), row.dismissed_why)
    if row.report_ts is not None:
        report = MessageRef(row.report_channel, row.report_ts, row.report_ts)
    return DeadLetter(row.id, row.crew, row.reason, row.body, row.received_at, report, dismissed)
