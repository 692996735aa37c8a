"""A crew that waits, clients of it, and bare TCP servers for what no HTTP server does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from crewgate.crewai.client import HttpCrew
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.outcome import Outcome
from crewgate.domain.verdict import Decision
from crewgate.network.client import Timeout, Timeouts
from crewgate.usecases.ports.crew import ResumeRequest
from tests.builders import a_decision

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
"""The dates of Retry-After are near it."""
NO_URLS = WebhookUrls()
EXECUTION = "run 1/2"
TASK = "qa"


def now() -> float:
    return NOW.timestamp()


def a_client(
    http: httpx.AsyncClient, url: str, token: str = "demo-crew-token", **timeouts: Timeout
) -> HttpCrew:
    return HttpCrew(http, url, token, clock=lambda: NOW, timeouts=Timeouts(**timeouts))


def a_resume(
    execution_id: str,
    task_id: str,
    decision: Decision,
    webhooks: WebhookUrls = NO_URLS,
    **more: Any,
) -> ResumeRequest:
    about: dict[str, Any] = {"execution_id": execution_id, "task_id": task_id}
    return ResumeRequest(**about, decision=decision, webhooks=webhooks, **more)


async def resume(client: HttpCrew, execution_id: str = EXECUTION, task_id: str = TASK) -> Outcome:
    return await client.resume(a_resume(execution_id, task_id, a_decision()))


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(serve: Serve) -> AsyncIterator[str]:
    """A bare TCP server, for what no HTTP server does."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0, backlog=200)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
