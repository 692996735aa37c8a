"""The closest peer, `awaithumans`, where a Python that has it installed is given (BENCH_PEER).

It stores a task and answers 201, as the bot does with a notification and 202. It can post only to
the real Slack, so it is measured without: nothing goes on beside its answers.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from crewgate.demo.servers import free_port
from tests.bench.connection import request
from tests.bench.processes import Child, child
from tests.bench.requests import mark

CREATED = 201
_KEY = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmU="
_TEXT = "A paragraph of what the crew wrote about home batteries. " * 5


async def is_installed(python: str) -> bool:
    """Return True if this Python can run the peer."""
    if not python:
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            python,
            "-c",
            "import awaithumans.server.app",
            env={"AWAITHUMANS_PAYLOAD_KEY": _KEY},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    return await process.wait() == 0


@asynccontextmanager
async def peer(python: str, folder: Path) -> AsyncIterator[Child]:
    """Its server, with a SQLite file of its own."""
    port = free_port()
    command = (
        "-m",
        "uvicorn",
        "awaithumans.server.app:create_app",
        "--factory",
        "--host",
        "127.0.0.1",
        "--port",
    )
    settings = {
        "AWAITHUMANS_DB_PATH": str(folder / "peer" / "peer.db"),
        "AWAITHUMANS_PAYLOAD_KEY": _KEY,
        "AWAITHUMANS_ADMIN_API_TOKEN": _KEY,
        "AWAITHUMANS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "AWAITHUMANS_LOG_LEVEL": "ERROR",
    }
    async with child(
        (*command, str(port), "--no-access-log", "--log-level", "error"),
        port,
        folder,
        settings=settings,
        ready="/api/health",
        python=python,
    ) as server:
        yield server


def task(number: object) -> bytes:
    """A task for people, about as long as the bot's notification."""
    schema = {"type": "object", "properties": {"approved": {"type": "boolean"}}}
    body = {
        "task": "Review the market research",
        "payload": {"output": f"{mark(number)} {_TEXT}"},
        "payload_schema": {"type": "object", "properties": {"output": {"type": "string"}}},
        "response_schema": schema,
        "timeout_seconds": 86_400,
        "idempotency_key": mark(number),
    }
    headers = {"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"}
    return request("/api/tasks", json.dumps(body).encode(), headers)
