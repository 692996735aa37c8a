"""A database that cannot take it now is said to be so, and nothing else is."""

import asyncio
import socket
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from crewgate.domain.errors import StoreUnavailable
from crewgate.store.engine import (
    CONNECTIONS,
    READERS,
    Engines,
    open_engines,
    open_readers,
    translate_errors,
)
from crewgate.store.outbox import Outbox
from crewgate.store.unit_of_work import AT_ONCE, UnitOfWork
from tests.builders import NOW, SECOND, a_uow, an_effect
from tests.postgres import Postgres
from tests.store.jobs import CREWS
from tests.store.plans import recorded

HANG_UP = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
)

on_sqlite = pytest.mark.parametrize("backend", ["sqlite"])
on_postgresql = pytest.mark.parametrize("backend", ["postgresql"])


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def nothing_works(engines: Engines) -> None:
    """Every way into the store raises StoreUnavailable."""
    uow = a_uow(engines)
    outbox = Outbox(engines, CREWS)
    with pytest.raises(StoreUnavailable):
        async with uow.begin() as tx:
            await tx.enqueue([an_effect()], at=NOW)
    for reading in (
        uow.read.ping(),
        uow.read.round("r-1"),
        outbox.lease("slack", now=NOW, lease=SECOND, limit=1),
        outbox.release(due_at=NOW),
        outbox.orphaned_destinations([]),
    ):
        with pytest.raises(StoreUnavailable):
            await reading
    await engines.dispose()


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "crewgate.db").mkdir()
    await nothing_works(open_engines(sqlite_url(tmp_path / "crewgate.db")))


# SQLAlchemy ends a broken connection's thread without waiting for it, maybe after the loop.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_file_of_another_kind_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "crewgate.db").write_bytes(b"not a database " * 1_000)
    await nothing_works(open_engines(sqlite_url(tmp_path / "crewgate.db")))


async def test_nobody_listens(tmp_path: Path) -> None:
    await nothing_works(open_engines(f"postgresql+asyncpg://postgres@/x?host={tmp_path}"))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            FileNotFoundError(2, "No such file"),
            "PostgreSQL does not answer at this socket: start it",
        ),
        (
            FileNotFoundError(2, "No such file", "/x/root.crt"),
            "[Errno 2] No such file: '/x/root.crt'",
        ),
        (socket.gaierror(-2, "Unknown"), "the host name of the database is not known"),
    ],
    ids=["no socket", "no file", "no host"],
)
def test_a_database_that_is_not_there_is_told_in_words(error: OSError, why: str) -> None:
    with pytest.raises(StoreUnavailable) as told, translate_errors():
        raise error
    assert str(told.value) == why


@pytest.mark.parametrize("user", ["postgres", "nobody"])
async def test_a_database_or_user_that_does_not_exist(postgres: Postgres, user: str) -> None:
    url = postgres.url("no_such_database").replace("postgres@", f"{user}@")
    await nothing_works(open_engines(url))


@on_postgresql
async def test_an_answer_that_does_not_come_in_time_is_said_so(database_url: str) -> None:
    hasty = create_async_engine(database_url, connect_args={"command_timeout": 1e-6})
    with pytest.raises(StoreUnavailable, match=r"^no answer \(TimeoutError\)$"), translate_errors():
        async with hasty.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(60)"))
    await hasty.dispose()


@on_postgresql
async def test_a_server_that_hangs_up(engines: Engines, uow: UnitOfWork) -> None:
    async def cut_off() -> None:
        async with uow.begin() as tx:
            await tx.executions.find("research", "e-1")
            async with engines.read.connect() as other:
                await other.execute(HANG_UP)
            await tx.enqueue([an_effect()], at=NOW)

    with pytest.raises(StoreUnavailable):
        await cut_off()
    await uow.read.ping()


# --- connections to PostgreSQL that end


async def asked(engines: Engines) -> Any:
    """Ask the server something; return the driver's connection that was used."""
    with translate_errors():
        async with engines.read.connect() as connection:
            await connection.execute(sa.text("SELECT 1"))
            return (await connection.get_raw_connection()).driver_connection


async def test_a_connection_is_pinged_only_after_a_rest(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ping takes three round trips; the first use after connecting counts as a rest."""
    engines = open_engines(postgres.url("postgres"))
    driver, pings = await asked(engines), list[str]()
    driver.add_query_logger(lambda record: pings.append(record.query))
    for _ in range(3):
        assert await asked(engines) is driver
    assert pings == ["BEGIN;", ";", "ROLLBACK;"]
    monkeypatch.setattr("crewgate.store.engine.REST_SECONDS", 0)
    await asked(engines)
    assert pings == ["BEGIN;", ";", "ROLLBACK;"] * 2
    await engines.dispose()


async def test_a_server_that_hung_up_is_connected_to_anew(postgres: Postgres) -> None:
    """A crew never repeats its notification, so none may fail because a connection is gone."""
    engines = open_engines(postgres.url("postgres"))
    await asked(engines)
    driver = await asked(engines)
    ended = asyncio.Event()
    driver.add_termination_listener(lambda _: ended.set())
    await postgres.run(f"SELECT pg_terminate_backend({driver.get_server_pid()})")
    await asyncio.wait_for(ended.wait(), 10)
    assert await asked(engines) is not driver
    await engines.dispose()


async def test_a_connection_that_a_router_dropped_is_made_anew(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells the bot: only a ping after a rest finds out."""
    monkeypatch.setattr("crewgate.store.engine.REST_SECONDS", 0)
    engines = open_engines(postgres.url("postgres"))
    driver = await asked(engines)
    # This event loop stands still meanwhile, so the driver cannot notice.
    hang_up = postgres.run(f"SELECT pg_terminate_backend({driver.get_server_pid()}, 10_000)")
    thread = threading.Thread(target=asyncio.run, args=(hang_up,))
    thread.start()
    thread.join()
    assert not driver.is_closed()
    assert await asked(engines) is not driver
    await engines.dispose()


# --- one bot a file ---


async def test_a_second_bot_on_the_same_file_is_refused(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "crewgate.db")
    first = open_engines(url)
    with pytest.raises(StoreUnavailable, match="another bot is using"):
        open_engines(url)
    await first.dispose()
    await open_engines(url).dispose()


async def test_a_second_bot_on_the_same_file_by_another_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "link.db").symlink_to(tmp_path / "crewgate.db")
    first = open_engines(sqlite_url(tmp_path / "link.db"))
    for path in ("crewgate.db", "link/crewgate.db", "link/link.db"):
        with pytest.raises(StoreUnavailable, match="another bot is using"):
            open_engines(sqlite_url(tmp_path / path))
    await first.dispose()


async def test_a_file_with_a_hard_link_is_refused_under_each_name(tmp_path: Path) -> None:
    await open_engines(sqlite_url(tmp_path / "crewgate.db")).dispose()
    (tmp_path / "link.db").hardlink_to(tmp_path / "crewgate.db")
    for path in ("crewgate.db", "link.db") * 2:
        with pytest.raises(StoreUnavailable, match="hard link"):
            open_engines(sqlite_url(tmp_path / path))
    (tmp_path / "link.db").unlink()
    await open_engines(sqlite_url(tmp_path / "crewgate.db")).dispose()


async def test_a_folder_is_made_where_it_is_missing(tmp_path: Path) -> None:
    await open_engines(sqlite_url(tmp_path / "new" / "folder" / "crewgate.db")).dispose()
    assert (tmp_path / "new" / "folder").is_dir()


def test_a_folder_that_cannot_be_made_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        open_engines(sqlite_url(tmp_path / "file" / "crewgate.db"))


# --- what makes it durable ---


@on_sqlite
async def test_sqlite_is_durable_and_readers_cannot_write(engines: Engines) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "temp_store": 2,
    }
    async with engines.write.begin() as connection:
        for name, value in expected.items():
            assert await connection.scalar(sa.text(f"PRAGMA {name}")) == value
    # The outbox reads on the event loop, which nothing may hold up.
    for reader, busy in ((engines.read, 10_000), (engines.for_outbox.read, 50)):
        async with reader.connect() as connection:
            assert await connection.scalar(sa.text("PRAGMA query_only")) == 1
            assert await connection.scalar(sa.text("PRAGMA busy_timeout")) == busy


# --- looking in beside a running bot ---


async def test_check_reads_beside_a_running_bot(engines: Engines, database_url: str) -> None:
    readers = open_readers(database_url)
    assert readers is not None
    async with readers.connect() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM rounds")) == 0
    await readers.dispose()


def test_check_makes_no_file(tmp_path: Path) -> None:
    assert open_readers(sqlite_url(tmp_path / "crewgate.db")) is None
    assert list(tmp_path.iterdir()) == []


@on_postgresql
async def test_what_somebody_waits_for_does_not_wait_for_the_outbox(engines: Engines) -> None:
    """A crew never repeats a notification, and a hundred workers look for something to do."""
    uow = a_uow(engines)
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            await stack.enter_async_context(engines.for_outbox.read.connect())
        waiting = asyncio.create_task(uow.for_outbox().read.ping())

        async with uow.begin() as tx:
            await tx.enqueue([an_effect()], at=NOW)
        await uow.read.ping()

        assert not waiting.done()
    await waiting


@on_postgresql
async def test_the_locks_of_a_bot_that_stands_still_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server does not notice that a machine vanished, or that a process was suspended."""
    monkeypatch.setattr("crewgate.store.engine.IDLE_SECONDS", 0.1)
    locking = sa.text("UPDATE alembic_version SET version_num = version_num")
    still, other = open_engines(database_url), open_engines(database_url)
    served = asyncio.Event()

    async def stand_still() -> None:
        with translate_errors():
            async with still.write.begin() as connection:
                await connection.execute(locking)
                async with other.write.begin() as waiting:
                    await waiting.execute(locking)
                served.set()

    with pytest.raises(StoreUnavailable):
        await stand_still()
    assert served.is_set()
    await still.dispose()
    await other.dispose()


@on_postgresql
async def test_a_crew_does_not_wait_behind_people(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that is too busy many people press, again and again."""
    uow = a_uow(engines)
    people = uow.for_people()

    async def press() -> None:
        async with people.begin():
            pass

    async with AsyncExitStack() as stack:
        for _ in range(AT_ONCE):
            await stack.enter_async_context(people.begin())
        waiting = [asyncio.create_task(press()) for _ in range(2 * CONNECTIONS)]
        async with uow.begin() as tx:
            await tx.enqueue([an_effect()], at=NOW)
        assert not any(one.done() for one in waiting)
        monkeypatch.setattr("crewgate.store.unit_of_work.TURN_SECONDS", 0)
        with pytest.raises(StoreUnavailable):
            await press()
    await asyncio.gather(*waiting)


@on_sqlite
async def test_the_outbox_does_not_wait_for_what_people_read(engines: Engines) -> None:
    uow = a_uow(engines)
    async with AsyncExitStack() as stack:
        for _ in range(READERS):
            await stack.enter_async_context(engines.read.connect())
        waiting = asyncio.create_task(uow.read.ping())
        for _ in range(2 * READERS):
            await stack.enter_async_context(engines.for_outbox.read.connect())
        await uow.for_outbox().read.ping()
        assert not waiting.done()
    await waiting


@on_sqlite
async def test_a_disk_that_takes_no_notification_is_a_failure(engines: Engines) -> None:
    assert engines.free_bytes is not None
    await a_uow(engines, room=1).probe()
    too_much = engines.free_bytes + 2**40
    with pytest.raises(StoreUnavailable, match="the disk has room for"):
        await a_uow(engines, room=too_much).probe()


@on_postgresql
async def test_how_full_a_server_s_disk_is_is_not_asked(engines: Engines) -> None:
    await a_uow(engines, room=2**70).probe()


async def test_that_the_outbox_could_not_write_is_looked_into_too(engines: Engines) -> None:
    uow = a_uow(engines)
    with recorded(engines) as statements:
        await uow.probe()
        assert not any("UPDATE" in statement for statement, _ in statements)
        with pytest.raises(StoreUnavailable):
            async with uow.for_outbox().begin():
                raise StoreUnavailable
        await uow.probe()
        assert any("UPDATE" in statement for statement, _ in statements)
