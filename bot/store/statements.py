"""Writing statements, built once: building one costs more than SQLite takes to carry it out."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from bot.domain.review import State
from bot.store.mappers import ROUND
from bot.store.tables import executions, outbox, outputs, reviews, rounds

Insert: TypeAlias = Any
"""Both dialects' `insert` take ON CONFLICT; they share no type."""


@cache
def upsert_activity(dialect: str) -> sa.Insert:
    """Remembers an execution, counts a sign of it, and locks it."""
    statement = insert_of(dialect)(executions)
    upsert: sa.Insert = statement.on_conflict_do_update(
        index_elements=[executions.c.crew, executions.c.execution_id],
        set_={"activity_count": executions.c.activity_count + statement.excluded.activity_count},
    )
    return upsert


@cache
def open_review(dialect: str) -> sa.Insert:
    """Remembers a review, keeps what is known of it, locks and returns it."""
    statement = insert_of(dialect)(reviews)
    upsert: sa.Insert = statement.on_conflict_do_update(
        index_elements=[reviews.c.crew, reviews.c.execution_id, reviews.c.task_id],
        set_={
            name: sa.func.coalesce(statement.excluded[name], reviews.c[name])
            for name in ("task_name", "agent", "expected_output")
        },
    ).returning(*reviews.c)
    return upsert


def insert_of(dialect: str) -> Insert:
    """Only the dialect in use is imported: the other one costs megabytes."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert


LATEST_ROUND: Final = (
    ROUND.where(rounds.c.review_id == sa.bindparam("review"))
    .order_by(rounds.c.number.desc())
    .limit(1)
    .with_for_update(of=rounds)
)
LOCKED_ROUND: Final = ROUND.where(rounds.c.id == sa.bindparam("round")).with_for_update(of=rounds)
UNFINISHED: Final = (
    ROUND.where(
        reviews.c.crew == sa.bindparam("crew"),
        reviews.c.execution_id == sa.bindparam("execution"),
        rounds.c.state.in_([State.WAITING.value, State.STUCK.value]),
    )
    .order_by(rounds.c.opened_at)
    .with_for_update(of=rounds)
)
ACTIVITY_COUNT: Final = sa.select(executions.c.activity_count).where(
    executions.c.crew == sa.bindparam("crew"),
    executions.c.execution_id == sa.bindparam("execution"),
)

ADD_ROUND: Final = sa.insert(rounds)
ADD_OUTPUT: Final = sa.insert(outputs)
ADD_EFFECT: Final = sa.insert(outbox)
SAVE_ROUND: Final = (
    sa.update(rounds)
    .where(rounds.c.id == sa.bindparam("b_id"), rounds.c.version == sa.bindparam("b_version"))
    .values(
        {
            name: sa.bindparam(name, type_=rounds.c[name].type)
            for name in (
                "state",
                "in_doubt_since",
                "activity_before",
                "answer",
                "answer_code",
                "ended_at",
                "is_approve",
                "feedback",
                "decided_by",
                "decided_by_name",
                "decided_at",
                "decided_via",
            )
        }
        | {"version": rounds.c.version + 1}
    )
)
