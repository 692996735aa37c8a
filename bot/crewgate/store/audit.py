"""The audit trail in the database: storing, linking and reading entries.

An entry gets its number when it is linked, so numbers have no gaps, whatever the order of commits.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain import audit
from crewgate.domain.answering import needs_approvals
from crewgate.domain.errors import ChainBroken
from crewgate.domain.notification import Output
from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import Round, State
from crewgate.domain.subjects import Subject, call_of
from crewgate.domain.verdict import Answer, Person
from crewgate.store.engine import Connection, Reading, rows, write
from crewgate.store.round_rows import ROUND, rule_id_of, to_round
from crewgate.store.statements import begins_with
from crewgate.store.tables import audit_entries, audit_heads, outputs, reviews, rounds, rules
from crewgate.usecases.log_fields import place
from crewgate.usecases.ports.base import Clock

#: The version of the JSON in an entry's body, stored there as `v`.
FORM: Final = 3
#: The most entries that are linked in one transaction: all other writes wait for it. With a
#: backlog, batches of 100 delayed the slowest 1 % of notifications by 15 to 35 ms on a busy
#: machine; batches of 50 did not.
BATCH: Final = 50
GENESIS: Final = audit.Head(0, bytes(32))
#: The number of the advisory lock for linking: arbitrary, but equal in every process.
_ADVISORY_LOCK: Final = 727_302

_as_json: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

_ADD: Final = sa.insert(audit_entries).inline()
_HEAD: Final = (
    sa.select(audit_entries.c.number, audit_entries.c.hash)
    .where(audit_entries.c.number.is_not(None))
    .order_by(audit_entries.c.number.desc())
    .limit(1)
)
_EARLIER: Final = audit_entries.alias("earlier")
_SAME_EXECUTION: Final = tuple(
    _EARLIER.c[name] == audit_entries.c[name] for name in ("crew", "execution_id")
)
#: `nth` numbers an execution's entries in the hash chain. The highest is searched in this many,
#: those with the highest ids: with several processes on PostgreSQL an entry may be committed, and
#: so linked into the chain, after entries with higher ids.
_LATE: Final = 50
_LATEST: Final = (
    sa.select(_EARLIER.c.nth)
    .where(*_SAME_EXECUTION, _EARLIER.c.nth.is_not(None))
    .order_by(_EARLIER.c.id.desc())
    .limit(_LATE)
    .correlate(audit_entries)
    .subquery()
)
#: The number of an execution's entries in the hash chain: their highest `nth`, or, if all were
#: linked before the column `nth` existed, the number of rows.
_COUNTED: Final = sa.case(
    (audit_entries.c.execution_id == "", 0),
    else_=sa.func.coalesce(
        sa.select(sa.func.max(_LATEST.c.nth)).scalar_subquery(),
        sa.select(sa.func.count())
        .where(*_SAME_EXECUTION, _EARLIER.c.number.is_not(None))
        .correlate(audit_entries)
        .scalar_subquery(),
    ),
).label("counted")
_UNLINKED: Final = (
    sa.select(*(audit_entries.c[name] for name in ("id", "crew", "execution_id", "body")), _COUNTED)
    .where(audit_entries.c.number.is_(None))
    .order_by(audit_entries.c.id)
    .limit(BATCH)
)
_LINK: Final = (
    sa.update(audit_entries)
    .where(audit_entries.c.id == sa.bindparam("b_id"), audit_entries.c.number.is_(None))
    .values({name: sa.bindparam(name) for name in ("number", "previous", "hash", "nth")})
)
#: The entry of a published head and the next two: one may be about the publication, two are news.
_FROM_HEAD: Final = (
    sa.select(audit_entries.c.hash, audit_entries.c.body)
    .where(audit_entries.c.number >= sa.bindparam("b_number"))
    .order_by(audit_entries.c.number)
    .limit(3)
)
_OF_PUBLICATION: Final = f'"code":"{audit.Code.PUBLISHED}"'
_LAST_PUBLISHED: Final = sa.select(audit_heads).order_by(audit_heads.c.number.desc()).limit(1)


def to_published(row: sa.Row[Any]) -> audit.Published:
    return audit.Published(
        audit.Head(row.number, row.hash), row.at, audit.Signature(row.key, row.signature)
    )


def tag_of(crew: str, execution_id: str) -> bytes:
    """Return the tag that stands for an execution in the links of its entries."""
    return sha256(f"{crew}\n{execution_id}".encode()).digest()


def link_hash(
    previous: bytes, number: int, tag: bytes, nth: int | None, body: bytes | str
) -> bytes:
    """Return an entry's hash: of the previous hash, the number, the execution and the body.

    `nth` is the entry's number within the execution; entries linked by earlier versions lack it. A
    damaged row of SQLite may have a text as its body: it is hashed too, and stops no later entry.
    """
    body = body.encode() if isinstance(body, str) else body
    count = b"" if nth is None else nth.to_bytes(8, "big")
    about = number.to_bytes(8, "big") + tag + count
    return sha256(previous + about + sha256(body).digest()).digest()


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON (RFC 8785) of an entry with ASCII keys and integer numbers.

    For these the standard library writes the same JSON, in a sixth of the time of `rfc8785`, with
    which `crewgate audit verify` checks the bodies. A lone surrogate, which UTF-8 lacks, becomes
    "?": an entry must never stop a decision.
    """
    return _as_json(body).encode(errors="replace")


class Audit:
    """The audit trail of one transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._new: list[dict[str, Any]] = []
        self._actor = Person("", "")
        self._facts: Mapping[str, Any] = {}

    def acts(self, by: Person, facts: Mapping[str, Any] | None = None) -> None:
        """Name the person who acts in this transaction, and facts about the act.

        All entries of this person get the facts, and the place in Slack where the person acted.
        """
        self._actor, self._facts = by, {**(facts or {}), **place()}

    def rule_acts(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts

    def add(self, entry: audit.Entry, *, crew: str = "", execution_id: str = "") -> None:
        """Add an entry, which `flush` stores with the transaction.

        An entry about an absence has the person's id as `execution_id`. So an evidence file can
        have all entries about a person, and shows if one is missing.
        """
        self._add(entry, crew, execution_id, entry.data)

    def of_round(self, entry: audit.Entry, round_: Round) -> None:
        data = {
            "round": round_.id,
            "number": round_.number,
            "state": round_.state,
            "rule": rule_id_of(round_),
            **entry.data,
        }
        if entry.actor == self._actor.id:
            data["name"] = audit.digest_of(self._actor.name, round_.salt)
        self._add(entry, round_.review.crew, round_.review.execution_id, data)

    def opened(
        self, round_: Round, output: Output, reviewers: Iterable[ReviewerRef], *, is_first: bool
    ) -> None:
        """Add the entry of a new round; `is_first` is True for the execution's first.

        `reviewers` are the crew's own, who may decide where the rule names nobody.
        """
        by = audit.CREW if round_.edited_by is None else round_.edited_by.id
        data = {
            "review": round_.review.id,
            "task": round_.review.task_id,
            "output": audit.digest_of(output.text, round_.salt),
            "characters": len(output.text),
            "unchanged": round_.unchanged,
            **_tool_of(round_.subject),
            **_labels_of(round_),
            "approvals": round_.rule.approvals,
            "first": is_first,
            "reviewers": [*map(str, reviewers)],
        }
        self.of_round(audit.Entry(audit.Code.OPENED, by, data), round_)
        # If a rule has decided a new call already, or the call is over, further entries tell of it.
        if round_.state is not State.WAITING or round_.call_result is not None:
            waits = replace(
                round_, state=State.WAITING, decision=None, reason=None, call_result=None
            )
            self.changed(waits, round_)

    def changed(self, before: Round, after: Round) -> None:
        for entry in audit.entries_of(before, after, actor=self._actor.id):
            self.of_round(entry, after)

    def _add(self, entry: audit.Entry, crew: str, execution_id: str, data: dict[str, Any]) -> None:
        now = self._clock()
        body = {
            "v": FORM,
            "code": entry.code,
            "at": now.isoformat(timespec="microseconds"),
            "actor": entry.actor,
            "crew": crew,
            "execution": execution_id,
            "data": {**data, **self._facts}
            if entry.actor == (self._actor.id or audit.RULE)
            else data,
        }
        row = {"at": now, "crew": crew, "execution_id": execution_id, "body": canonical(body)}
        self._new.append(row)

    async def flush(self) -> None:
        """Store the entries, in one statement, just before the commit."""
        if self._new:
            await write(self._connection, _ADD, self._new)

    async def link(self) -> bool | None:
        """Link the next entries; return True if the batch was full: perhaps more are left.

        None: no entries are left, or another process is linking.
        """
        found = await rows(self._connection, _UNLINKED, {}) if await self.takes_turn() else ()
        if not found:
            return None
        head = await self.head()
        number, linked = head.number, head.hash
        links = []
        counts: dict[bytes, int] = {}
        for row_id, crew, execution_id, body, count in found:
            number, previous, tag = number + 1, linked, tag_of(crew, execution_id)
            nth = None
            if execution_id:
                counts[tag] = nth = counts.get(tag, count) + 1
            linked = link_hash(previous, number, tag, nth, body)
            link = {"number": number, "previous": previous, "hash": linked, "nth": nth}
            links.append({"b_id": row_id, **link})
        await write(self._connection, _LINK, links)
        return len(found) == BATCH

    async def head(self) -> audit.Head:
        found = await rows(self._connection, _HEAD, {})
        return audit.Head(*found[0]) if found else GENESIS

    async def takes_turn(self, *, wait: bool = False) -> bool:
        """Take the turn to link and publish until the transaction ends; False: another has it.

        `wait` waits for the turn. On SQLite, with its one writer, each transaction has the turn.
        """
        if self._connection.dialect.name != "postgresql":
            return True
        take = sa.func.pg_advisory_xact_lock if wait else sa.func.pg_try_advisory_xact_lock
        return await self._connection.scalar(sa.select(take(_ADVISORY_LOCK))) is not False

    async def last_published(self) -> audit.Published | None:
        found = await rows(self._connection, _LAST_PUBLISHED, {})
        return to_published(found[0]) if found else None

    async def has_more_than(self, published: audit.Head) -> bool:
        """Return True if anything happened since a head was published.

        Raises ChainBroken if the chain has no such head.
        """
        found = await rows(self._connection, _FROM_HEAD, {"b_number": published.number})
        if not found or found[0].hash != published.hash:
            raise ChainBroken(published.number)
        # An entry about a publication is no news; each published head is followed by one.
        news = [row for row in found[1:] if _OF_PUBLICATION not in str(row.body)]
        return bool(news) or len(found) > 2  # noqa: PLR2004

    async def publish(self, published: audit.Published, *, by: str) -> None:
        """Store a head as published, and an entry that says so."""
        head, signed = published.head, published.signed
        row = {"number": head.number, "hash": head.hash, "at": published.at}
        row |= {"key": signed.key, "signature": signed.signature}
        await write(self._connection, sa.insert(audit_heads), row)
        self.add(audit.Entry(audit.Code.PUBLISHED, by, {"head": str(head), "key": signed.key}))


def _tool_of(subject: Subject) -> dict[str, Any]:
    call = call_of(subject)
    if call is None:
        return {}
    others = [*call.other_names]
    return {"tool": call.tool, **({"other_names": others} if others else {})}


def _labels_of(round_: Round) -> dict[str, Any]:
    """Return, by a label's digest, True if it takes as many people as an approval does."""
    if not round_.subject.takes_answers:
        return {}
    labels = (Answer(label, is_label=True) for label in round_.subject.labels)
    return {
        "labels": {
            audit.digest_of(one.text, round_.salt): needs_approvals(one, round_.rule)
            for one in labels
        }
    }


#: The most entries that are in memory at a time: each has about 1 kB.
PAGE: Final = 500
#: The most executions that are returned if the ids of several begin with the given text.
CANDIDATES: Final = 5


class AuditReading(Reading):
    """Reads audit entries."""

    def linked(self, after: int = 0, until: int | None = None) -> AsyncIterator[sa.Row[Any]]:
        some = sa.select(audit_entries).where(audit_entries.c.number.is_not(None))
        if until is not None:
            some = some.where(audit_entries.c.number <= until)
        return self._pages(some, audit_entries.c.number, after)

    def arrived(
        self, crew: str | None, since: datetime | None, until: datetime | None
    ) -> AsyncIterator[sa.Row[Any]]:
        """Return all entries, or those of a crew and a span, in the order of their arrival."""
        some = sa.select(audit_entries)
        if crew is not None:
            some = some.where(audit_entries.c.crew == crew)
        if since is not None:
            some = some.where(audit_entries.c.at >= since)
        if until is not None:
            some = some.where(audit_entries.c.at < until)
        return self._pages(some, audit_entries.c.id, 0)

    async def of_execution(self, crew: str, execution_id: str) -> list[sa.Row[Any]]:
        own = sa.select(audit_entries).where(
            audit_entries.c.crew == crew, audit_entries.c.execution_id == execution_id
        )
        return [row async for row in self._pages(own, audit_entries.c.id, 0)]

    async def absences(self, person: str, before: int) -> list[sa.Row[Any]]:
        """Return a person's entries since their latest absence that began before another entry.

        `before` is the other entry's `id`.
        """
        found = await self.of_execution("", person)
        away = [at for at, row in enumerate(found) if row.id < before and b'"CG141"' in row.body]
        return found[away[-1] :] if away else []

    async def starts(self, crew: str, before: int) -> list[sa.Row[Any]]:
        """Return a crew's entries about starts of the bot, before an `id`, the latest first."""
        own = [row for row in await self.of_execution(crew, "") if row.id < before]
        return [row for row in reversed(own) if b'"CG191"' in row.body]

    async def executions(self, prefix: str, crew: str | None = None) -> list[tuple[str, str]]:
        """Return the executions with this id, or else some whose ids begin with it."""
        table = audit_entries.c
        # Left out: entries about a start of the bot (no execution id) or about a person (no crew).
        some = sa.select(table.crew, table.execution_id).distinct()
        some = some.where(table.crew != "", table.execution_id != "")
        if crew is not None:
            some = some.where(table.crew == crew)
        exact = await self._rows(some.where(table.execution_id == prefix))
        found = exact or await self._rows(
            some.where(begins_with(table.execution_id, prefix)).limit(CANDIDATES)
        )
        return sorted((row.crew, row.execution_id) for row in found)

    async def head(self, number: int | None = None) -> audit.Head | None:
        """Return number and hash of the linked entry with this number, or of the last one."""
        some = sa.select(audit_entries).where(audit_entries.c.number.is_not(None))
        if number is not None:
            some = some.where(audit_entries.c.number == number)
        found = await self._rows(some.order_by(audit_entries.c.number.desc()).limit(1))
        return audit.Head(found[0].number, found[0].hash) if found else None

    async def count_unlinked(self) -> int:
        unlinked = sa.select(sa.func.count()).where(audit_entries.c.number.is_(None))
        [[count]] = await self._rows(unlinked)
        return int(count)

    async def published(self) -> list[audit.Published]:
        heads = sa.select(audit_heads).order_by(audit_heads.c.number)
        return [*map(to_published, await self._rows(heads))]

    async def strange_heads(self) -> list[int]:
        both = (audit_entries.c.number, audit_entries.c.hash)
        own = sa.exists().where(*(one == audit_heads.c[one.name] for one in both))
        return [row.number for row in await self._rows(sa.select(audit_heads.c.number).where(~own))]

    async def rounds(self, crew: str, execution_id: str) -> list[tuple[Round, list[str]]]:
        own = ROUND.add_columns(outputs.c.text).join(outputs, outputs.c.round_id == rounds.c.id)
        own = own.where(reviews.c.crew == crew, reviews.c.execution_id == execution_id)
        found = [(to_round(row), row.text) for row in await self._rows(own)]
        return [(round_, [text, *audit.texts_of(round_)]) for round_, text in found if round_.salt]

    async def rules(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
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
