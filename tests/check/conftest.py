"""An installation between stand-ins, and the lines of an operator's `crewgate check` about it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from crewgate.app import running
from crewgate.check.run import check
from crewgate.demo.environment import people
from crewgate.runtime import Runtime
from crewgate.settings.load import load
from tests.databases import MIGRATED, SqliteTemplate, bring_up
from tests.journeys.conftest import AT_ONCE
from tests.standins.crew import Crew
from tests.standins.settings import settings
from tests.standins.workspace import Workspace


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        people(workspace)
        yield workspace


@pytest.fixture
async def crew() -> AsyncIterator[Crew]:
    async with Crew() as crew:
        yield crew


Ask = Callable[..., Awaitable[tuple[int, list[str]]]]


@pytest.fixture
def ask(slack: Workspace, crew: Crew, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Check with these settings changed: the exit status and the lines that are printed."""

    async def ask(
        *,
        show_secrets: bool = False,
        send_test_card: bool = False,
        runtime: Runtime | None = None,
        **changes: str,
    ) -> tuple[int, list[str]]:
        database = f"sqlite:///{tmp_path / 'crewgate.db'}"
        env = settings(slack, crew) | {"DATABASE_URL": database} | changes
        status = await check(
            load(env, tmp_path),
            show_secrets=show_secrets,
            send_test_card=send_test_card,
            runtime=runtime,
        )
        return status, capsys.readouterr().out.splitlines()

    return ask


Run = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def run(slack: Workspace, crew: Crew, tmp_path: Path, sqlite_template: SqliteTemplate) -> Run:
    """A bot with these settings changed, on this port; its address."""

    @asynccontextmanager
    async def run(port: int, *, crews_file: str = "", **changes: str) -> AsyncIterator[str]:
        database = tmp_path / "bot.db"
        if not database.exists():
            shutil.copy(await sqlite_template(MIGRATED, bring_up), database)
        url = f"sqlite:///{database}"
        listens = {"HOST": "127.0.0.1", "PORT": str(port), "DATABASE_URL": url}
        if crews_file:
            (tmp_path / "crews.toml").write_text(crews_file)
        chosen = load(settings(slack, crew) | listens | changes, tmp_path)
        async with running(chosen, AT_ONCE) as bot:
            slack.events_url = f"{bot.address}/slack/events"
            yield bot.address

    return run
