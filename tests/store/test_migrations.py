"""From an empty database to the present shape, and no further."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from crewgate.domain.errors import StoreUnavailable
from crewgate.store.engine import Engines, open_engines
from crewgate.store.migrate import (
    BASELINE,
    HEAD,
    MIGRATES_OLDER,
    MIGRATIONS,
    alembic_version,
    migrate,
)
from crewgate.store.tables import metadata
from tests.repo.files import read


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Engines]:
    opened = open_engines(empty_database_url)
    yield opened
    await opened.dispose()


async def test_an_empty_database_gets_exactly_the_tables(empty: Engines) -> None:
    await migrate(empty.write)
    async with empty.read.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(table_names) == {*metadata.tables, "alembic_version"}


async def test_the_tables_of_the_baseline_become_those_of_today(
    empty: Engines, empty_database_url: str
) -> None:
    url = sa.make_url(empty_database_url)
    tables = read(f"tests/data/database_{BASELINE}_{url.get_backend_name()}.sql")
    of_baseline = (
        f"INSERT INTO alembic_version VALUES ('{BASELINE}')",  # noqa: S608  # of a constant
        "INSERT INTO written_by VALUES ('0.0.1')",
    )
    if empty.is_sqlite:
        with closing(sqlite3.connect(url.database or "")) as file:
            file.executescript(";".join((tables, *of_baseline, "")))
    else:
        server = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
        await server.execute(";".join((tables, *of_baseline)))
        await server.close()
    await migrate(empty.write)
    async with empty.write.begin() as connection:
        assert await connection.run_sync(differences) == []
        there = await connection.run_sync(names)
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
        assert await connection.run_sync(names) == there


def differences(connection: sa.Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    found: list[Any] = compare_metadata(context, metadata)
    return found


def table_names(connection: sa.Connection) -> set[str]:
    return set(sa.inspect(connection).get_table_names())


def names(connection: sa.Connection) -> list[tuple[str, set[str | None]]]:
    """Of every table, the names of its keys, constraints and indexes."""
    inspector = sa.inspect(connection)
    return [
        (
            table,
            {
                inspector.get_pk_constraint(table)["name"],
                *(key["name"] for key in inspector.get_foreign_keys(table)),
                *(constraint["name"] for constraint in inspector.get_unique_constraints(table)),
                *(index["name"] for index in inspector.get_indexes(table)),
            },
        )
        for table in metadata.tables
    ]


async def test_some_indexes_have_only_the_rows_that_are_looked_for(empty: Engines) -> None:
    await migrate(empty.write)
    async with empty.read.connect() as connection:
        assert await connection.run_sync(conditions) == {
            "ix_audit_entries_unlinked": "number IS NULL",
            "ix_dead_letters_kept": "removed_at IS NULL",
            "ix_executions_kept": "ended_at IS NOT NULL AND removed_at IS NULL",
            "ix_executions_thread": "thread_ts IS NOT NULL",
            "ix_rounds_decided": "decided_at IS NOT NULL",
            "ix_rounds_no_approver": "no_approver",
            "ix_rounds_referred": "state = 'WAITING' AND referrals IS NOT NULL",
            "ix_rounds_thread": "card_thread_ts IS NOT NULL",
            "ix_rounds_waiting": "state = 'WAITING'",
            "uq_audit_entries_number": "number IS NOT NULL",
            "uq_audit_entries_previous": "number IS NOT NULL",
            "uq_lessons_digest": "ended_at IS NULL",
        }


def conditions(connection: sa.Connection) -> dict[str | None, str]:
    inspector, option = sa.inspect(connection), f"{connection.dialect.name}_where"
    return {
        index["name"]: re.sub("[()]|::text", "", str(index["dialect_options"][option]))
        for table in metadata.tables
        for index in inspector.get_indexes(table)
        if option in index["dialect_options"]
    }


async def test_alembics_table_is_as_alembic_makes_it(empty: Engines) -> None:
    await migrate(empty.write)
    async with empty.write.begin() as connection:
        found = await connection.run_sync(version_table)
        await connection.run_sync(alembic_version.drop)
        await connection.run_sync(ensure_version)
        assert await connection.run_sync(version_table) == found


def version_table(connection: sa.Connection) -> tuple[list[tuple[str, str, bool]], Any]:
    inspector = sa.inspect(connection)
    columns = inspector.get_columns("alembic_version")
    types = [(one["name"], str(one["type"]), one["nullable"]) for one in columns]
    return types, inspector.get_pk_constraint("alembic_version")


def ensure_version(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.ensure_version(config)


async def test_an_up_to_date_database_is_left_alone(empty: Engines) -> None:
    await migrate(empty.write)
    await migrate(empty.write)
    async with empty.read.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_several_may_start_at_once(empty: Engines, empty_database_url: str) -> None:
    """On SQLite they are turns of one connection; on PostgreSQL, processes of their own."""
    others = [empty] if empty.is_sqlite else [open_engines(empty_database_url) for _ in range(3)]
    try:
        await asyncio.gather(*(migrate(engines.write) for engines in (empty, *others)))
    finally:
        for engines in others:
            await engines.dispose()
    async with empty.read.connect() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_migration_may_take_longer_than_any_other_statement(
    empty_database_url: str,
) -> None:
    """So may waiting for another process's: its end is waited for with a statement."""
    hasty = create_async_engine(empty_database_url, connect_args={"command_timeout": 1e-6})
    await migrate(hasty)
    patient = create_async_engine(empty_database_url)
    async with patient.connect() as connection:
        assert await connection.run_sync(differences) == []
    for engine in (hasty, patient):
        await engine.dispose()


def test_the_changelog_names_the_oldest_database_that_is_migrated() -> None:
    assert f"A database older than version {BASELINE} is refused" in read("CHANGELOG.md")


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("9999", f"to 9999, and this one knows it up to {HEAD}"),
        ("0038", f"start the build of the commit {MIGRATES_OLDER} once"),
    ],
)
async def test_a_database_of_another_age_is_left_as_it_is(
    engines: Engines, version: str, why: str
) -> None:
    change = sa.text("UPDATE alembic_version SET version_num = :version")
    async with engines.write.begin() as connection:
        await connection.execute(change, {"version": version})
    try:
        with pytest.raises(StoreUnavailable, match=why):
            await migrate(engines.write)
        async with engines.read.connect() as reader:
            found = await reader.scalar(sa.text("SELECT version_num FROM alembic_version"))
            assert found == version
            assert await reader.run_sync(differences) == []
    finally:
        async with engines.write.begin() as connection:
            await connection.execute(change, {"version": HEAD})


def test_the_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert (scripts.get_bases(), scripts.get_heads()) == ([BASELINE], [HEAD])
