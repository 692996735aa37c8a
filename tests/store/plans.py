"""The statements that run, a database with many executions, and what a statement looks at there."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from crewgate.store.engine import Engines

GROWING: Final = (
    "rounds|outbox|executions|task_updates|reviews|outputs|webhooks|dead_letters"
    "|lessons|forwarded_webhooks|notes|claims|read_to_end|rules|direct_messages"
)

Statements = list[tuple[str, Any]]


@contextmanager
def recorded(engines: Engines) -> Iterator[Statements]:
    """Every statement that runs meanwhile, with its parameters."""
    statements: Statements = []

    def keep(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if re.match("SELECT|UPDATE|DELETE", statement):
            statements.append((statement, parameters[0] if many else parameters))

    background = engines.for_outbox
    all_of_them = (engines.write, engines.read, background.write, background.read)
    targets = {engine.sync_engine for engine in all_of_them}
    for engine in targets:
        sa.event.listen(engine, "before_cursor_execute", keep)
    yield statements
    for engine in targets:
        sa.event.remove(engine, "before_cursor_execute", keep)


CREWS: Final = ("research", "other", "third")

_NAMES: Final = {
    "each": "WITH RECURSIVE each(n) AS"
    " (SELECT {first} UNION ALL SELECT n + 1 FROM each WHERE n < {last})",
    "crew": "CASE n % 3 WHEN 0 THEN 'research' WHEN 1 THEN 'other' ELSE 'third' END",
    "decided": "n % 10 > 6",
}
_BARE: Final = 3
"""The first of the steps: executions, reviews and rounds."""
_STEPS: Final = (
    """
    INSERT INTO executions (crew, execution_id, tracked, state, began_at, activity_count,
                            completed_tasks, step, inputs, error)
    {each} SELECT {crew}, 'many-' || n, true, 'RUNNING', n, 0, 0, '', '[]', '' FROM each
    """,
    """
    INSERT INTO reviews (id, crew, execution_id, task_id)
    {each} SELECT 'v' || n, {crew}, 'many-' || n, 'draft' FROM each
    """,
    """
    INSERT INTO rounds (id, review_id, number, state, version, opened_at, digest, unchanged,
                        is_approve, decided_by, decided_by_name, decided_via, decided_at,
                        activity_before, reason_code, reason_words, crew)
    {each} SELECT 'r' || n, 'v' || n, 1,
            CASE n % 10 WHEN 7 THEN 'DECIDED' WHEN 8 THEN 'STUCK' WHEN 9 THEN 'RESUMED'
                        ELSE 'WAITING' END,
            1, n, '', false,
            CASE WHEN {decided} THEN true END, CASE WHEN {decided} THEN 'U0ANA' END,
            CASE WHEN {decided} THEN 'Ana' END, CASE WHEN {decided} THEN 'button' END,
            CASE WHEN {decided} THEN {at} + n END, 0, '', '', {crew} FROM each
    """,
    """
    INSERT INTO outputs (round_id, format, text)
    {each} SELECT 'r' || n, 'markdown', 'A draft.' FROM each
    """,
    """
    INSERT INTO task_updates (id, crew, execution_id, received_at, title, summary)
    {each} SELECT 't' || n, {crew}, 'many-' || n, n, 'plan', '' FROM each
    """,
    """
    INSERT INTO notes (channel, ts, round_id, author, author_name, text, at, edited_ts, deleted)
    {each} SELECT 'C1', '1.' || n, 'r' || n, 'U0ANA', 'Ana', 'Shorter.', n, '', false FROM each
    """,
    """
    INSERT INTO claims (round_id, claimed_by, claimed_by_name, at)
    {each} SELECT 'r' || n, 'U0ANA', 'Ana', n FROM each
    """,
    """
    INSERT INTO outbox (destination, ordering_key, kind, subject, crew, execution_id,
                        created_at, due_at, tries, set_aside_at)
    {each} SELECT 'slack', 'ordering key ' || n, 'post', 'r' || n, {crew}, 'many-' || n, 0,
            CASE WHEN n % 1000 = 0 THEN 0 ELSE 4000000000000000 END, 0,
            CASE WHEN n % 2 = 1 THEN {at} + n END FROM each
    """,
    """
    INSERT INTO rules (id, crew, escalated, rule)
    {each} SELECT 'rule ' || n, 'crew ' || n, false, '' FROM each
    """,
    "ANALYZE",
)


async def insert_many(
    engines: Engines, last: int, *, first: int, at: int, bare: bool = False
) -> None:
    """The executions of these numbers, of three crews, each with a round: seven of ten wait.

    `at` is when the others were decided, in microseconds since 1970. A bare round has no text, no
    job and nothing else that belongs to it.
    """
    write = engines.write
    # PostgreSQL's own connections end a statement after seconds.
    patient = create_async_engine(write.url) if isinstance(write, AsyncEngine) else None
    async with (patient or write).begin() as connection:
        for step in _STEPS[:_BARE] if bare else _STEPS:
            named = step.format(**_NAMES, at=at).format(first=first, last=last)
            await connection.execute(sa.text(named))
    if patient is not None:
        await patient.dispose()


AS_MANY: Final = 1.1
"""The factor by which the steps of two equal looks may differ.

Another build of SQLite orders a plan's instructions otherwise. A look that grows with the rows
takes several times as many steps here.
"""


async def steps_of(connection: AsyncConnection, statement: str, parameters: Any) -> int:
    """Return the number of instructions that SQLite carries out for a statement."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, aiosqlite.Connection)
    # A connection's first run, also after an ANALYZE of another, reads the schema as well: a
    # thousand steps, which would be counted by chance.
    await connection.exec_driver_sql(statement, parameters)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    await driver.set_progress_handler(count, 1)
    await connection.exec_driver_sql(statement, parameters)
    await driver.set_progress_handler(None, 1)  # type: ignore[arg-type]
    return steps


async def rows_of(connection: AsyncConnection, statement: str, parameters: Any) -> int:
    """Return the number of rows that PostgreSQL reads for a statement, in all steps of its plan."""
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    plan = (await connection.exec_driver_sql(explain, parameters)).scalar_one()
    (top,) = json.loads(plan) if isinstance(plan, str) else plan
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in _nodes(top["Plan"])
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
