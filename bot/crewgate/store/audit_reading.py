"""Reading the audit trail beside a running bot, a page at a time, however long it is."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.audit import Head, Published, texts_of
from crewgate.domain.review import Round
from crewgate.store.audit import to_published
from crewgate.store.engine import Reading
from crewgate.store.rounds import ROUND, to_round
from crewgate.store.tables import audit_entries, audit_heads, outputs, reviews, rounds, rules

#: Entries that are held at a time: each has about 1 kB.
PAGE: Final = 500
#: Executions that are named where a beginning is not enough.
CANDIDATES: Final = 5
_AFTER_ALL: Final = "\U0010ffff"


class AuditReading(Reading):
    """Reads audit entries."""

    async def linked(self, after: int = 0, until: int | None = None) -> AsyncIterator[sa.Row[Any]]:
        """Yield the linked entries after a number, up to another, in order."""
        some = sa.select(audit_entries).where(audit_entries.c.number.is_not(None))
        if until is not None:
            some = some.where(audit_entries.c.number <= until)
        async for row in self._pages(some, audit_entries.c.number, after):
            yield row

    async def arrived(
        self, crew: str | None, since: datetime | None, until: datetime | None
    ) -> AsyncIterator[sa.Row[Any]]:
        """Yield entries in the order in which they arrived: all, or those of a crew and a span."""
        some = sa.select(audit_entries)
        if crew is not None:
            some = some.where(audit_entries.c.crew == crew)
        if since is not None:
            some = some.where(audit_entries.c.at >= since)
        if until is not None:
            some = some.where(audit_entries.c.at < until)
        async for row in self._pages(some, audit_entries.c.id, 0):
            yield row

    async def of_execution(self, crew: str, execution_id: str) -> list[sa.Row[Any]]:
        """Return the entries of an execution in the order in which they arrived."""
        own = sa.select(audit_entries).where(
            audit_entries.c.crew == crew, audit_entries.c.execution_id == execution_id
        )
        return [row async for row in self._pages(own, audit_entries.c.id, 0)]

    async def absences(self, person: str, before: int) -> list[sa.Row[Any]]:
        """Return a person's entries from the last on that sent them away before another entry.

        That is named by its place among those that arrived.
        """
        found = await self.of_execution("", person)
        away = [at for at, row in enumerate(found) if row.id < before and b'"CG141"' in row.body]
        return found[away[-1] :] if away else []

    async def starts(self, crew: str, before: int) -> list[sa.Row[Any]]:
        """Return the starts with a crew's settings before another entry, the last first."""
        own = [row for row in await self.of_execution(crew, "") if row.id < before]
        return [row for row in reversed(own) if b'"CG191"' in row.body]

    async def executions(self, prefix: str, crew: str | None = None) -> list[tuple[str, str]]:
        """Return the execution with this id or, where there is none, some with this beginning."""
        table = audit_entries.c
        # What is of no execution has no id, or a person's.
        some = sa.select(table.crew, table.execution_id).distinct()
        some = some.where(table.crew != "", table.execution_id != "")
        if crew is not None:
            some = some.where(table.crew == crew)
        exact = await self._rows(some.where(table.execution_id == prefix))
        found = exact or await self._rows(
            some.where(table.execution_id > prefix, table.execution_id < prefix + _AFTER_ALL).limit(
                CANDIDATES
            )
        )
        return sorted((row.crew, row.execution_id) for row in found)

    async def head(self, number: int | None = None) -> Head | None:
        """Return the entry with this number as a head, else the last that is linked."""
        some = sa.select(audit_entries).where(audit_entries.c.number.is_not(None))
        if number is not None:
            some = some.where(audit_entries.c.number == number)
        found = await self._rows(some.order_by(audit_entries.c.number.desc()).limit(1))
        return Head(found[0].number, found[0].hash) if found else None

    async def count_unlinked(self) -> int:
        """Return the number of entries that are not linked yet."""
        unlinked = sa.select(sa.func.count()).where(audit_entries.c.number.is_(None))
        [[count]] = await self._rows(unlinked)
        return int(count)

    async def published(self) -> list[Published]:
        """Return the heads that were published, in order."""
        heads = sa.select(audit_heads).order_by(audit_heads.c.number)
        return [*map(to_published, await self._rows(heads))]

    async def strange_heads(self) -> list[int]:
        """Return the numbers of the heads that are not those of entries."""
        both = (audit_entries.c.number, audit_entries.c.hash)
        own = sa.exists().where(*(one == audit_heads.c[one.name] for one in both))
        return [row.number for row in await self._rows(sa.select(audit_heads.c.number).where(~own))]

    async def rounds(self, crew: str, execution_id: str) -> list[tuple[Round, list[str]]]:
        """Return the rounds of an execution, each with the texts of it that are still there."""
        own = ROUND.add_columns(outputs.c.text).join(outputs, outputs.c.round_id == rounds.c.id)
        own = own.where(reviews.c.crew == crew, reviews.c.execution_id == execution_id)
        found = [(to_round(row), row.text) for row in await self._rows(own)]
        return [(round_, [text, *texts_of(round_)]) for round_, text in found if round_.salt]

    async def rules(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the rules with these ids, as they are stored and in this order."""
        found = await self._rows(sa.select(rules).where(rules.c.id.in_(ids)))
        stored = {row.id: {"escalated": row.escalated, "rule": row.rule} for row in found}
        return {one: stored[one] for one in dict.fromkeys(ids) if one in stored}

    async def _pages(
        self, some: sa.Select[Any], by: sa.Column[Any], after: int
    ) -> AsyncIterator[sa.Row[Any]]:
        while True:
            page = await self._rows(some.where(by > after).order_by(by).limit(PAGE))
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            after = getattr(page[-1], by.name)
