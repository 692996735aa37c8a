"""At `LOG_LEVEL=debug`, a line for each statement, with its time and without its values."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final

import sqlalchemy as sa
import structlog

log = structlog.get_logger(__name__)

_BEGAN: Final = "crewgate began"


@contextmanager
def log_statements() -> Iterator[None]:
    """Log every statement of this process for as long as the block lasts.

    While anybody listens, statements on SQLite go through SQLAlchemy, which takes longer.
    """
    sa.event.listen(sa.Engine, "before_cursor_execute", _before)
    sa.event.listen(sa.Engine, "after_cursor_execute", _after)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", _before)
        sa.event.remove(sa.Engine, "after_cursor_execute", _after)


def _before(connection: sa.Connection, *_: Any) -> None:  # SQLAlchemy's
    connection.info[_BEGAN] = perf_counter()


def _after(connection: sa.Connection, _cursor: object, statement: str, *_: Any) -> None:  # the same
    took = perf_counter() - connection.info.pop(_BEGAN)
    log.debug("statement", sql=" ".join(statement.split()), ms=round(1000 * took, 1))
