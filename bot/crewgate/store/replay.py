"""Reads stored rounds again with all facts for choosing rules, beside a running bot."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.notification import Format, Output
from crewgate.domain.people import Email, User
from crewgate.domain.review import Round
from crewgate.domain.rules.conditions import Facts
from crewgate.store.engine import Reading
from crewgate.store.executions import to_came, to_starters
from crewgate.store.rounds import WHOLE, to_round, to_subject
from crewgate.store.tables import reviews, rounds

#: The rounds in memory at a time: each may have an output of a megabyte.
PAGE: Final = 20
OF_EXECUTION: Final = 50

# By their ids, which come in no order, so that one page after the other can be read by an index;
# and what belongs to them by itself, so that no plan joins all of it first.
_NEXT: Final = (
    sa.select(rounds.c.id)
    .where(rounds.c.id > sa.bindparam("after"), rounds.c.opened_at >= sa.bindparam("since"))
    .order_by(rounds.c.id)
    .limit(PAGE)
)
_PAGE: Final = WHOLE.where(rounds.c.id.in_(sa.bindparam("rounds", expanding=True)))
_LATEST: Final = (
    WHOLE.where(
        reviews.c.crew == sa.bindparam("crew"), reviews.c.execution_id == sa.bindparam("execution")
    )
    .order_by(rounds.c.opened_at.desc(), rounds.c.id)
    .limit(OF_EXECUTION)
)


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A round with the facts that were known when it opened."""

    round: Round
    subject: str
    facts: Facts
    starters: tuple[User | Email, ...]


class Replay(Reading):
    """Reads stored rounds beside a running bot."""

    async def since(self, since: datetime) -> AsyncIterator[StoredRound]:
        """Yield every round that was opened since then, in no order. Raises StoreUnavailable."""
        after = ""
        while True:
            found = [row.id for row in await self._rows(_NEXT, {"after": after, "since": since})]
            if not found:
                return
            for row in await self._rows(_PAGE, {"rounds": found}):
                yield _to_stored(row)
            after = found[-1]

    async def of_execution(self, crew: str, execution_id: str) -> tuple[StoredRound, ...]:
        found = await self._rows(_LATEST, {"crew": crew, "execution": execution_id})
        return tuple(map(_to_stored, reversed(found)))


def _to_stored(row: sa.Row[Any]) -> StoredRound:
    round_ = to_round(row)
    facts = Facts(
        task_id=round_.review.task_id,
        task_name=round_.review.task_name,
        agent=round_.review.agent,
        output=Output(row.text, Format(row.format)),
        inputs=to_came(row.inputs),
        meta=to_came(row.meta),
        call=round_.call,
    )
    return StoredRound(round_, to_subject(row), facts, to_starters(row))
