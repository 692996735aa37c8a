"""Pieces of statements that several subjects have, for both dialects.

Statements that every notification or click runs are built once: building one costs more than SQLite
takes to carry it out.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

import sqlalchemy as sa

from crewgate.store.engine import Connection, write

Insert: TypeAlias = Any
"""Both dialects' `insert` take ON CONFLICT; they share no type."""


def insert_of(dialect: str) -> Insert:
    """Return the dialect's `insert`; only that one is imported: the other costs megabytes."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert


async def insert_once(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert a row. False if one of the same key is there already; then nothing changes."""
    return await write(connection, _insert_once(connection.dialect.name, table), row) == 1


@cache
def _insert_once(dialect: str, table: sa.Table) -> sa.Insert:
    statement: sa.Insert = insert_of(dialect)(table).on_conflict_do_nothing()
    return statement


async def insert_over(
    connection: Connection, table: sa.Table, row: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, each in place of one that has the same key, if there is one."""
    await write(connection, _insert_over(connection.dialect.name, table), row)


@cache
def _insert_over(dialect: str, table: sa.Table) -> sa.Insert:
    statement = insert_of(dialect)(table)
    others = {one.name: statement.excluded[one.name] for one in table.c if not one.primary_key}
    over: sa.Insert = statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=others
    )
    return over


def setting(table: sa.Table, *names: str) -> dict[str, sa.BindParameter[Any]]:
    """Return what an UPDATE sets these columns to: parameters of their names."""
    return {name: sa.bindparam(name, type_=table.c[name].type) for name in names}


def one_of(column: sa.Column[Any], values: Iterable[StrEnum]) -> sa.ColumnElement[bool]:
    """Compare a column with a few values; a mere list would have SQLAlchemy write the SQL anew."""
    return column.in_([sa.literal(one.value) for one in values])
