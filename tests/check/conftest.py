"""What an operator's `crewgate check` says of an installation between stand-ins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.check.run import check
from bot.demo.crew import Crew
from bot.demo.environment import people, settings
from bot.demo.workspace import Workspace
from bot.settings.load import load


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

    async def ask(*, show_secrets: bool = False, **changes: str) -> tuple[int, list[str]]:
        database = f"sqlite:///{tmp_path / 'crewgate.db'}"
        env = settings(slack, crew) | {"DATABASE_URL": database} | changes
        status = await check(load(env, tmp_path), show_secrets=show_secrets)
        return status, capsys.readouterr().out.splitlines()

    return ask
