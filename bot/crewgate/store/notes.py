"""Notes and claims: statements that write and read them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.acts import ToolCall
from crewgate.domain.caveats import Circumstances, Claim, HastyReading, Look, Note
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Person
from crewgate.store.codec import Columns, codec
from crewgate.store.engine import Changing, Connection, Reading, rows
from crewgate.store.round_rows import ROUND, to_round, to_rule
from crewgate.store.statements import among, insert_once, insert_over
from crewgate.store.tables import (
    claims,
    executions,
    notes,
    outputs,
    read_to_end,
    reviews,
    rounds,
    rules,
)
from crewgate.store.unreadable import NO_TIME, each, or_none, reads, require_times
from crewgate.usecases.read_models import MessageRef

_NOTE: Final = Columns(Note, notes, apart=())
_ORIGIN: Final = sa.func.coalesce(rounds.c.origin_id, rounds.c.id)
_origin_of = sa.select(_ORIGIN).where(rounds.c.id == sa.bindparam("round")).correlate(None)
#: The notes that a round shows: its own, or, if a person's text replaced the crew's output, the
#: notes on that output.
_THEIRS: Final = (notes.c.round_id == _origin_of.scalar_subquery(), notes.c.deleted.is_(False))
_NOTES: Final = (
    sa.select(notes)
    .where(*_THEIRS)
    .order_by(notes.c.at, notes.c.ts)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_NOTE_COUNTS: Final = (
    sa.select(rounds.c.id, notes.c.author, notes.c.author_name, sa.func.count().label("notes"))
    .join_from(rounds, notes, notes.c.round_id == _ORIGIN)
    .where(among(rounds.c.id, "rounds"))
    .where(notes.c.deleted.is_(False))
    .group_by(rounds.c.id, notes.c.author, notes.c.author_name)
    .order_by(sa.func.min(notes.c.at))
)


def with_claim(select: sa.Select[Any]) -> sa.Select[Any]:
    """Return a selection of rounds with each round's claim, for `to_claim`."""
    columns = (claims.c.claimed_by, claims.c.claimed_by_name, claims.c.at.label("claimed_at"))
    return select.add_columns(*columns).outerjoin(claims, claims.c.round_id == rounds.c.id)


_noted = rounds.alias("noted")
_review_of = sa.select(_noted.c.review_id).where(_noted.c.id == sa.bindparam("origin"))
#: The waiting round that shows the notes on a crew's output: the round of the output itself, or of
#: a person's text in its place.
_WAITS_WITH: Final = ROUND.where(
    rounds.c.review_id == _review_of.scalar_subquery(),
    rounds.c.state == State.WAITING.value,
    sa.bindparam("origin") == _ORIGIN,
)
#: The execution of a thread. `rule` is null for the execution's own thread, and else the rule whose
#: channel has the thread.
_thread = sa.union(
    sa.select(executions.c.crew, executions.c.execution_id, sa.null().label("rule")).where(
        executions.c.channel == sa.bindparam("channel"),
        executions.c.thread_ts == sa.bindparam("thread"),
    ),
    sa.select(reviews.c.crew, reviews.c.execution_id, rules.c.rule)
    .join_from(rounds, reviews)
    .join(rules, rules.c.id == rounds.c.rule_id)
    .where(
        rounds.c.card_channel == sa.bindparam("channel"),
        rounds.c.card_thread_ts == sa.bindparam("thread"),
    ),
).subquery("thread")
_above = rounds.alias("above")
#: The time of the review's latest card above a message; both times are by Slack's clock.
_CARD_ABOVE: Final = (
    sa.select(sa.func.coalesce(sa.func.max(_above.c.card_ts), ""))
    .where(_above.c.review_id == rounds.c.review_id, _above.c.card_ts < sa.bindparam("ts"))
    .scalar_subquery()
)
#: The rounds that waited when a message was written. The first row is the latest round of the
#: review whose card is the last above the message; without such a card, the newest round.
_WAITED: Final = (
    ROUND.add_columns(_thread.c.rule.label("there"))
    .join(
        _thread,
        (_thread.c.crew == reviews.c.crew) & (_thread.c.execution_id == reviews.c.execution_id),
    )
    .where(
        (rounds.c.state == State.WAITING.value)
        | (
            sa.func.coalesce(rounds.c.decided_at, rounds.c.ended_at)
            > sa.bindparam("at", type_=rounds.c.ended_at.type)
        )
    )
    .order_by(_CARD_ABOVE.desc(), rounds.c.opened_at.desc(), rounds.c.number.desc())
    .limit(100)
)

#: An approval looks for notes that were not sent among this many of a round's notes, the latest.
_MOST: Final = 1_000
_waiting = (
    sa.select(notes.c.ts, notes.c.edited_ts)
    .where(*_THEIRS)
    .order_by(notes.c.at.desc())
    .limit(_MOST)
    .subquery("waiting")
)
_length = (
    sa.select(sa.func.length(outputs.c.text))
    .where(outputs.c.round_id == rounds.c.id)
    .scalar_subquery()
)
_erased = sa.select(outputs.c.erased).where(outputs.c.round_id == rounds.c.id).scalar_subquery()
#: One row for each note of the round; a round without notes has one row, with nulls for the note.
_CIRCUMSTANCES: Final = (
    sa.select(
        rounds.c.card_shows,
        # Measuring reads the whole output, so it is done only while the card's share is unknown.
        sa.case((rounds.c.card_shows.is_(None), _length), else_=0).label("characters"),
        claims.c.claimed_by,
        claims.c.claimed_by_name,
        claims.c.at,
        read_to_end.c.at_end,
        read_to_end.c.unmasked,
        read_to_end.c.pages,
        read_to_end.c.seconds,
        read_to_end.c.began_at,
        read_to_end.c.enough_at,
        rounds.c.crew,
        rounds.c.masked,
        rounds.c.call,
        _erased.label("erased"),
        rules.c.rule,
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
    .outerjoin(rules, rules.c.id == rounds.c.rule_id)
    .where(rounds.c.id == sa.bindparam("round"))
)


_CALL: Final = codec(ToolCall | None)
_NO_CALL: Final = ToolCall("")


class NoteQueries(Reading):
    """Reads notes, and the facts about a round that an approval could overlook."""

    async def of_round(self, round_id: str, *, limit: int) -> tuple[Note, ...]:
        found = await self._rows(_NOTES, {"round": round_id, "most": limit})
        return tuple(each(_to_note, found))

    async def note(self, channel: str, ts: str) -> Note | None:
        found = await self._rows(sa.select(notes).where(*_is_there(channel, ts)))
        return or_none(_to_note, found[0]) if found else None

    async def waits_with(self, origin: str) -> Round | None:
        """Return the waiting round that shows the notes on this crew's output, or None."""
        found = await self._prepared(_WAITS_WITH, {"origin": origin})
        return to_round(found[0]) if found else None

    async def circumstances(self, round_id: str, by: Person) -> Circumstances:
        """Return the facts for this person's approval of a round; the round must exist."""
        found = await self._prepared(_CIRCUMSTANCES, {"round": round_id, "user": by.id})
        first = found[0]
        claim = None
        if first.claimed_by is not None:
            claim = Claim(Person(first.claimed_by, first.claimed_by_name), first.at)
        masked = None if first.card_shows is None else bool(first.masked)
        # A reading whose times are damaged may have been one in haste, so it does not count.
        has_read = first.at_end and NO_TIME not in (first.began_at, first.enough_at)
        call = _CALL.load(first.call) or _NO_CALL
        return Circumstances(
            crew=first.crew,
            notes=tuple((row.ts, row.edited_ts) for row in found if row.ts is not None),
            claim=claim,
            shown=first.card_shows,
            characters=first.characters,
            read_to_end=bool(has_read),
            turned=HastyReading(first.pages, first.seconds) if first.pages is not None else None,
            look=Look(first.began_at, first.enough_at) if has_read and first.enough_at else None,
            masked=False if first.unmasked else masked,
            asks_about_masks=first.rule is None or to_rule(first.rule).ask_about_masks,
            hides=call.hides,
            erased=call.erased + (first.erased or 0),
            may_have_run=call.may_have_run,
        )


class Notes(Changing, NoteQueries):
    """Changes notes and claims on a transaction's connection."""

    async def waiting_in(self, ref: MessageRef, *, at: datetime) -> Round | None:
        """Return the round that waited when a message in its thread came, and still waits."""
        message = {"channel": ref.channel, "thread": ref.thread_ts, "ts": ref.ts, "at": at}
        for row in await rows(self._connection, _WAITED, message):
            round_ = or_none(to_round, row)
            if round_ and round_.rule.channel == (row.there and to_rule(row.there).channel):
                return round_ if round_.state is State.WAITING else None
        return None

    async def keep(self, note: Note) -> bool:
        """Store a note; return False and change nothing for a repeated one."""
        author = {"author": note.by.id, "author_name": note.by.name}
        row = _NOTE.write(note) | author | {"edited_ts": "", "deleted": False}
        return await insert_once(self._connection, notes, row)

    async def change(self, channel: str, ts: str, *, text: str, edited_ts: str) -> str | None:
        """Store a note's new text; return its round's id, or None if unknown or unchanged."""
        older = notes.c.edited_ts < edited_ts
        return await self._set(channel, ts, older, text=text, edited_ts=edited_ts)

    async def delete(self, channel: str, ts: str) -> str | None:
        return await self._set(channel, ts, sa.true(), text="", deleted=True)

    async def name(self, origin: str, person: Person) -> None:
        await self._connection.execute(
            sa.update(notes)
            .where(notes.c.round_id == origin, notes.c.author == person.id)
            .values(author_name=person.name)
        )

    async def end_claim(self, round_id: str) -> None:
        await self._connection.execute(sa.delete(claims).where(claims.c.round_id == round_id))

    async def claim(self, round_: Round, claim: Claim) -> None:
        row = {
            "round_id": round_.id,
            "claimed_by": claim.by.id,
            "claimed_by_name": claim.by.name,
            "at": claim.at,
        }
        await insert_over(self._connection, claims, row)

    async def record_read_to_end(
        self, round_id: str, by: Person, turned: HastyReading | None, look: Look | None
    ) -> None:
        """Store that this person has turned to the last page of the output.

        Turning the pages again in haste does not undo a slow reading.
        """
        of = {
            "pages": turned and turned.pages,
            "seconds": turned and turned.seconds,
            "began_at": look and look.began,
            "enough_at": look and look.enough_at,
        }
        has_read = read_to_end.c.at_end & read_to_end.c.pages.is_(None)
        await self._has_read(round_id, by, ~has_read, at_end=True, **of)

    async def record_unmasked(self, round_id: str, by: Person) -> None:
        await self._has_read(round_id, by, sa.true(), unmasked=True)

    async def _has_read(
        self, round_id: str, by: Person, where: sa.ColumnElement[bool], **values: Any
    ) -> None:
        key = {"round_id": round_id, "user_id": by.id}
        new = {"at_end": False, "unmasked": False}
        if not await insert_once(self._connection, read_to_end, key | new | values):
            theirs = (read_to_end.c[name] == value for name, value in key.items())
            await self._connection.execute(
                sa.update(read_to_end).where(*theirs, where).values(values)
            )

    async def _set(
        self, channel: str, ts: str, where: sa.ColumnElement[bool], **values: Any
    ) -> str | None:
        changed = await self._connection.execute(
            sa.update(notes)
            .where(*_is_there(channel, ts), where)
            .values(values)
            .returning(notes.c.round_id)
        )
        row = changed.one_or_none()
        return row.round_id if row else None


def _is_there(channel: str, ts: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (notes.c.channel == channel, notes.c.ts == ts, notes.c.deleted.is_(False))


async def notes_of(
    connection: Connection, round_ids: Sequence[str]
) -> Mapping[str, tuple[int, tuple[Person, ...]]]:
    counts: defaultdict[str, int] = defaultdict(int)
    authors: defaultdict[str, dict[str, Person]] = defaultdict(dict)
    for row in await connection.execute(_NOTE_COUNTS, {"rounds": list(round_ids)}):
        counts[row.id] += row.notes
        authors[row.id][row.author] = Person(row.author, row.author_name)
    return {key: (count, tuple(authors[key].values())) for key, count in counts.items()}


@reads("claims")
def to_claim(row: sa.Row[Any]) -> Claim | None:
    if row.claimed_by is None:
        return None
    require_times(row.claimed_at)
    return Claim(Person(row.claimed_by, row.claimed_by_name), row.claimed_at)


@reads("notes")
def _to_note(row: sa.Row[Any]) -> Note:
    return Note(by=Person(row.author, row.author_name), **_NOTE.read(row))
