"""Writing statements, built once: building one costs more than SQLite takes to carry it out."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from crewgate.domain.effects import OF_WAITING
from crewgate.domain.reason import ExecutionGone
from crewgate.domain.review import State
from crewgate.store.mappers import ROUND
from crewgate.store.reasons import WHILE_WAITING, from_reason
from crewgate.store.tables import (
    REGISTERED,
    executions,
    flow_requests,
    kickoff_forms,
    outbox,
    outputs,
    reviews,
    rounds,
    rules,
    task_updates,
    webhooks,
)

Insert: TypeAlias = Any
"""Both dialects' `insert` take ON CONFLICT; they share no type."""


# As text: SQLAlchemy leaves the tables' names out of what is returned.
_HAS_WEBHOOKS: Final[sa.ColumnElement[bool]] = sa.literal_column(
    "(EXISTS (SELECT 1 FROM webhooks WHERE webhooks.crew = executions.crew"
    " AND webhooks.execution_id = executions.execution_id)"
    " OR EXISTS (SELECT 1 FROM flow_requests WHERE flow_requests.crew = executions.crew"
    " AND flow_requests.execution_id = executions.execution_id))",
    sa.Boolean,
).label("has_webhooks")


@cache
def open_execution(dialect: str) -> sa.Insert:
    """Upsert an execution, add to its activity count, lock it and return it.

    Activity outdates what the crew was asked before. With `has_webhooks`, or requests of flows:
    most have none, and then nobody needs to read them.
    """
    statement = insert_of(dialect)(executions)
    is_activity = statement.excluded.activity_count > sa.literal_column("0")
    upsert: sa.Insert = statement.on_conflict_do_update(
        index_elements=[executions.c.crew, executions.c.execution_id],
        set_={
            "activity_count": executions.c.activity_count + statement.excluded.activity_count,
            "asked_at": sa.case((is_activity, sa.null()), else_=executions.c.asked_at),
        },
    ).returning(*executions.c, _HAS_WEBHOOKS)
    return upsert


@cache
def open_review(dialect: str) -> sa.Insert:
    """Upsert a review, keep what is known of it, lock it and return it."""
    statement = insert_of(dialect)(reviews)
    upsert: sa.Insert = statement.on_conflict_do_update(
        index_elements=[reviews.c.crew, reviews.c.execution_id, reviews.c.task_id],
        set_={
            name: sa.func.coalesce(statement.excluded[name], reviews.c[name])
            for name in ("task_name", "agent", "expected_output")
        },
    ).returning(*reviews.c)
    return upsert


@cache
def register_webhooks(dialect: str) -> sa.Insert:
    """Upsert an execution's registered URLs; one that is not given stays as it was."""
    statement = insert_of(dialect)(webhooks)
    upsert: sa.Insert = statement.on_conflict_do_update(
        index_elements=[webhooks.c.crew, webhooks.c.execution_id, webhooks.c.origin],
        set_={
            name: sa.func.coalesce(statement.excluded[name], webhooks.c[name])
            for name in ("task_url", "step_url", "crew_url")
        },
    )
    return upsert


@cache
def add_kickoff_form(dialect: str) -> sa.Insert:
    """Insert a form and return it; nothing where it is there already."""
    statement = insert_of(dialect)(kickoff_forms)
    added: sa.Insert = statement.on_conflict_do_nothing(
        index_elements=[kickoff_forms.c.form]
    ).returning(kickoff_forms.c.form)
    return added


@cache
def keep_rule(dialect: str) -> sa.Insert:
    """Insert a rule, unless it is there."""
    statement = insert_of(dialect)(rules)
    kept: sa.Insert = statement.on_conflict_do_nothing(index_elements=[rules.c.id])
    return kept


@cache
def add_task_update_once(dialect: str) -> sa.Insert:
    """Insert a task update and return its id; nothing where it is there already."""
    statement = insert_of(dialect)(task_updates)
    added: sa.Insert = statement.on_conflict_do_nothing(
        index_elements=[task_updates.c.id]
    ).returning(task_updates.c.id)
    return added


@cache
def settle_job(columns: tuple[str, ...]) -> sa.Update:
    """Set these columns of a job, unless its lease was lost.

    One that was expedited while it was leased is due as soon as that says.
    """
    values: dict[str, Any] = {
        name: sa.bindparam(name, type_=outbox.c[name].type) for name in columns
    }
    if "due_at" in values:
        expedited = sa.and_(outbox.c.tries == 0, outbox.c.due_at < values["due_at"])
        values["due_at"] = sa.case((expedited, outbox.c.due_at), else_=values["due_at"])
    return sa.update(outbox).where(*_OURS).values(values)


@cache
def save_round(columns: tuple[str, ...], *, under_rule: bool) -> sa.Update:
    """Compare and swap: set these columns of a round, unless somebody saved it meanwhile.

    Without a rule only where there is none: a round never loses its rule.
    """
    values = {name: sa.bindparam(name, type_=rounds.c[name].type) for name in columns}
    saved = (
        sa.update(rounds)
        .where(rounds.c.id == sa.bindparam("b_id"), rounds.c.version == sa.bindparam("b_version"))
        .values(values | {"version": rounds.c.version + 1})
    )
    return saved if under_rule else saved.where(rounds.c.rule_id == "")


#: Columns that are written once, or by statements of their own.
_WRITTEN_ONCE: Final = {
    rounds: {"id", "review_id", "crew", "number", "version", "opened_at", "digest", "unchanged"},
    executions: {"crew", "execution_id", "began_at"},
}


def changing(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that may change."""
    return {name: value for name, value in row.items() if name not in _WRITTEN_ONCE[table]}


@cache
def lock_of(found: sa.Select[Any]) -> sa.Select[Any]:
    """Lock the rounds that a statement finds, and return their ids."""
    return found.with_only_columns(rounds.c.id).with_for_update(of=rounds)


def one_of(column: sa.Column[Any], values: Iterable[StrEnum]) -> sa.ColumnElement[bool]:
    """Whether a column is one of these; a mere list would have SQLAlchemy write the SQL anew."""
    return column.in_([sa.literal(one.value) for one in values])


def insert_of(dialect: str) -> Insert:
    """Only the dialect in use is imported: the other one costs megabytes."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert


@cache
def update_execution(*names: str) -> sa.Update:
    """Set these columns of the execution that `b_crew` and `b_execution` name."""
    values = {name: sa.bindparam(name, type_=executions.c[name].type) for name in names}
    return sa.update(executions).where(*_THIS_EXECUTION).values(values)


VERSION_OF_ROUND: Final = sa.select(rounds.c.version).where(rounds.c.id == sa.bindparam("round"))
LOCKED_ROUNDS: Final = ROUND.where(
    rounds.c.id.in_(sa.bindparam("rounds", expanding=True))
).order_by(rounds.c.opened_at)
LATEST_ROUND: Final = (
    ROUND.where(rounds.c.review_id == sa.bindparam("review"))
    .order_by(rounds.c.number.desc())
    .limit(1)
)
ROUND_OF_REQUEST: Final = ROUND.join(flow_requests, flow_requests.c.round_id == rounds.c.id).where(
    flow_requests.c.crew == sa.bindparam("crew"),
    flow_requests.c.execution_id == sa.bindparam("execution"),
    flow_requests.c.request_id == sa.bindparam("request"),
)
ONE_ROUND: Final = ROUND.where(rounds.c.id == sa.bindparam("round"))
UNFINISHED: Final = ROUND.where(
    reviews.c.crew == sa.bindparam("crew"),
    reviews.c.execution_id == sa.bindparam("execution"),
    one_of(rounds.c.state, (State.WAITING, State.DECIDED, State.STUCK)),
).order_by(rounds.c.opened_at)
_newer = rounds.alias("newer")
CLOSED_AS_GONE: Final = ROUND.where(
    reviews.c.crew == sa.bindparam("crew"),
    reviews.c.execution_id == sa.bindparam("execution"),
    rounds.c.state == State.CLOSED.value,
    (rounds.c.reason == from_reason(ExecutionGone())["reason"])
    | (rounds.c.reason_code == WHILE_WAITING),
    ~sa.exists().where(_newer.c.review_id == rounds.c.review_id, _newer.c.number > rounds.c.number),
).order_by(rounds.c.opened_at)
_THIS_EXECUTION: Final = (
    executions.c.crew == sa.bindparam("b_crew"),
    executions.c.execution_id == sa.bindparam("b_execution"),
)
FIND_EXECUTION: Final = sa.select(executions).where(*_THIS_EXECUTION)
HAS_WEBHOOKS: Final = sa.select(_HAS_WEBHOOKS).select_from(executions).where(*_THIS_EXECUTION)
UNDO_ACTIVITY: Final = (
    sa.update(executions)
    .where(*_THIS_EXECUTION)
    .values(activity_count=executions.c.activity_count - 1)
)
PLACE_PROGRESS: Final = update_execution("progress_channel", "progress_ts")
PLACE_THREAD: Final = update_execution("channel", "thread_ts")
START_THREAD: Final = PLACE_THREAD.where(executions.c.thread_ts.is_(None))

ADD_ROUND: Final = sa.insert(rounds)
ADD_OUTPUT: Final = sa.insert(outputs)
ADD_EFFECT: Final = sa.insert(outbox)
#: A job whose lease was lost belongs to somebody else.
_OURS: Final = (
    outbox.c.id == sa.bindparam("b_job"),
    outbox.c.lease_until == sa.bindparam("b_lease", type_=outbox.c.lease_until.type),
)
COMPLETE_JOB: Final = sa.delete(outbox).where(*_OURS)
_SAME_EFFECT: Final = (
    outbox.c.ordering_key == sa.bindparam("b_ordering_key"),
    outbox.c.kind == sa.bindparam("b_kind"),
    outbox.c.set_aside_at.is_(None),
)
CANCEL: Final = sa.delete(outbox).where(
    outbox.c.subject == sa.bindparam("round"),
    one_of(outbox.c.kind, sorted(OF_WAITING)),
)
WAITS_ALREADY: Final = sa.select(outbox.c.id).where(*_SAME_EFFECT).limit(1)
_AT = sa.bindparam("b_at", type_=outbox.c.due_at.type)
HASTEN: Final = (
    sa.update(outbox)
    .where(*_SAME_EFFECT)
    .values(
        # Of a job that is under way `settle_job` heeds it.
        due_at=sa.case(
            (sa.and_(outbox.c.lease_until.is_(None), outbox.c.due_at < _AT), outbox.c.due_at),
            else_=_AT,
        ),
        created_at=_AT,
        tries=0,
    )
)
_THIS_ROUND: Final = sa.update(rounds).where(rounds.c.id == sa.bindparam("b_id"))
PLACE_CARD: Final = _THIS_ROUND.values(
    card_channel=sa.bindparam("channel"),
    card_ts=sa.bindparam("ts"),
    card_shows=sa.bindparam("shown"),
    card_thread_ts=sa.bindparam("thread_ts"),
)
FORGET_THREAD: Final = (
    sa.update(rounds)
    .where(
        rounds.c.card_channel == sa.bindparam("b_channel"),
        rounds.c.card_thread_ts == sa.bindparam("b_thread"),
    )
    .values(card_thread_ts=None)
)
FORGET_CALLBACK: Final = (
    sa.update(flow_requests)
    .where(flow_requests.c.round_id == sa.bindparam("b_round"))
    .values(callback_url=None, token=None)
)
"""Forget where a round was answered; that it was asked stays known."""
RECORD_SHOWN: Final = _THIS_ROUND.values(card_shows=sa.bindparam("shown"))
WEBHOOKS_OF_ROUND: Final = sa.select(webhooks).where(
    webhooks.c.crew == sa.bindparam("crew"),
    webhooks.c.execution_id == sa.bindparam("execution"),
    webhooks.c.origin.in_([REGISTERED, sa.bindparam("round")]),
)
