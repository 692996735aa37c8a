"""The page's own server: the files, what is the case now and whatever changes, and the deeds."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from bot.demo.playground.crew_state import crew_state
from bot.demo.playground.deeds import Deeds, NoSuchThing
from bot.demo.playground.keeper import Keeper
from bot.demo.playground.slack_state import SlackState, people
from bot.demo.stage import ROLES, Stage

STATIC: Final = Path(__file__).parent / "static"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_OURSELVES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_FORBIDDEN: Final = 403
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Playground:
    """One page over one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._slack = SlackState(stage.workspace)
        self._changed = asyncio.Event()
        self._closing = False
        self.keeper = Keeper(stage.bot, self.change)
        self._deeds = Deeds(stage, self.keeper, self.change)

    def change(self) -> None:
        """Something is another than before: tell every page."""
        # A new bell for the next change: whoever waits on the old one wakes exactly once.
        rung, self._changed = self._changed, asyncio.Event()
        rung.set()

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serve the page on this socket."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        async with self.keeper:
            watching = [
                asyncio.create_task(watch()) for watch in (self._watch_slack, self._watch_crew)
            ]
            try:
                await web.SockSite(runner, listener).start()
                yield
            finally:
                for watch in watching:
                    watch.cancel()
                await asyncio.gather(*watching, return_exceptions=True)
                self._closing = True
                self.change()
                await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[_guard])
        application.router.add_get("/", _page)
        application.router.add_static("/static", STATIC)
        application.router.add_get("/changes", self._changes)
        application.router.add_post("/do/{deed}", self._do)
        application.router.add_get("/files/{file}/{name}", self._file)
        return application

    async def _watch_slack(self) -> None:
        with self._stage.workspace.subscribe() as news:
            async for _ in news:
                self.change()

    async def _watch_crew(self) -> None:
        news = self._stage.crew.subscribe()
        while True:
            await news.get()
            self.change()

    # ---- what is the case

    def _state(self, person: str) -> Iterator[tuple[str, str]]:
        yield "people", json.dumps(people(self._stage.workspace, ROLES))
        yield "bot", json.dumps({"state": self.keeper.state, "trouble": self.keeper.trouble})
        faults = {
            "slack": self._stage.workspace.faults_due,
            "crew": self._stage.crew.faults_due,
            "hanging": self._stage.workspace.hanging,
        }
        yield "faults", json.dumps(faults)
        yield "crew", json.dumps({"name": self._stage.crew.name, "pace": self._stage.crew.pace})
        yield from crew_state(self._stage.crew)
        yield from self._slack.of(person)

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: first everything, then only what is another than it was."""
        person = request.query.get("as", "")
        if person not in self._stage.workspace.world.users:
            raise web.HTTPNotFound(text="nobody of that name")
        headers = {**_HEADERS, "Content-Type": "text/event-stream"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        known: dict[str, str] | None = None
        while not self._closing:
            changed = self._changed
            now = dict(self._state(person))
            if known != now:
                await response.write(_event(known, now))
                known = now
            await changed.wait()
        return response

    # ---- what is done

    async def _do(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
            answer = await self._deeds.do(request.match_info["deed"], body["as"], body)
        except NoSuchThing as error:
            return _no(409, str(error))
        except (KeyError, ValueError, TypeError) as error:
            return _no(400, f"the page asked for something odd: {error!r}")
        return web.json_response(answer)

    async def _file(self, request: web.Request) -> web.Response:
        file = self._stage.workspace.world.files.get(request.match_info["file"])
        if file is None or file.content is None:
            raise web.HTTPNotFound
        return web.Response(body=file.content, content_type="text/plain", charset="utf-8")


def _event(known: dict[str, str] | None, now: dict[str, str]) -> bytes:
    before = known or {}
    fresh = (f"{json.dumps(key)}:{text}" for key, text in now.items() if before.get(key) != text)
    gone = json.dumps([key for key in before if key not in now])
    whole = json.dumps(known is None)
    return f'data: {{"whole":{whole},"set":{{{",".join(fresh)}}},"gone":{gone}}}\n\n'.encode(
        "utf-8", "replace"
    )


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


def _no(status: int, problem: str) -> web.Response:
    return web.json_response({"ok": False, "problem": problem, "errors": {}}, status=status)


@web.middleware
async def _guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Let in nobody but this page: no other site in the same browser, under whatever name."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    if host not in _OURSELVES or origin not in {None, f"http://{request.host}"}:
        return web.Response(status=_FORBIDDEN, text="this page is for this machine only")
    if request.method == "POST" and request.content_type != "application/json":
        return web.Response(status=415, text="JSON only")
    response = await handler(request)
    if not response.prepared:
        response.headers.update(_HEADERS)
    return response
