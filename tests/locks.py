"""The order in which transactions lock rows on PostgreSQL; a test fails where it is another one."""

import re
from typing import Any, Final

import sqlalchemy as sa

from crewgate.store.engine import Engines

#: As `Tx` promises: then no transaction waits for one that waits for it.
ORDER: Final = ("executions", "rounds", "of a round", "outbox")
#: Whoever inserts into one of them locks its round too, against everybody who takes that to change
#: it; so the round is taken first.
OF_A_ROUND: Final = ("notes", "claims", "direct_messages", "read_to_end")
_LOCKS: Final = re.compile(r"(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)|SELECT.* FOR UPDATE OF (\w+)")


def check_order_of_locks(engines: Engines) -> None:
    """Have a transaction fail that begins to lock rows of a place after those of a later one."""
    engine = engines.write.sync_engine
    sa.event.listen(engine, "begin", _forget)
    sa.event.listen(engine, "before_cursor_execute", _check)


def _forget(connection: sa.Connection) -> None:
    connection.info["locked"] = []


def _check(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
    found = _LOCKS.match(" ".join(statement.split()))
    table = found and (found[1] or found[2])
    place = "of a round" if table in OF_A_ROUND else table
    locked = connection.info.setdefault("locked", [])
    if place in ORDER and place not in locked:
        later = set(locked) & set(ORDER[ORDER.index(place) :])
        assert not later, f"{table} is locked after {later}: {statement}"
        locked.append(place)
