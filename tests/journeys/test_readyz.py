"""`/readyz` over HTTP: strangers learn whether the bot is ready, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from tests.journeys.conftest import MakeWorld, World

TOKEN = "status-token-of-it"  # opens nothing


async def ready(world: World, **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(headers=named) as session,
        session.get(f"{world.url}/readyz") as answer,
    ):
        return answer.status, await answer.json()


async def test_details_are_for_those_who_have_the_token(make_world: MakeWorld) -> None:
    async with make_world(STATUS_TOKEN=TOKEN) as world:
        proxied = {"X_Forwarded_For": "203.0.113.7"}
        await world.crew.go_down()
        world.slack.revoke_token()
        await world.pause()
        while not (await ready(world))[1]["details"]:
            pass

        assert await ready(world, **proxied) == (200, {"status": "ready"})
        status, told = await ready(world, **proxied, Authorization=f"Bearer {TOKEN}")
        assert status == 200
        assert any(detail.startswith("posts:research: ") for detail in told["details"])


async def test_strangers_are_not_told_why_it_cannot_work(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    async with make_world() as world:
        file = tmp_path / "crewgate.db"
        with closing(
            sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        ) as database:
            await asyncio.to_thread(database.execute, "ALTER TABLE executions RENAME TO gone")
            stranger = await ready(world, X_Forwarded_For="203.0.113.7")
            _, told = await ready(world)
            await asyncio.to_thread(database.execute, "ALTER TABLE gone RENAME TO executions")

    assert stranger == (
        503,
        {"status": "not_ready", "error": "not_ready", "message": "The bot cannot work now."},
    )
    assert told["message"].startswith("the database cannot be used")
    assert told["details"][0] == told["message"]
