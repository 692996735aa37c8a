"""The builders that the tests of both stand-ins share."""

import io
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError

from crewgate.demo.crew import crew
from crewgate.demo.environment import Environment
from tests.servers import serve, takes_posts
from tests.standins.crew import Crew, Urls

Json = dict[str, Any]
SECRET = "webhook-secret"
FIRST_SECOND = 1_700_000_000.0


def now() -> float:
    return 1_760_000_000.0


class Receiver:
    """A server that webhooks are sent to; answers 202, or what it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, Any]] = []
        self.code = 202
        self.url = ""
        self._server = AsyncExitStack()

    async def start(self) -> None:
        app = takes_posts("/{kind}", self._take)
        self.url = await self._server.enter_async_context(serve(app, shutdown_timeout=0.1))

    async def stop(self) -> None:
        await self._server.aclose()

    async def _take(self, request: web.Request) -> web.Response:
        credentials = request.headers.get("Authorization", "")
        self.got.append((request.match_info["kind"], credentials, await request.json()))
        return web.json_response({"status": "accepted"}, status=self.code)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.got]

    def all_urls(self) -> Urls:
        return Urls(f"{self.url}/task", f"{self.url}/step", f"{self.url}/crew")


async def call(
    crew: Crew, method: str, path: str, body: object = None, *, token: str | None = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {crew.token if token is None else token}"}
    kwargs: dict[str, Any] = {} if body is None else {"json": body}
    if isinstance(body, bytes):
        kwargs = {"data": io.BytesIO(body)}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, crew.url + path, headers=headers, **kwargs) as answer,
    ):
        if answer.content_type == "application/json":
            return answer.status, await answer.json()
        return answer.status, await answer.text()


def a_resume(
    execution_id: str, task_id: str = "research_task", /, **changes: object
) -> dict[str, object]:
    return {
        "execution_id": execution_id,
        "task_id": task_id,
        "human_feedback": "Approved.",
        "is_approve": True,
    } | changes


async def paused(crew: Crew, urls: Urls | None = None) -> str:
    """Start an execution and wait until it was announced that it waits."""
    before = len(crew.notifications)
    execution_id = crew.start_execution({"topic": "tea"}, urls=urls)
    await crew.until(lambda: len(crew.notifications) > before)
    return execution_id


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.seconds = FIRST_SECOND

    def __call__(self) -> float:
        return self.seconds


async def refusal(call: Awaitable[object]) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def home(title: str) -> Json:
    return {"type": "home", "blocks": [{"type": "header", "text": plain(title)}]}


def modal(title: str) -> Json:
    return {**home("x"), "type": "modal", "title": plain(title)}


def fake_crew(environment: Environment) -> crew.Crew:
    """The crew of an environment, which is not a hosted one."""
    assert isinstance(environment.crew, crew.Crew)
    return environment.crew
