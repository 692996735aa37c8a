"""What may take long is left to a thread, and nothing else is."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.engine import Engines
from bot.store.sqlite_connection import WriterConnection, connect
from bot.store.unit_of_work import SqlUnitOfWork
from tests.builders import NOW, an_effect


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def other(tmp_path: Path, engines: Engines) -> Iterator[sqlite3.Connection]:
    """Another process that has the write lock."""
    connection = sqlite3.connect(tmp_path / "crewgate.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


async def write(uow: SqlUnitOfWork) -> None:
    async with uow.begin() as tx:
        await tx.enqueue([an_effect()], at=NOW)


async def others_go_on(uow: SqlUnitOfWork, meanwhile: asyncio.Task[None]) -> None:
    for _ in range(20):
        await uow.read.ping()
    assert not meanwhile.done()


async def test_others_go_on_while_a_transaction_waits_for_the_lock(
    uow: SqlUnitOfWork, other: sqlite3.Connection
) -> None:
    waiting = asyncio.create_task(write(uow))
    await others_go_on(uow, waiting)
    other.execute("ROLLBACK")
    await waiting


async def test_a_transaction_that_is_cancelled_while_it_waits_leaves_nothing_locked(
    uow: SqlUnitOfWork, other: sqlite3.Connection
) -> None:
    waiting = asyncio.create_task(write(uow))
    await others_go_on(uow, waiting)
    waiting.cancel()
    await uow.read.ping()
    other.execute("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    await write(uow)


async def test_statements_are_carried_out_at_once(engines: Engines) -> None:
    """SQLAlchemy works with our connection, and its statements never leave the loop's thread."""
    async with engines.write.begin() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, WriterConnection)
        await driver.create_function("thread", 0, threading.get_ident)
        assert await connection.scalar(sa.text("SELECT thread()")) == threading.get_ident()


async def test_it_is_closed_without_a_loop_too(tmp_path: Path) -> None:
    connection = await connect(str(tmp_path / "crewgate.db"), ())
    connection.stop()
    connection.stop()
    await asyncio.to_thread(ended, "sqlite-writer")


async def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        await connect(str(tmp_path), ())
    (tmp_path / "crewgate.db").write_bytes(b"not a database " * 1_000)
    with pytest.raises(sqlite3.DatabaseError):
        await connect(str(tmp_path / "crewgate.db"), ("journal_mode=WAL",))
    await asyncio.to_thread(ended, "sqlite-writer")


def ended(name: str) -> None:
    """Wait for threads of this name to end."""
    for thread in threading.enumerate():
        if thread.name.startswith(name):
            thread.join(timeout=10)
            assert not thread.is_alive()
