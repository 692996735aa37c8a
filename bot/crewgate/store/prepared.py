"""Statements that are built once, compiled once.

SQLAlchemy works out anew at each execution which parameters are bound and how. For the few
statements that most transactions on SQLite are made of, that costs more than SQLite itself takes.
Not for statements with parameters that stand for lists.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect as sqlite

Write = sa.Insert | sa.Update | sa.Delete
Rows = sa.Select[Any] | Write
"""A statement that gives rows back: a SELECT, or another with RETURNING."""
_Conversions = tuple[tuple[int, Callable[[Any], Any]], ...]
"""Conversions of values that SQLite neither takes nor gives as they are, by place."""

_DIALECT: Final = sqlite()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement as SQLite takes it."""

    sql: str
    names: tuple[str, ...]
    """Of the parameters, in the order of their `?`."""
    own: Mapping[str, Any]
    """Values that the statement itself brings along."""
    conversions: _Conversions
    row: Callable[[Iterable[Any]], Any]
    """Makes a row with a name for each column."""
    row_conversions: _Conversions

    def bind(self, given: Mapping[str, Any]) -> list[Any]:
        """Return the values for its `?`, in order. Raises KeyError if one is missing."""
        if self.own:
            given = {**self.own, **given}
        values = [given[name] for name in self.names]
        return _converted(values, self.conversions)

    def read(self, found: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Return SQLite's rows with the names of their columns."""
        return [self.row(_converted(list(values), self.row_conversions)) for values in found]


def _converted(values: list[Any], conversions: _Conversions) -> list[Any]:
    for place, convert in conversions:
        values[place] = convert(values[place])
    return values


@cache
def prepare(statement: Rows, columns: tuple[str, ...]) -> Prepared:
    """Compile a statement that is built once, for parameters of these names."""
    compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
    assert isinstance(compiled, sa.sql.compiler.SQLCompiler)  # noqa: S101  # of such a statement
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    given = (
        statement.column_descriptions
        if isinstance(statement, sa.Select)
        else statement.returning_column_descriptions
    )
    columns_given = [str(column["name"]) for column in given]
    row = cast("Any", namedtuple)("Row", columns_given)  # noqa: PYI024  # its names are known here
    types = [bind.type for bind in binds], [column["type"] for column in given]
    into, out_of = ([one.dialect_impl(_DIALECT) for one in some] for some in types)
    return Prepared(
        compiled.string,
        names=tuple(bind.key for bind in binds),
        own={bind.key: bind.value for bind in binds if not bind.required},
        conversions=_conversions(one.bind_processor(_DIALECT) for one in into),
        row=row._make,
        row_conversions=_conversions(one.result_processor(_DIALECT, None) for one in out_of),
    )


def _conversions(found: Iterable[Callable[[Any], Any] | None]) -> _Conversions:
    return tuple((place, one) for place, one in enumerate(found) if one is not None)
