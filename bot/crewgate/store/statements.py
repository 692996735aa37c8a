"""Shared pieces of statements, for both dialects.

Statements of every notification or click are built once: building one costs more than SQLite takes
to run it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from crewgate.store.column_types import Instant
from crewgate.store.engine import Connection, write
from crewgate.store.tables import rounds
from crewgate.usecases.read_models import COUNTED, Selection

Insert: TypeAlias = Any
"""An INSERT that takes ON CONFLICT: those of the two dialects share no type."""


def insert_of(dialect: str) -> Insert:
    """Return the dialect's `insert`, without importing the other, which costs megabytes."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert


async def insert_once(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert a row; return False and change nothing if its key exists."""
    return await write(connection, _insert_once(connection.dialect.name, table), row) == 1


@cache
def _insert_once(dialect: str, table: sa.Table) -> Insert:
    return insert_of(dialect)(table).on_conflict_do_nothing()


async def insert_over(
    connection: Connection, table: sa.Table, row: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, each in place of a row with its key."""
    await write(connection, _insert_over(connection.dialect.name, table), row)


@cache
def _insert_over(dialect: str, table: sa.Table) -> Insert:
    statement = insert_of(dialect)(table)
    others = {one.name: statement.excluded[one.name] for one in table.c if not one.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=others)


def insert_or_fill(
    dialect: str, table: sa.Table, key: Sequence[str], fields: Sequence[str]
) -> Insert:
    """Return an INSERT; if its key exists, it sets those `fields` that are not null in it."""
    statement = insert_of(dialect)(table)
    filled = {name: sa.func.coalesce(statement.excluded[name], table.c[name]) for name in fields}
    return statement.on_conflict_do_update(index_elements=key, set_=filled)


def without_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a new row that are not null.

    Most columns of a new round or execution are null, and leaving them out of an INSERT is cheaper.
    """
    return {name: value for name, value in row.items() if value is not None}


def setting(table: sa.Table, *names: str) -> dict[str, sa.BindParameter[Any]]:
    """Return the values of an UPDATE: parameters with the columns' names."""
    return {name: sa.bindparam(name, type_=table.c[name].type) for name in names}


def one_of(column: sa.Column[Any], values: Iterable[StrEnum]) -> sa.ColumnElement[bool]:
    """Compare a column with a few values; for a plain list SQLAlchemy would write the SQL anew."""
    return column.in_([sa.literal(one.value) for one in values])


def among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Compare a column with the list that a parameter of this name has."""
    return column.in_(sa.bindparam(name, expanding=True))


def begins_with(column: sa.Column[Any], prefix: str) -> sa.ColumnElement[bool]:
    """Compare by a range, which an index serves; to LIKE a `%` or `_` would be a wildcard."""
    return (column >= prefix) & (column < prefix + "\U0010ffff")


def sum_where(condition: sa.ColumnElement[bool], value: Any = 1) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, value), else_=0))


OF_RULES: Final = (rounds.c.crew == sa.bindparam("crew"), among(rounds.c.rule_id, "rules"))
IS_EDITED: Final = rounds.c.edited_at.is_not(None)
#: A person's text in the place of a review's first output is the second round, and yet counts as
#: the first.
IS_FIRST: Final = rounds.c.number == sa.case((IS_EDITED, 2), else_=1)

# Each crew, rule and state is a range of one index, read in order and with a limit of its own: in
# one statement without ranges the database would sort all rounds of a selection.
#: The most ranges of one statement. SQLite allows 500 (https://www.sqlite.org/limits.html).
RANGES: Final = 100
_Range = tuple[str, str, str]
"""A crew, a rule's id, and a state."""
MOST: Final = sa.bindparam("most", type_=sa.Integer)
"""The parameter that limits each range, and the whole."""


def first_of_each(ranges: Iterable[sa.Select[Any]]) -> sa.Subquery:
    """Select the first MOST rows of each range, one after the other."""
    parts = [part.limit(MOST).subquery(f"range_{number}") for number, part in enumerate(ranges)]
    return sa.union_all(*map(sa.select, parts)).subquery("each")


async def first_ids(
    connection: Connection, selection: Selection, *, offset: int, limit: int
) -> tuple[str, ...]:
    most = offset + limit + len(selection.without)
    by_decision, is_behind = selection.decided_since is not None, bool(selection.after)
    found: list[sa.Row[Any]] = []
    for ranges in _ranges(selection):
        parameters = _parameters(selection, ranges, most)
        statement = _first(len(ranges), by_decision, is_behind)
        found += await connection.execute(statement, parameters)
    found.sort(key=lambda row: (row.at, row.id), reverse=by_decision)
    ids = [row.id for row in found if row.id not in selection.without]
    return tuple(ids[offset : offset + limit])


async def count_up_to(connection: Connection, selection: Selection) -> int:
    """Count rounds exactly up to COUNTED; COUNTED + 1 stands for any larger number.

    The ids of `without` are not subtracted: some may be of other queues, or in another state now.
    """
    by_decision, without = selection.decided_since is not None, selection.without
    total = 0
    for ranges in _ranges(selection):
        parameters = _parameters(selection, ranges, COUNTED + 1 + len(without))
        if without:
            parameters["without"] = list(without)
        statement = _count(len(ranges), by_decision, bool(without))
        total += await connection.scalar(statement, parameters) or 0
    return min(total, COUNTED + 1)


def _ranges(selection: Selection) -> Iterator[list[_Range]]:
    found = [(*key, state.value) for key in selection.queues for state in selection.states]
    for begin in range(0, len(found), RANGES):
        yield found[begin : begin + RANGES]


def _parameters(selection: Selection, ranges: list[_Range], most: int) -> dict[str, object]:
    parameters: dict[str, object] = {"most": most}
    if selection.decided_since is not None:
        parameters["since"] = selection.decided_since
    if selection.after:
        parameters["after"] = selection.after
    for number, (crew, rule, state) in enumerate(ranges):
        parameters |= {f"crew_{number}": crew, f"rule_{number}": rule, f"state_{number}": state}
    return parameters


@cache
def _first(ranges: int, by_decision: bool, is_behind: bool) -> sa.Select[Any]:  # noqa: FBT001
    each = _each(ranges, rounds.c.id, by_decision=by_decision, is_behind=is_behind)
    order = (each.c.at.desc(),) if by_decision else (each.c.at, each.c.id)
    return sa.select(each.c.id, each.c.at).order_by(*order).limit(MOST)


@cache
def _count(ranges: int, by_decision: bool, leaves_out: bool) -> sa.Select[Any]:  # noqa: FBT001  # these are the cache's key
    # The count reads only columns of the index: a row itself costs several times as much.
    ids = (rounds.c.id,) if leaves_out else ()
    found = _each(ranges, *ids, by_decision=by_decision)
    each = sa.select(found.c.at).limit(MOST)
    if leaves_out:
        each = each.where(found.c.id.not_in(sa.bindparam("without", expanding=True)))
    return sa.select(sa.func.count()).select_from(each.subquery())


#: The round behind which a list goes on. A modal carries only its id, so its time is looked up.
_AFTER: Final = rounds.alias("after")
_after = sa.bindparam("after", type_=sa.Text)
_AFTER_AT: Final = sa.select(_AFTER.c.opened_at).where(_AFTER.c.id == _after).scalar_subquery()


def _each(
    ranges: int, *columns: sa.ColumnElement[Any], by_decision: bool, is_behind: bool = False
) -> sa.Subquery:
    at = rounds.c.decided_at if by_decision else rounds.c.opened_at
    # A list is ordered by ids too; a count that names no ids reads only the index.
    order = (at.desc(),) if by_decision else (at, *columns)
    since = [at >= sa.bindparam("since", type_=Instant)] if by_decision else []
    if is_behind:
        since = [at >= _AFTER_AT, (at > _AFTER_AT) | (rounds.c.id > _after)]
    return first_of_each(
        sa.select(*columns, at.label("at"))
        .where(rounds.c.crew == sa.bindparam(f"crew_{number}"))
        .where(rounds.c.rule_id == sa.bindparam(f"rule_{number}"))
        .where(rounds.c.state == sa.bindparam(f"state_{number}"), *since)
        .order_by(*order)
        for number in range(ranges)
    )
