"""The audit trail in the database: entries with the transaction, and their links, in batches.

The number of an entry is given when it is linked, so numbers have no gaps, whatever order
transactions are committed in.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.audit import (
    CREW,
    RULE,
    Code,
    Entry,
    Head,
    Published,
    Signature,
    digest_of,
    entries_of,
)
from crewgate.domain.errors import ChainBroken
from crewgate.domain.notification import Output
from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import Round
from crewgate.domain.verdict import Person
from crewgate.store.engine import Connection, rows, write
from crewgate.store.rounds import rule_id_of
from crewgate.store.tables import audit_entries, audit_heads
from crewgate.usecases.log_fields import place
from crewgate.usecases.ports.base import Clock

#: The version of the form of entries, in each.
FORM: Final = 2
#: The entries that are linked in one transaction, for which all others wait. With a backlog, of 100
#: the slowest notifications in a hundred took 15 to 35 ms longer on a busy machine; of 50, no more.
BATCH: Final = 50
GENESIS: Final = Head(0, bytes(32))
#: Any number, the same in every process.
_ADVISORY_LOCK: Final = 727_302

_as_json: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

_ADD: Final = sa.insert(audit_entries)
_HEAD: Final = (
    sa.select(audit_entries.c.number, audit_entries.c.hash)
    .where(audit_entries.c.number.is_not(None))
    .order_by(audit_entries.c.number.desc())
    .limit(1)
)
_UNLINKED: Final = (
    sa.select(
        audit_entries.c.id,
        audit_entries.c.crew,
        audit_entries.c.execution_id,
        audit_entries.c.body,
    )
    .where(audit_entries.c.number.is_(None))
    .order_by(audit_entries.c.id)
    .limit(BATCH)
)
_LINK: Final = (
    sa.update(audit_entries)
    .where(audit_entries.c.id == sa.bindparam("b_id"), audit_entries.c.number.is_(None))
    .values({name: sa.bindparam(name) for name in ("number", "previous", "hash")})
)
#: The entry of a head with those after it, as many as tell if something happened since.
_FROM_HEAD: Final = (
    sa.select(audit_entries.c.hash, audit_entries.c.body)
    .where(audit_entries.c.number >= sa.bindparam("b_number"))
    .order_by(audit_entries.c.number)
    .limit(3)
)
_LAST_PUBLISHED: Final = sa.select(audit_heads).order_by(audit_heads.c.number.desc()).limit(1)


def to_published(row: sa.Row[Any]) -> Published:
    """Return the head that a row of `audit_heads` holds."""
    return Published(Head(row.number, row.hash), row.at, Signature(row.key, row.signature))


def tag_of(crew: str, execution_id: str) -> bytes:
    """Return the tag of an execution, by which links show whose entry they are of."""
    return sha256(f"{crew}\n{execution_id}".encode()).digest()


def link_hash(previous: bytes, number: int, tag: bytes, body: bytes) -> bytes:
    """Return the hash of an entry: of the one before, the number, the execution and the body."""
    return sha256(previous + number.to_bytes(8, "big") + tag + sha256(body).digest()).digest()


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON (RFC 8785) of an entry, whose keys are ASCII and numbers integers.

    For these the standard library's is the same, and takes a sixth of the time of `rfc8785`, with
    which `crewgate audit verify` compares. Half of a surrogate pair, which UTF-8 lacks, becomes
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
        """Name the person who acts in this transaction, and what is to be known of the act.

        Both are in each entry of this person, with the place where they acted.
        """
        self._actor, self._facts = by, {**(facts or {}), **place()}

    def rule_acts(self, facts: Mapping[str, Any]) -> None:
        """Say what is to be known of what a rule does in this transaction."""
        self._facts = facts

    def add(self, entry: Entry, *, crew: str = "", execution_id: str = "") -> None:
        """Have an entry stored with the transaction.

        The person takes the place of the execution in one about an absence: a proof has all of a
        person's and shows if one was left out.
        """
        self._add(entry, crew, execution_id, entry.data)

    def of_round(self, entry: Entry, round_: Round) -> None:
        """The same for an entry about a round, as it is then."""
        data = {
            "round": round_.id,
            "number": round_.number,
            "state": round_.state,
            "rule": rule_id_of(round_),
            **entry.data,
        }
        if entry.actor == self._actor.id:
            data["name"] = digest_of(self._actor.name, round_.salt)
        self._add(entry, round_.review.crew, round_.review.execution_id, data)

    def opened(
        self, round_: Round, output: Output, reviewers: Iterable[ReviewerRef], *, is_first: bool
    ) -> None:
        """Add the entry of a new round; `is_first`: the execution has none before it.

        `reviewers` are the crew's own, who may decide where the rule names nobody.
        """
        by = CREW if round_.edited_by is None else round_.edited_by.id
        data = {
            "review": round_.review.id,
            "task": round_.review.task_id,
            "output": digest_of(output.text, round_.salt),
            "characters": len(output.text),
            "unchanged": round_.unchanged,
            "approvals": round_.approvals,
            "first": is_first,
            "reviewers": [*map(str, reviewers)],
        }
        self.of_round(Entry(Code.OPENED, by, data), round_)

    def changed(self, before: Round, after: Round) -> None:
        """Add the entries of a transition."""
        for entry in entries_of(before, after, actor=self._actor.id):
            self.of_round(entry, after)

    def _add(self, entry: Entry, crew: str, execution_id: str, data: dict[str, Any]) -> None:
        now = self._clock()
        body = {
            "v": FORM,
            "code": entry.code,
            "at": now.isoformat(timespec="microseconds"),
            "actor": entry.actor,
            "crew": crew,
            "execution": execution_id,
            "data": {**data, **self._facts} if entry.actor == (self._actor.id or RULE) else data,
        }
        row = {"at": now, "crew": crew, "execution_id": execution_id, "body": canonical(body)}
        self._new.append(row)

    async def flush(self) -> None:
        """Store the entries, in one statement; called just before the commit."""
        if self._new:
            await write(self._connection, _ADD, self._new)

    async def link(self) -> tuple[Head, bool] | None:
        """Link the next entries: the last one, and if the batch is full; None if none were left.

        Another process may do so at the same time; then this one leaves it to that one.
        """
        found = await rows(self._connection, _UNLINKED, {}) if await self.takes_turn() else ()
        if not found:
            return None
        head = await self.head()
        number, linked = head.number, head.hash
        links = []
        for row_id, crew, execution_id, body in found:
            number, previous = number + 1, linked
            linked = link_hash(previous, number, tag_of(crew, execution_id), body)
            links.append({"b_id": row_id, "number": number, "previous": previous, "hash": linked})
        await write(self._connection, _LINK, links)
        return Head(number, linked), len(found) == BATCH

    async def head(self) -> Head:
        """Return the last entry that is linked."""
        found = await rows(self._connection, _HEAD, {})
        return Head(*found[0]) if found else GENESIS

    async def takes_turn(self, *, wait: bool = False) -> bool:
        """Return True if only this transaction links and publishes until its end.

        On SQLite only one writes at all.
        """
        if self._connection.dialect.name != "postgresql":
            return True
        take = sa.func.pg_advisory_xact_lock if wait else sa.func.pg_try_advisory_xact_lock
        return await self._connection.scalar(sa.select(take(_ADVISORY_LOCK))) is not False

    async def last_published(self) -> Published | None:
        """Return the newest head that was published."""
        found = await rows(self._connection, _LAST_PUBLISHED, {})
        return to_published(found[0]) if found else None

    async def has_more_than(self, published: Head) -> bool:
        """Return True if something happened since a head was published.

        Raises ChainBroken if it is not the chain's.
        """
        found = await rows(self._connection, _FROM_HEAD, {"b_number": published.number})
        if not found or found[0].hash != published.hash:
            raise ChainBroken(published.number)
        # The publication is an entry too.
        codes = [json.loads(row.body)["code"] for row in found[1:]]
        return codes not in ([], [Code.PUBLISHED])

    async def publish(self, published: Published, *, by: str) -> None:
        """Keep a head that leaves the database, with an entry of its own."""
        head, signed = published.head, published.signed
        row = {"number": head.number, "hash": head.hash, "at": published.at}
        row |= {"key": signed.key, "signature": signed.signature}
        await write(self._connection, sa.insert(audit_heads), row)
        self.add(Entry(Code.PUBLISHED, by, {"head": str(head), "key": signed.key}))
