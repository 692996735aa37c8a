"""Notes and claims: writing them in a transaction, and reading them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.caveats import Circumstances
from crewgate.domain.notes import Claim, Note
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Person
from crewgate.store.engine import Connection, Reader, rows
from crewgate.store.failures import translate_errors
from crewgate.store.mappers import LINE, to_round
from crewgate.store.statements import insert_of
from crewgate.store.tables import claims, executions, notes, outputs, read_to_end, rounds
from crewgate.usecases.ports.queries import NoteQueries
from crewgate.usecases.ports.store import TxNotes

_NOTES: Final = (
    sa.select(notes)
    .where(notes.c.round_id == sa.bindparam("round"), notes.c.deleted.is_(False))
    .order_by(notes.c.at, notes.c.ts)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_NOTE_COUNTS: Final = (
    sa.select(notes.c.round_id, notes.c.author, notes.c.author_name, sa.func.count().label("notes"))
    .where(notes.c.round_id.in_(sa.bindparam("rounds", expanding=True)))
    .where(notes.c.deleted.is_(False))
    .group_by(notes.c.round_id, notes.c.author, notes.c.author_name)
    .order_by(sa.func.min(notes.c.at))
)
_CLAIMS: Final = sa.select(claims).where(
    claims.c.round_id.in_(sa.bindparam("rounds", expanding=True))
)

_WAITING: Final = (
    LINE.where(rounds.c.state == State.WAITING.value).order_by(rounds.c.opened_at.desc()).limit(100)
)
#: Those of the execution's thread; one whose card is not posted yet may belong elsewhere.
_WAITING_IN: Final = _WAITING.where(
    executions.c.channel == sa.bindparam("channel"),
    executions.c.thread_ts == sa.bindparam("thread"),
)
_WAITING_ELSEWHERE: Final = _WAITING.where(
    rounds.c.card_channel == sa.bindparam("channel"),
    rounds.c.card_thread_ts == sa.bindparam("thread"),
)

#: Of more notes than these in one round nobody is asked about the oldest.
_MOST: Final = 1_000
_waiting = (
    sa.select(notes.c.ts, notes.c.edited_ts)
    .where(notes.c.round_id == sa.bindparam("round"), notes.c.deleted.is_(False))
    .order_by(notes.c.at.desc())
    .limit(_MOST)
    .subquery("waiting")
)
_length = (
    sa.select(sa.func.length(outputs.c.text))
    .where(outputs.c.round_id == rounds.c.id)
    .scalar_subquery()
)
#: A row for each note; one without a note where there is none.
_CIRCUMSTANCES: Final = (
    sa.select(
        rounds.c.card_shows,
        # It reads the whole output, so only where it is needed.
        sa.case((rounds.c.card_shows.is_(None), _length), else_=0).label("characters"),
        claims.c.claimed_by,
        claims.c.claimed_by_name,
        claims.c.at,
        read_to_end.c.user_id,
        _waiting.c.ts,
        _waiting.c.edited_ts,
    )
    .select_from(rounds)
    .outerjoin(claims, claims.c.round_id == rounds.c.id)
    .outerjoin(
        read_to_end,
        (read_to_end.c.round_id == rounds.c.id) & (read_to_end.c.user_id == sa.bindparam("user")),
    )
    .outerjoin(_waiting, sa.true())
    .where(rounds.c.id == sa.bindparam("round"))
)


class SqlNotes(TxNotes):
    """Notes and claims on a transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def waiting_in(self, channel: str, thread_ts: str) -> Round | None:
        thread = {"channel": channel, "thread": thread_ts}
        for statement in (_WAITING_ELSEWHERE, _WAITING_IN):
            for row in await self._connection.execute(statement, thread):
                round_ = to_round(row)
                if statement is _WAITING_ELSEWHERE or round_.other_channel is None:
                    return round_
        return None

    async def keep(self, note: Note) -> bool:
        insert = insert_of(self._connection.dialect.name)
        kept = await self._connection.execute(
            insert(notes)
            .values(
                channel=note.channel,
                ts=note.ts,
                round_id=note.round_id,
                author=note.by.id,
                author_name=note.by.name,
                text=note.text,
                at=note.at,
                edited_ts="",
                deleted=False,
            )
            .on_conflict_do_nothing()
        )
        return bool(kept.rowcount)

    async def change(self, channel: str, ts: str, *, text: str, edited_ts: str) -> str | None:
        return await self._set(
            channel, ts, notes.c.edited_ts < edited_ts, text=text, edited_ts=edited_ts
        )

    async def delete(self, channel: str, ts: str) -> str | None:
        return await self._set(channel, ts, sa.true(), text="", deleted=True)

    async def name(self, person: Person) -> None:
        await self._connection.execute(
            sa.update(notes)
            .where(notes.c.author == person.id, notes.c.author_name == person.id)
            .values(author_name=person.name)
        )

    async def claim(self, round_: Round, claim: Claim) -> None:
        await self._connection.execute(sa.delete(claims).where(claims.c.round_id == round_.id))
        await self._connection.execute(
            sa.insert(claims).values(
                round_id=round_.id,
                claimed_by=claim.by.id,
                claimed_by_name=claim.by.name,
                at=claim.at,
            )
        )

    async def circumstances(self, round_id: str, by: Person) -> Circumstances:
        return await circumstances_of(self._connection, round_id, by)

    async def record_read_to_end(self, round_id: str, by: Person) -> None:
        insert = insert_of(self._connection.dialect.name)
        await self._connection.execute(
            insert(read_to_end).values(round_id=round_id, user_id=by.id).on_conflict_do_nothing()
        )

    async def _set(
        self, channel: str, ts: str, where: sa.ColumnElement[bool], **values: Any
    ) -> str | None:
        changed = await self._connection.execute(
            sa.update(notes)
            .where(notes.c.channel == channel, notes.c.ts == ts, notes.c.deleted.is_(False), where)
            .values(values)
            .returning(notes.c.round_id)
        )
        row = changed.one_or_none()
        return row.round_id if row else None


class SqlNoteQueries(NoteQueries):
    """Reads notes on connections of an engine."""

    def __init__(self, engine: Reader) -> None:
        self._engine = engine

    async def of_round(self, round_id: str, *, limit: int) -> tuple[Note, ...]:
        found = await self._rows(_NOTES, {"round": round_id, "most": limit})
        return tuple(map(_to_note, found))

    async def note(self, channel: str, ts: str) -> Note | None:
        found = await self._rows(
            sa.select(notes).where(
                notes.c.channel == channel, notes.c.ts == ts, notes.c.deleted.is_(False)
            )
        )
        return _to_note(found[0]) if found else None

    async def circumstances(self, round_id: str, by: Person) -> Circumstances:
        with translate_errors():
            async with self._engine.connect() as connection:
                return await circumstances_of(connection, round_id, by)

    async def _rows(
        self, statement: sa.Select[Any], values: dict[str, Any] | None = None
    ) -> list[sa.Row[Any]]:
        with translate_errors():
            async with self._engine.connect() as connection:
                return list(await connection.execute(statement, values or {}))


async def notes_of(
    connection: Connection, round_ids: Sequence[str]
) -> Mapping[str, tuple[int, tuple[Person, ...]]]:
    """Of these rounds, as far as they have any: how many notes, and whose."""
    counts: defaultdict[str, int] = defaultdict(int)
    authors: defaultdict[str, dict[str, Person]] = defaultdict(dict)
    for row in await connection.execute(_NOTE_COUNTS, {"rounds": list(round_ids)}):
        counts[row.round_id] += row.notes
        authors[row.round_id][row.author] = Person(row.author, row.author_name)
    return {key: (count, tuple(authors[key].values())) for key, count in counts.items()}


async def claims_on(connection: Connection, round_ids: Sequence[str]) -> Mapping[str, Claim]:
    """The latest claim on each of these rounds that somebody claimed."""
    found = await connection.execute(_CLAIMS, {"rounds": list(round_ids)})
    return {
        row.round_id: Claim(Person(row.claimed_by, row.claimed_by_name), row.at) for row in found
    }


def _to_note(row: sa.Row[Any]) -> Note:
    return Note(
        channel=row.channel,
        ts=row.ts,
        round_id=row.round_id,
        by=Person(row.author, row.author_name),
        text=row.text,
        at=row.at,
    )


async def circumstances_of(connection: Connection, round_id: str, by: Person) -> Circumstances:
    """What is true of a round when this person approves it."""
    found = await rows(connection, _CIRCUMSTANCES, {"round": round_id, "user": by.id})
    first = found[0]
    claim = None
    if first.claimed_by is not None:
        claim = Claim(Person(first.claimed_by, first.claimed_by_name), first.at)
    return Circumstances(
        notes=tuple((row.ts, row.edited_ts) for row in found if row.ts is not None),
        claim=claim,
        shown=first.card_shows,
        characters=first.characters,
        read_to_end=first.user_id is not None,
    )
