"""Webhooks that could not be understood: what came, where it was reported, who dismissed it."""

from __future__ import annotations

import sqlalchemy as sa

from crewgate.domain.reason import Dismissed
from crewgate.domain.verdict import Person
from crewgate.store.engine import Connection
from crewgate.store.tables import dead_letters
from crewgate.usecases.read_models import DeadLetter, MessageRef


async def find_dead_letter(connection: Connection, dead_letter_id: str) -> DeadLetter | None:
    """Read one, in a transaction or outside of any."""
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
