"""Rows that cannot be read: each is set aside alone, logged once, and counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final, TypeVar

import sqlalchemy as sa
import structlog

from crewgate.domain.errors import RowUnreadable

log = structlog.get_logger(__name__)

T = TypeVar("T")
#: The errors of conversions: broken JSON, an unknown word, a missing value or one of another kind.
_DAMAGED: Final = (ValueError, LookupError, TypeError, AttributeError)
#: The most damaged rows that are logged and counted: each takes a line in the log.
_MOST: Final = 1_000
_KEYS: Final = ("id", "crew", "execution_id", "round_id", "user_id", "ts")
_noted: Final[dict[tuple[str, str], None]] = {}
#: What is read in place of a value that is no time, so that the statement's other rows can be
#: read. It is compared by identity, for a column may hold this very moment.
NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)


class _Damaged:
    """The value of a column that holds no JSON; whatever uses it raises."""

    __slots__ = ()


def read_json(text: str | bytes) -> Any:
    """Parse JSON; broken JSON does not keep the other rows of its statement from being read."""
    try:
        return json.loads(text)
    except ValueError:
        return _Damaged()


def require_times(*moments: datetime | None) -> None:
    """Raise ValueError if one of these values was read from a column that holds no time."""
    for moment in moments:
        if moment is NO_TIME:
            raise ValueError("a column holds no time")


def reads(table: str) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Make a conversion of a table's rows raise RowUnreadable for a damaged row."""

    def decorate(convert: Callable[[Any], T]) -> Callable[[Any], T]:
        @wraps(convert)
        def read(row: Any) -> T:
            try:
                return convert(row)
            except _DAMAGED as error:
                key = (getattr(row, name, None) for name in _KEYS)
                row_id = " ".join(str(one) for one in key if one is not None)
                note(table, row_id, error)
                raise RowUnreadable(table, row_id) from error

        return read

    return decorate


def note(table: str, row_id: str, error: Exception) -> None:
    """Log a damaged row the first time that it is read, and count it."""
    if (table, row_id) not in _noted and len(_noted) < _MOST:
        _noted[table, row_id] = None
        why = f"{type(error).__name__}: {error}"
        log.error("row_unreadable", table=table, id=row_id, why=why)


def each(convert: Callable[[Any], T], found: Iterable[sa.Row[Any]]) -> Iterator[T]:
    """Convert the rows that can be read; damaged rows are left out."""
    for row in found:
        try:
            one = convert(row)
        except RowUnreadable:
            continue
        yield one


def or_none(convert: Callable[[Any], T], row: sa.Row[Any] | None) -> T | None:
    """Convert a row; None for no row, or a damaged row."""
    return None if row is None else next(each(convert, [row]), None)


def unreadable() -> dict[str, int]:
    """Count the damaged rows that this process has met, by table."""
    return Counter(table for table, _ in _noted)
