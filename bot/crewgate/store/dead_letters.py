"""Dead letters: webhooks that could not be parsed, and their reports."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crewgate.domain.masking import NOTHING
from crewgate.domain.reason import Dismissed
from crewgate.domain.verdict import Person
from crewgate.store.engine import Changing, MaskedReading
from crewgate.store.tables import dead_letters
from crewgate.store.unreadable import each, reads, require_times
from crewgate.usecases.read_models import COUNTED, DeadLetter, MessageRef


class DeadLetterQueries(MaskedReading):
    """Reads dead letters, with what the crew masks masked."""

    async def find(self, dead_letter_id: str) -> DeadLetter | None:
        found = await self._rows(sa.select(dead_letters).where(dead_letters.c.id == dead_letter_id))
        return next(iter(await self._dead_letters(found)), None)

    async def report(self, first: DeadLetter, *, most: int = 1) -> tuple[DeadLetter, ...]:
        """Return a report's letters, up to `most`: `first`, with the count of all, and later ones.

        A later letter with a report of its own ends the list.
        """
        later = dead_letters.alias()
        following = (
            sa.select(sa.func.min(later.c.received_at))
            .where(later.c.crew == first.crew, later.c.report_ts.is_not(None))
            .where(later.c.received_at > first.received_at)
            .scalar_subquery()
        )
        received_at = dead_letters.c.received_at
        others = await self._rows(
            sa.select(dead_letters.c.id)
            .where(dead_letters.c.crew == first.crew, dead_letters.c.id != first.id)
            .where(received_at >= first.received_at)
            .where(sa.or_(following.is_(None), received_at < following))
            .order_by(received_at)
            .limit(COUNTED)
        )
        shown = await self._rows(
            sa.select(dead_letters)
            .where(dead_letters.c.id.in_([row.id for row in others[: most - 1]]))
            .order_by(received_at)
        )
        first = replace(first, count=1 + len(others))
        return first, *(await self._dead_letters(shown))

    async def open_report(self, crew: str, *, since: datetime) -> str | None:
        """Return the id of the last letter after `since` whose report is not dismissed, or None."""
        found = await self._rows(
            sa.select(dead_letters.c.id)
            .where(dead_letters.c.crew == crew, dead_letters.c.received_at > since)
            .where(dead_letters.c.report_ts.is_not(None), dead_letters.c.dismissed_at.is_(None))
            .order_by(dead_letters.c.received_at.desc())
            .limit(1)
        )
        return found[0].id if found else None

    async def _dead_letters(self, found: Sequence[sa.Row[Any]]) -> tuple[DeadLetter, ...]:
        convert = reads("dead_letters")(self._to_dead_letter)
        return await self._off_loop(lambda: tuple(each(convert, found)))

    def _to_dead_letter(self, row: sa.Row[Any]) -> DeadLetter:
        require_times(row.received_at, row.removed_at)
        dismissed = report = None
        if row.dismissed_by is not None:
            by = Person(row.dismissed_by, row.dismissed_by_name)
            dismissed = Dismissed(by, row.dismissed_why)
        if row.report_ts is not None:
            report = MessageRef(row.report_channel, row.report_ts, row.report_ts)
        masking = self._masking.get(row.crew, NOTHING)
        body = masking.text(row.body.decode(errors="surrogateescape"))
        return DeadLetter(
            id=row.id,
            crew=row.crew,
            reason=masking.text(row.reason),
            body=body.encode(errors="surrogateescape"),
            received_at=row.received_at,
            report=report,
            dismissed=dismissed,
            removed_at=row.removed_at,
        )


class DeadLetters(Changing):
    """Changes dead letters on a transaction's connection."""

    async def store(self, dead_letter: DeadLetter) -> None:
        names = ("id", "crew", "reason", "body", "received_at")
        row = {name: getattr(dead_letter, name) for name in names}
        await self._connection.execute(sa.insert(dead_letters), row)

    async def place_report(self, dead_letter_id: str, ref: MessageRef) -> bool:
        """Store the place of a report; return True if it was dismissed before."""
        placed = await self._connection.execute(
            sa.update(dead_letters)
            .where(dead_letters.c.id == dead_letter_id)
            .values(report_channel=ref.channel, report_ts=ref.ts)
            .returning(dead_letters.c.dismissed_at)
        )
        return placed.scalar() is not None

    async def dismiss(self, dead_letter_id: str, dismissed: Dismissed, *, at: datetime) -> bool:
        """Store a dismissal; return False if the webhook is dismissed already, or unknown."""
        done = await self._connection.execute(
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
