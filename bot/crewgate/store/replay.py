"""Reads stored rounds again with all facts for choosing rules, beside a running bot."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.people import Email, User
from crewgate.domain.review import Round
from crewgate.domain.rules.conditions import Facts
from crewgate.domain.subjects import call_of
from crewgate.store import round_rows
from crewgate.store.column_types import Instant, is_time
from crewgate.store.engine import Reader, Reading
from crewgate.store.executions import to_caller_values, to_starters
from crewgate.store.lessons import LessonQueries, to_given
from crewgate.store.statements import among
from crewgate.store.tables import executions, metadata, notes, reviews, rounds
from crewgate.store.unreadable import LAST_MOMENT, each, note, or_none, reads

#: The rounds in memory at a time: each round may have an output of a megabyte.
PAGE: Final = 20
LATEST: Final = 50

# Rounds are read in the order of their ids, which are random, so that an index serves one page
# after another. A page's ids are read first, and the rest by them: no plan joins whole tables.
_NEXT: Final = (
    sa.select(rounds.c.id)
    .where(rounds.c.id > sa.bindparam("after"), rounds.c.opened_at >= sa.bindparam("since"))
    .order_by(rounds.c.id)
    .limit(PAGE)
)
_NEXT_CALLS: Final = _NEXT.where(rounds.c.call.is_not(None))
_PAGE: Final = round_rows.WHOLE.where(among(rounds.c.id, "rounds"))
_LATEST: Final = (
    round_rows.WHOLE.where(*round_rows.OF_EXECUTION)
    .order_by(rounds.c.opened_at.desc(), rounds.c.id)
    .limit(LATEST)
)
_ENDED: Final = (
    sa.select(executions.c.ended_at, executions.c.execution_id)
    .where(
        executions.c.crew == sa.bindparam("crew"),
        executions.c.removed_at.is_(None),
        # SQLite uses an index for this range, but not for the pairs below, which imply it.
        executions.c.ended_at.between(
            sa.bindparam("after", type_=executions.c.ended_at.type), LAST_MOMENT
        ),
        sa.tuple_(executions.c.ended_at, executions.c.execution_id)
        > sa.tuple_(
            sa.bindparam("after", type_=executions.c.ended_at.type), sa.bindparam("after_id")
        ),
    )
    .order_by(executions.c.ended_at, executions.c.execution_id)
    .limit(PAGE)
)
_NOTED: Final = sa.select(notes.c.author_name).where(among(notes.c.round_id, "rounds"))
_REVIEWS: Final = sa.select(reviews.c.id).where(*round_rows.OF_EXECUTION).order_by(reviews.c.id)
_OF_REVIEW: Final = round_rows.WHOLE.where(
    rounds.c.review_id == sa.bindparam("review"), rounds.c.removed_at.is_(None)
).order_by(rounds.c.number)


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A round with the facts that were known when it opened."""

    round: Round
    topic: str
    facts: Facts
    starters: tuple[User | Email, ...]


class Replay(Reading):
    """Reads stored rounds beside a running bot."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._taught = LessonQueries(reader)

    async def since(
        self, since: datetime, *, only_calls: bool = False
    ) -> AsyncIterator[StoredRound]:
        """Yield every round opened at `since` or later, in no order. Raises StoreUnavailable."""
        after, following = "", _NEXT_CALLS if only_calls else _NEXT
        while True:
            place = {"after": after, "since": since}
            found = [row.id for row in await self._rows(following, place)]
            if not found:
                return
            for row in await self._rows(_PAGE, {"rounds": found}):
                if (stored := or_none(_to_stored, row)) is not None:
                    yield stored
            after = found[-1]

    async def ended(
        self, crew: str, since: datetime
    ) -> AsyncIterator[tuple[Sequence[StoredRound], Sequence[str], Collection[str]]]:
        """Yield each review of the crew's executions that ended at `since` or later.

        Each item has the rounds that still have texts, the lessons that the kickoff carried, and
        the names of people who wrote notes.
        """
        place: dict[str, Any] = {"after": since, "after_id": ""}
        while found := await self._rows(_ENDED, {"crew": crew, **place}):
            for ended in found:
                of = {"crew": crew, "execution": ended.execution_id}
                for review in await self._rows(_REVIEWS, of):
                    own = await self._rows(_OF_REVIEW, {"review": review.id})
                    given = to_given(own[0].lessons) if own else None
                    taught = await self._taught.of_ids(given.ids) if given else ()
                    noted = await self._rows(_NOTED, {"rounds": [row.id for row in own]})
                    names = {row.author_name for row in noted}
                    yield [*each(_to_stored, own)], [one.text for one in taught], names
            place = {"after": found[-1].ended_at, "after_id": found[-1].execution_id}

    async def read_open(self) -> None:
        """Read the open rounds and all columns of times, so that `note` counts damaged rows.

        Raises StoreUnavailable.
        """
        unfinished = await self._rows(round_rows.ROUND.where(round_rows.IS_UNFINISHED))
        for _ in each(round_rows.to_round, unfinished):
            pass
        for table in metadata.sorted_tables:
            times = [column for column in table.c if isinstance(column.type, Instant)]
            broken = sa.or_(sa.false(), *(~is_time(column) for column in times))
            for row in await self._rows(sa.select(*table.primary_key).where(broken)):
                note(table.name, " ".join(map(str, row)), ValueError("a column holds no time"))

    async def of_execution(self, crew: str, execution_id: str) -> tuple[StoredRound, ...]:
        found = await self._rows(_LATEST, {"crew": crew, "execution": execution_id})
        return tuple(each(_to_stored, reversed(found)))


@reads("rounds")
def _to_stored(row: sa.Row[Any]) -> StoredRound:
    round_ = round_rows.to_round(row)
    facts = Facts(
        task_id=round_.review.task_id,
        task_name=round_.review.task_name,
        agent=round_.review.agent,
        output=round_rows.to_output(row),
        inputs=to_caller_values(row.inputs),
        meta=to_caller_values(row.meta),
        call=call_of(round_.subject),
    )
    return StoredRound(round_, round_rows.to_topic(row), facts, to_starters(row))
