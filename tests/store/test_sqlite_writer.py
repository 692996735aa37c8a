"""Transactions share their commits, and nobody is answered before one is durable."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from crewgate.domain.errors import StoreUnavailable
from crewgate.store.engine import open_engines
from crewgate.store.sqlite import BATCH, SqliteConnection, SqliteWriter
from crewgate.store.unit_of_work import UnitOfWork
from tests.builders import NOW, a_uow, an_effect

_DURABLE = ("journal_mode=WAL", "synchronous=FULL")


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def other(database_url: str) -> Iterator[sqlite3.Connection]:
    """Another process that has the write lock."""
    file = sa.make_url(database_url).database or ""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


async def a_writer(path: Path, *, turn_seconds: float = 10) -> SqliteWriter:
    """Writes to a file with one table of numbers, each of which can be there once."""
    writer = SqliteWriter(
        str(path / "numbers.db"), pragmas=(*_DURABLE, "busy_timeout=0"), turn_seconds=turn_seconds
    )
    async with writer.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
    return writer


@pytest.fixture
async def writer(tmp_path: Path) -> SqliteWriter:
    return await a_writer(tmp_path)


async def put(connection: SqliteConnection, number: int) -> None:
    await connection.execute(sa.text("INSERT INTO numbers VALUES (:number)"), {"number": number})


async def store(writer: SqliteWriter, number: int) -> None:
    async with writer.begin() as connection:
        await put(connection, number)


def stored(path: Path) -> set[int]:
    connection = sqlite3.connect(path / "numbers.db")
    try:
        return {number for (number,) in connection.execute("SELECT number FROM numbers")}
    finally:
        connection.close()


async def refuse(writer: SqliteWriter, path: Path, number: int) -> tuple[object, set[int]]:
    """Return the count of numbers read before the error, and the numbers on the disk afterwards."""
    found = None
    with suppress(sa.exc.IntegrityError):
        async with writer.begin() as connection:
            found = await connection.scalar(sa.text("SELECT count(*) FROM numbers"))
            await put(connection, number)
            await put(connection, number)
    return found, stored(path)


async def groups(transactions: list[asyncio.Task[None]]) -> int:
    """In how many groups these end."""
    count = 0
    left = set(transactions)
    while left:
        _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        count += 1
    return count


# --- sharing ---


async def test_those_that_arrive_while_another_commits_share_the_next_commit(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    tasks = [asyncio.create_task(store(writer, number)) for number in range(BATCH + 10)]
    assert await groups(tasks) == 2
    assert stored(tmp_path) == set(range(BATCH + 10))
    await writer.dispose()


async def test_an_error_in_one_leaves_the_others(writer: SqliteWriter, tmp_path: Path) -> None:
    async def fail(number: int) -> None:
        async with writer.begin() as connection:
            await put(connection, number)
            raise LookupError

    outcomes = await asyncio.gather(
        store(writer, 1),
        fail(2),
        store(writer, 1),  # there already
        store(writer, 3),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        LookupError,
        sa.exc.IntegrityError,
        type(None),
    ]
    assert stored(tmp_path) == {1, 3}
    await writer.dispose()


async def test_one_that_raises_does_not_tell_of_what_is_not_durable(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    outcomes = await asyncio.gather(store(writer, 1), refuse(writer, tmp_path, 2), store(writer, 3))
    assert outcomes[1] == (1, {1, 3})
    await writer.dispose()


async def test_one_that_is_cancelled_at_its_turn_changes_nothing(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    changed, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        async with writer.begin() as connection:
            await put(connection, 1)
            changed.set()
            await never.wait()

    hanging = asyncio.create_task(hang())
    await changed.wait()
    next_one = asyncio.create_task(store(writer, 2))
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    await next_one
    assert stored(tmp_path) == {2}
    await writer.dispose()


async def test_one_that_is_cancelled_before_its_turn_holds_up_nobody(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    tasks = [asyncio.create_task(store(writer, number)) for number in range(4)]
    while not tasks[0].done():
        tasks[2].cancel()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait(tasks)
    assert stored(tmp_path) == {0, 1, 3}
    await writer.dispose()


async def test_a_turn_that_does_not_come_ends_in_an_error(tmp_path: Path) -> None:
    writer = await a_writer(tmp_path, turn_seconds=0.5)
    async with writer.begin():
        with pytest.raises(sa.exc.TimeoutError):
            await store(writer, 1)
    await store(writer, 2)
    assert stored(tmp_path) == {2}
    await writer.dispose()


# --- what goes wrong ---


async def test_a_commit_that_fails_fails_all_that_share_it(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    async with writer.begin() as connection:
        await connection.execute(
            sa.text(
                "CREATE TABLE orphans (number INTEGER REFERENCES numbers"
                " DEFERRABLE INITIALLY DEFERRED)"
            )
        )

    async def orphan() -> None:
        async with writer.begin() as connection:
            await connection.execute(sa.text("INSERT INTO orphans VALUES (9)"))

    refused = partial(refuse, path=tmp_path, number=3)

    await writer.dispose()
    writer = SqliteWriter(
        str(tmp_path / "numbers.db"), pragmas=(*_DURABLE, "foreign_keys=ON"), turn_seconds=10
    )
    first, *outcomes = await asyncio.gather(
        refused(writer), store(writer, 1), orphan(), refused(writer), return_exceptions=True
    )
    assert first == (0, set())  # it read nothing of the others
    assert all(isinstance(outcome, sqlite3.IntegrityError) for outcome in outcomes)
    assert stored(tmp_path) == set()
    await store(writer, 2)
    assert stored(tmp_path) == {2}
    await writer.dispose()


async def test_a_full_disk_fails_all_that_share_the_commit_and_the_next_go_on(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    async def fill() -> None:
        async with writer.begin() as connection:
            pages = await connection.scalar(sa.text("PRAGMA page_count"))
            await connection.execute(sa.text(f"PRAGMA max_page_count={pages}"))
            await connection.execute(sa.text("CREATE TABLE more (text TEXT)"))

    outcomes = await asyncio.gather(store(writer, 1), fill(), return_exceptions=True)
    assert isinstance(outcomes[1], sa.exc.OperationalError)
    if outcomes[0] is not None:  # SQLite may take back the whole transaction, or the statement
        assert isinstance(outcomes[0], sqlite3.OperationalError)
    await writer.dispose()  # `max_page_count` is the connection's
    await store(writer, 2)
    assert stored(tmp_path) >= {2}
    await writer.dispose()


async def test_a_transaction_that_sqlite_takes_back_fails_all_that_share_it(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    async def lose() -> None:
        async with writer.begin() as connection:
            # As SQLite does by itself when the disk is full: no savepoint is left either.
            await connection.execute(sa.text("INSERT OR ROLLBACK INTO numbers VALUES (0), (0)"))

    first = asyncio.create_task(store(writer, 1))
    lost = asyncio.create_task(lose())
    last = asyncio.create_task(store(writer, 2))
    await asyncio.wait([first, lost, last])
    assert isinstance(first.exception(), sqlite3.OperationalError)
    assert isinstance(lost.exception(), sqlite3.OperationalError)
    assert last.exception() is None
    assert stored(tmp_path) == {2}
    await writer.dispose()


async def test_a_file_that_cannot_be_opened_fails_all_that_wait_and_is_tried_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "numbers.db"
    path.mkdir()
    writer = SqliteWriter(str(path), pragmas=_DURABLE, turn_seconds=10)
    outcomes = await asyncio.gather(store(writer, 1), store(writer, 2), return_exceptions=True)
    assert all(isinstance(outcome, sa.exc.OperationalError) for outcome in outcomes)
    path.rmdir()
    async with writer.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
    await writer.dispose()


async def test_nothing_is_left_of_a_writer_that_was_disposed_of(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    await (await a_writer(tmp_path)).dispose()
    await asyncio.to_thread(ended, "sqlite-writer", before)


# --- others meanwhile ---


async def write(uow: UnitOfWork) -> None:
    async with uow.begin() as tx:
        await tx.enqueue([an_effect()], at=NOW)


async def others_go_on(uow: UnitOfWork, meanwhile: asyncio.Task[None]) -> None:
    for _ in range(20):
        await uow.read.ping()
    assert not meanwhile.done()


async def test_others_go_on_while_a_transaction_waits_for_the_lock(
    uow: UnitOfWork, other: sqlite3.Connection
) -> None:
    waiting = asyncio.create_task(write(uow))
    await others_go_on(uow, waiting)
    other.execute("ROLLBACK")
    await waiting


async def test_a_transaction_that_is_cancelled_while_it_waits_leaves_nothing_locked(
    uow: UnitOfWork, other: sqlite3.Connection
) -> None:
    waiting = asyncio.create_task(write(uow))
    await others_go_on(uow, waiting)
    waiting.cancel()
    await uow.read.ping()
    other.execute("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await write(uow)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")


async def test_a_lock_that_is_not_given_up_is_said_to_be_so(
    database_url: str, other: sqlite3.Connection
) -> None:
    engines = open_engines(database_url)
    uow = a_uow(engines)
    other.execute("ROLLBACK")
    async with engines.write.begin() as connection:
        await connection.execute(sa.text("PRAGMA busy_timeout=0"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await write(uow)
    other.execute("ROLLBACK")
    await write(uow)
    await engines.dispose()


async def test_a_health_check_does_not_wait_for_a_lock(
    uow: UnitOfWork, other: sqlite3.Connection
) -> None:
    uow.availability.failure = "database is locked"
    with pytest.raises(StoreUnavailable, match="locked"):
        await uow.probe(patience=0.01)
    with pytest.raises(StoreUnavailable, match="locked"):
        await uow.probe(patience=0.01)
    other.execute("ROLLBACK")
    await uow.probe(patience=60)
    assert uow.availability.failure is None


# --- what was answered stays ---

_VICTIM = """
import asyncio, sys
import sqlalchemy as sa
from crewgate.store.sqlite import SqliteWriter

async def store(writer, number):
    async with writer.begin() as connection:
        await connection.execute(sa.text(f"INSERT INTO numbers VALUES ({number})"))
    print(number, flush=True)

async def run():
    pragmas = ("journal_mode=WAL", "synchronous=FULL")
    writer = SqliteWriter(sys.argv[1], pragmas=pragmas, turn_seconds=10)
    for start in range(0, 1_000_000, 16):
        await asyncio.gather(*(store(writer, start + number) for number in range(16)))

asyncio.run(run())
"""


@pytest.mark.parametrize("answers", [1, 17, 40, 333])
async def test_a_process_that_is_killed_loses_nothing_that_it_answered(
    writer: SqliteWriter, tmp_path: Path, answers: int
) -> None:
    await writer.dispose()
    victim = subprocess.Popen(  # noqa: ASYNC220, S603  # ours; reading it is the test
        [sys.executable, "-c", _VICTIM, str(tmp_path / "numbers.db")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    answered = {int(victim.stdout.readline()) for _ in range(answers)}
    os.kill(victim.pid, signal.SIGKILL)
    answered |= {int(line) for line in victim.stdout if line.endswith("\n")}
    victim.wait()
    victim.stdout.close()
    assert answered <= stored(tmp_path)


def ended(name: str, before: set[threading.Thread]) -> None:
    """Wait for threads of this name to end that began since then."""
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith(name):
            thread.join(timeout=10)
            assert not thread.is_alive()
