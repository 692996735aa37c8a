"""A caller of the crew API, and a listener for its webhooks."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from tests.host.schema import check
from tests.servers import serve, takes_posts

T = TypeVar("T")
TOKEN = "token-of-the-host"
Json = dict[str, Any]


@dataclass
class Api:
    """Calls one target; every answer is held against the documented schema."""

    url: str
    token: str = TOKEN

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON."""
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.url}{path}", data=raw and io.BytesIO(raw)) as answer,
        ):
            said = await answer.json()
            check(method, path, answer.status, said)
            return answer.status, said

    async def kick_off(self, inputs: Json | None = None, **more: object) -> str:
        """A kickoff that is taken: its id."""
        body = {"inputs": {"topic": "tea"} if inputs is None else inputs, **more}
        status, said = await self.call("POST", "/kickoff", body)
        assert status == 200, said
        return str(said["kickoff_id"])

    async def status(self, execution: str) -> Json:
        """The status of an execution that is known."""
        status, said = await self.call("GET", f"/status/{execution}")
        assert status == 200, said
        return dict(said)

    async def resume(
        self, execution: str, task: str, feedback: str = "Good.", *, approve: bool, **more: object
    ) -> tuple[int, Any]:
        """Status and JSON."""
        body = {
            "execution_id": execution,
            "task_id": task,
            "human_feedback": feedback,
            "is_approve": approve,
            **more,
        }
        return await self.call("POST", "/resume", body)

    async def until(self, execution: str, status: str) -> Json:
        """The status of an execution, once it is this."""
        async with asyncio.timeout(60):
            while (said := await self.status(execution))["status"] != status:
                assert said["status"] == "running", said
        return said


@dataclass
class Listener:
    """Takes webhooks, as the bot or anybody else would."""

    url: str = ""
    got: list[tuple[str, Json, dict[str, str], bytes]] = field(default_factory=list)
    """Path, body, headers and raw body, the oldest first."""
    refuse: int = 0
    """The number of next requests that are answered with 503."""
    hangs: str = ""
    """The path where nothing is answered before `release` is set."""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    once: bool = True
    """True if a pause that is announced again is left out of `got`, as the bot does."""
    redirects: int = 0
    """The number of next requests that are sent elsewhere."""
    answers: dict[str, Json] = field(default_factory=dict)
    """The answers by path, in place of `accepted`."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """Any POST."""
        raw = await request.read()
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()
        if request.path == self.hangs:
            await self.release.wait()
        if self.redirects:
            self.redirects -= 1
            return web.Response(status=307, headers={"Location": "/elsewhere"})
        if self.refuse:
            self.refuse -= 1
            return web.json_response({}, status=503)
        body = json.loads(raw)
        if not (self.once and body.get("pause_id") and body in self.at(request.path)):
            self.got.append((request.path, body, dict(request.headers), raw))
        if request.path in self.answers:
            return web.json_response(self.answers[request.path])
        return web.json_response({"status": "accepted"}, status=202)

    def at(self, path: str) -> list[Json]:
        """The bodies that came to a path."""
        return [body for where, body, _, _ in self.got if where == path]

    async def until(self, found: Callable[[], T]) -> T:
        """Return the first value that is true, and wait for it."""
        async with asyncio.timeout(60):
            while not (what := found()):
                await self.changed.wait()
        return what

    async def pause(self, number: int = 1, path: str = "/human-input") -> Json:
        """The notification with this number."""
        return (await self.until(lambda: self.at(path)[number - 1 :]))[0]


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """A listener on a free port."""
    listener = Listener()
    async with serve(takes_posts("/{path:.*}", listener.take)) as url:
        listener.url = url
        yield listener
        listener.release.set()
