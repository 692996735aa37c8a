"""The database's failures, as the one error that use cases know."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from crewgate.domain.errors import StoreUnavailable


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what means "the database cannot take it now" into StoreUnavailable.

    A broken constraint or query is a bug of ours and stays what it is.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError):
        raise
    except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.DatabaseError, OSError) as error:
        cause = error.__cause__ or error
        raise StoreUnavailable(str(cause) or f"no answer ({type(cause).__name__})") from error
