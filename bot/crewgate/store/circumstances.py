"""What is true of a round when somebody approves it, in one statement."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from crewgate.domain.caveats import Circumstances
from crewgate.domain.notes import Claim
from crewgate.domain.verdict import Person
from crewgate.store.engine import Connection, rows
from crewgate.store.tables import claims, notes, outputs, read_to_end, rounds

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
