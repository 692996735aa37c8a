"""Another version on a database: upgraded after a copy, or refused and left as it is."""

import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from crewgate import __version__
from crewgate.domain.errors import StoreUnavailable
from crewgate.store.engine import Engines, open_engines
from crewgate.store.migrate import HEAD, MIGRATIONS, migrate
from crewgate.store.secret_keys import SecretKeysRefused, use_keys
from crewgate.store.tables import installations
from tests.builders import a_secret_key

of_a_file = pytest.mark.parametrize("backend", ["sqlite"])
MIGRATION = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None
def upgrade():
    op.execute("{statement}")
"""
INSTALLED = {"token_digest": "d", "url": "https://example.slack.com/", "whole_enterprise": False}


@pytest.fixture
async def made(empty_database_url: str) -> AsyncIterator[Engines]:
    """A database that this version made, with a row."""
    opened = open_engines(empty_database_url)
    await migrate(opened.write)
    async with opened.write.begin() as connection:
        await connection.execute(sa.insert(installations), INSTALLED)
    yield opened
    await opened.dispose()


@pytest.fixture
def file(made: Engines) -> Path:
    return Path(str(made.read.url.database))


async def versions(engines: Engines) -> tuple[object, object]:
    async with engines.read.connect() as connection:
        written_by = await connection.scalar(sa.text("SELECT version FROM written_by"))
        return written_by, await connection.scalar(
            sa.text("SELECT version_num FROM alembic_version")
        )


def rows(file: Path) -> tuple[int, str]:
    """Return the number of installations, and the version that wrote there last."""
    with closing(sqlite3.connect(file)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = opened.execute("SELECT count(*) FROM installations").fetchone()
        (version,) = opened.execute("SELECT version FROM written_by").fetchone()
        return count, version


def be(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crewgate.store.migrate.__version__", version)


def copies(file: Path) -> list[str]:
    return sorted(one.name.removeprefix(file.name) for one in file.parent.glob("*.before-*"))


async def test_the_version_that_made_it_starts_again_and_changes_nothing(made: Engines) -> None:
    with capture_logs() as logs:
        await migrate(made.write)

    assert await versions(made) == (__version__, HEAD)
    assert logs == []


async def test_a_later_version_goes_on_and_says_so(
    made: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    be("99.1.0", monkeypatch)
    with capture_logs() as logs:
        await migrate(made.write)

    assert await versions(made) == ("99.1.0", HEAD)
    [line] = logs
    assert (line["event"], line["since"], line["version"]) == (
        "database_upgraded",
        __version__,
        "99.1.0",
    )
    assert bool(line["copy"]) is made.is_sqlite


async def test_an_older_version_is_refused_before_it_changes_anything(
    made: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the tables are the same: what is in them need not be."""
    be("0.10.0", monkeypatch)
    await migrate(made.write)
    be("0.9.9", monkeypatch)

    with pytest.raises(StoreUnavailable) as refused:
        await migrate(made.write)

    assert str(refused.value) == (
        "Crewgate 0.10.0 wrote the database last, and this is 0.9.9: run 0.10.0 or a later one, or"
        " restore a backup from before"
    )
    assert await versions(made) == ("0.10.0", HEAD)


async def test_a_start_without_a_key_that_is_needed_changes_nothing(
    made: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, another = a_secret_key(1), a_secret_key(2)
    await use_keys(made.write, [key])
    be("99.1.0", monkeypatch)
    with pytest.raises(SecretKeysRefused, match="put it back"):
        await migrate(made.write, [another])

    assert await versions(made) == (__version__, HEAD)
    if made.is_sqlite:
        assert copies(Path(str(made.read.url.database))) == []
    await migrate(made.write, [another, key])
    assert await versions(made) == ("99.1.0", HEAD)


@of_a_file
async def test_a_file_is_copied_before_its_upgrade_with_all_that_is_in_its_log(
    made: Engines, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be("99.1.0", monkeypatch)
    await migrate(made.write)

    copy = file.with_name(f"{file.name}.before-99.1.0-{HEAD}")
    assert copies(file) == [f".before-99.1.0-{HEAD}"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert rows(copy) == (1, __version__)
    assert rows(file) == (1, "99.1.0")


@of_a_file
async def test_the_copy_in_its_place_is_the_database_from_before(
    made: Engines, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be("99.1.0", monkeypatch)
    await migrate(made.write)
    await made.dispose()
    file.with_name(f"{file.name}.before-99.1.0-{HEAD}").replace(file)
    be(__version__, monkeypatch)

    again = open_engines(str(made.read.url))
    with capture_logs() as logs:
        await migrate(again.write)
    await again.dispose()

    assert (rows(file), logs) == ((1, __version__), [])


@of_a_file
async def test_an_unfinished_copy_is_made_again(
    made: Engines, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.with_name(f"{file.name}.before-99.1.0-{HEAD}.part").write_bytes(b"half a")
    file.with_name(f"{file.name}.before-99.1.0-{HEAD}").write_bytes(b"of a start before")
    be("99.1.0", monkeypatch)
    await migrate(made.write)

    assert copies(file) == [f".before-99.1.0-{HEAD}", f".before-99.1.0-{HEAD}.2"]
    before = file.with_name(f"{file.name}.before-99.1.0-{HEAD}")
    assert before.read_bytes() == b"of a start before"
    assert rows(file.with_name(f"{before.name}.2")) == (1, __version__)


@of_a_file
async def test_without_a_copy_nothing_is_upgraded(
    made: Engines, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.with_name(f"{file.name}.before-99.1.0-{HEAD}.part").mkdir()
    be("99.1.0", monkeypatch)

    with pytest.raises(StoreUnavailable, match="no copy could be made beside it"):
        await migrate(made.write)

    assert copies(file) == [f".before-99.1.0-{HEAD}.part"]  # the folder that was there
    assert await versions(made) == (__version__, HEAD)


async def test_what_is_newer_is_migrated_and_a_migration_that_fails_leaves_what_was_there(
    made: Engines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrations = shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    monkeypatch.setattr("crewgate.store.migrate.MIGRATIONS", migrations)
    for revision, before, statement in (
        ("9998", HEAD, "CREATE TABLE teas (name TEXT)"),
        ("9999", "9998", "CREATE TABLE written_by (version TEXT)"),  # there is one
    ):
        text = MIGRATION.format(revision=revision, before=before, statement=statement)
        (migrations / f"versions/{revision}_new.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr("crewgate.store.migrate.HEAD", "9999")
    with pytest.raises(sa.exc.DBAPIError, match="written_by"):
        await migrate(made.write)
    assert await versions(made) == (__version__, HEAD)
    async with made.read.connect() as connection:
        assert not await connection.run_sync(lambda it: sa.inspect(it).has_table("teas"))

    monkeypatch.setattr("crewgate.store.migrate.HEAD", "9998")
    await migrate(made.write)
    assert await versions(made) == (__version__, "9998")
