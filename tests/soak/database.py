"""The bot's database, read beside the bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import ExecutionState
from crewgate.domain.review import State
from crewgate.store.engine import open_readers
from crewgate.store.tables import executions, outbox, outputs, reviews, rounds
from tests.soak.labels import CARE, OUTCOMES, Label, find_edit, find_label, text_of
from tests.soak.rules import OF_THE_LOAD, Vote

#: These stay in the outbox for long: nothing is behind if they are there.
LASTING: Final = frozenset(
    {
        EffectKind.POLL_STATUS,
        EffectKind.EXPIRE_CLAIM,
        EffectKind.END_LESSON,
    }
)
UNFINISHED: Final = frozenset({State.WAITING, State.DECIDED, State.STUCK})
_HEAD: Final = 200
_CALL: Final = 2_000
"""The label and the first paragraph."""


@dataclass(frozen=True, slots=True)
class StoredRound:
    """One round."""

    id: str
    execution_id: str
    label: Label
    number: int
    state: State
    reason: str | None
    in_doubt: bool
    is_approve: bool | None
    feedback: str | None
    decided_by: str | None
    votes: tuple[Vote, ...]
    """Those whose approvals decided it, or who did."""
    crew: str
    escalated: bool
    has_rule: bool
    card_ts: str | None
    edit: int | None = None
    """The number of the text, if a person wrote it."""
    is_careful: bool = False
    """CARE is in the crew's output, in the text, or in the words of those who approved."""

    @property
    def by_rule(self) -> bool:
        """Nobody decided in time, so its rule did."""
        return self.decided_by == ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideRound:
    """One round of a crew beside those of the load."""

    id: str
    execution_id: str
    crew: str
    state: State
    reason: str | None
    text: str
    is_approve: bool | None
    decided_by: str | None
    decided_at: datetime | None
    opened_at: datetime
    task_id: str
    number: int
    call: dict[str, Any] | None
    origin_id: str | None
    """The round that a person changed, or of which this one was asked anew."""

    @property
    def is_unfinished(self) -> bool:
        """Somebody, or the crew, has still to do something."""
        return self.state in UNFINISHED


@dataclass(frozen=True, slots=True)
class StoredJob:
    """One effect that is not done."""

    kind: EffectKind
    subject: str
    crew: str
    execution_id: str
    created_at: datetime
    due_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything at one moment."""

    rounds: tuple[StoredRound, ...]
    jobs: tuple[StoredJob, ...]
    over: frozenset[str]
    """The executions that it knows to be over."""
    beside: tuple[BesideRound, ...] = ()
    """The rounds of crews beside those of the load."""

    def of_crew(self, crew: str) -> tuple[BesideRound, ...]:
        """The rounds of a crew beside those of the load."""
        return tuple(one for one in self.beside if one.crew == crew)

    @property
    def behind(self) -> tuple[StoredJob, ...]:
        """The effects that should be done by now."""
        return tuple(job for job in self.jobs if job.kind not in LASTING)


class Database:
    """The bot's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self) -> Stored:
        """Everything, in one transaction."""
        async with self._engine.connect() as connection, connection.begin():
            stored_rounds = (await connection.execute(_ROUNDS)).all()
            jobs = (await connection.execute(_JOBS)).all()
            over = (await connection.execute(_OVER)).scalars()
            beside = (await connection.execute(_BESIDE)).all()
            return Stored(
                tuple(_round(row) for row in stored_rounds),
                tuple(StoredJob(EffectKind(row.kind), *row[1:]) for row in jobs),
                frozenset(over),
                tuple(_beside(row) for row in beside),
            )


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Read the database of a running bot."""
    engine = open_readers(url)
    assert engine is not None
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


_ROUNDS: Final = (
    sa.select(
        rounds.c.id,
        reviews.c.execution_id,
        sa.func.substr(outputs.c.text, 1, _HEAD).label("text"),
        rounds.c.number,
        rounds.c.state,
        rounds.c.reason,
        rounds.c.in_doubt_since,
        rounds.c.is_approve,
        rounds.c.is_label,
        rounds.c.feedback,
        rounds.c.decided_by,
        rounds.c.on_behalf_of,
        rounds.c.votes,
        rounds.c.crew,
        rounds.c.escalated_at,
        rounds.c.rule_id,
        rounds.c.card_ts,
    )
    .join(reviews, reviews.c.id == rounds.c.review_id)
    .join(outputs, outputs.c.round_id == rounds.c.id)
    .where(rounds.c.crew.startswith(OF_THE_LOAD))
)
_BESIDE: Final = (
    sa.select(
        rounds.c.id,
        reviews.c.execution_id,
        rounds.c.crew,
        rounds.c.state,
        rounds.c.reason,
        sa.func.substr(outputs.c.text, 1, _CALL).label("text"),
        rounds.c.is_approve,
        rounds.c.decided_by,
        rounds.c.decided_at,
        rounds.c.opened_at,
        reviews.c.task_id,
        rounds.c.number,
        rounds.c.call,
        rounds.c.origin_id,
    )
    .join(reviews, reviews.c.id == rounds.c.review_id)
    .join(outputs, outputs.c.round_id == rounds.c.id)
    .where(~rounds.c.crew.startswith(OF_THE_LOAD))
    .order_by(rounds.c.opened_at, rounds.c.number)
)
_JOBS: Final = sa.select(
    outbox.c.kind,
    outbox.c.subject,
    outbox.c.crew,
    outbox.c.execution_id,
    outbox.c.created_at,
    outbox.c.due_at,
    outbox.c.tries,
)
_OVER: Final = sa.select(executions.c.execution_id).where(
    executions.c.state != ExecutionState.RUNNING
)


def _round(row: Any) -> StoredRound:
    label = find_label(row.text)
    assert label is not None, row.text
    return StoredRound(
        row.id,
        row.execution_id,
        label,
        row.number,
        State(row.state),
        row.reason,
        row.in_doubt_since is not None,
        _is_approve(row),
        row.feedback,
        row.decided_by,
        _votes(row),
        row.crew,
        row.escalated_at is not None,
        row.rule_id != "",
        row.card_ts,
        find_edit(row.text),
        any(CARE in text for text in (row.text, text_of(label), row.feedback or "")),
    )


def _beside(row: Any) -> BesideRound:
    columns = dict(row._mapping)
    return BesideRound(**columns | {"state": State(columns["state"])})


def _is_approve(row: Any) -> bool | None:
    if row.is_label is not None:
        return bool(row.feedback == OUTCOMES[0])
    return None if row.is_approve is None else bool(row.is_approve)


def _votes(row: Any) -> tuple[Vote, ...]:
    if not row.decided_by:
        return ()
    if _is_approve(row) and row.votes:
        absent = (vote.get("on_behalf_of") for vote in row.votes)
        voted = zip((vote["by"][0] for vote in row.votes), absent, strict=True)
        return tuple((by, away and away[0]) for by, away in voted)
    return ((row.decided_by, row.on_behalf_of),)
