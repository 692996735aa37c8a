"""The page's HTTP server: static files, a stream of state changes, and the actions."""

import asyncio
import errno
import json
import signal
import socket
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from crewgate.demo.environment import ROLES, Environment, start_environment
from crewgate.demo.playground.actions import ActionRefused, Actions, Supervisor
from crewgate.demo.playground.state import SlackState, crew_state, people
from crewgate.demo.servers import DidNotStart, forgive_hang_ups

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
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_FORBIDDEN: Final = 403
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Playground:
    """Serves one page for one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._slack = SlackState(environment.workspace)
        self._changed = asyncio.Event()
        self._closing = False
        self.supervisor = Supervisor(environment.bot, self.change)
        self._actions = Actions(environment, self.supervisor, self.change)
        for changes in (environment.workspace.world.changes, environment.crew.changes):
            changes.listeners.add(lambda *_: self.change())

    def change(self) -> None:
        # The next change has a new event, so that a waiting request wakes only once for this one.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        application = web.Application(middlewares=[forgive_hang_ups, _guard])
        application.router.add_get("/", _page)
        application.router.add_static("/static", STATIC)
        application.router.add_get("/changes", self._changes)
        application.router.add_post("/do/{action}", self._do)
        application.router.add_get("/files/{file}/{name}", self._file)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        async with self.supervisor:
            try:
                await web.SockSite(runner, listener).start()
                yield
            finally:
                self._closing = True
                self.change()
                await runner.cleanup()

    # ---- state

    def _state(self, person: str) -> Iterator[tuple[str, str]]:
        yield "about", json.dumps(self._environment.about)
        samples = self._environment.crew.samples
        yield "samples", json.dumps([{"topic": one.topic, "about": one.about} for one in samples])
        yield "notify", json.dumps(self._environment.notify)
        yield "people", json.dumps(people(self._environment.workspace, ROLES))
        bot = {
            "state": self.supervisor.state,
            "problem": self.supervisor.problem,
            "log": self.supervisor.log,
        }
        yield "bot", json.dumps(bot)
        faults = {
            "slack": self._environment.workspace.faults.due,
            "crew": self._environment.crew.faults.due,
            "hanging": self._environment.workspace.faults.hanging,
        }
        yield "faults", json.dumps(faults)
        yield from crew_state(self._environment.crew)
        yield from self._slack.of(person)

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        """Send server-sent events: first the full state, then only the differences."""
        person = request.query.get("as", "")
        if person not in self._environment.workspace.world.users:
            raise web.HTTPNotFound(text="no such user")
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

    # ---- actions

    async def _do(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
            answer = await self._actions.perform(request.match_info["action"], body["as"], body)
        except ActionRefused as error:
            return _error(409, str(error))
        except (KeyError, ValueError, TypeError) as error:
            return _error(400, f"malformed request: {error!r}")
        return web.json_response(answer)

    async def _file(self, request: web.Request) -> web.Response:
        file = self._environment.workspace.world.files.get(request.match_info["file"])
        if file is None or file.content is None:
            raise web.HTTPNotFound
        return web.Response(body=file.content, content_type="text/plain", charset="utf-8")


def _event(known: dict[str, str] | None, now: dict[str, str]) -> bytes:
    before = known or {}
    fresh = (f"{json.dumps(key)}:{text}" for key, text in now.items() if before.get(key) != text)
    removed = json.dumps([key for key in before if key not in now])
    full = json.dumps(known is None)
    return f'data: {{"full":{full},"set":{{{",".join(fresh)}}},"removed":{removed}}}\n\n'.encode(
        "utf-8", "replace"
    )


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


def _error(status: int, problem: str) -> web.Response:
    return web.json_response({"ok": False, "problem": problem, "errors": {}}, status=status)


@web.middleware
async def _guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuse requests that other sites make a browser send, by Host, Origin and content type."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    if host not in _LOCAL_HOSTS or origin not in {None, f"http://{request.host}"}:
        return web.Response(status=_FORBIDDEN, text="this page is for this machine only")
    if request.method == "POST" and request.content_type != "application/json":
        return web.Response(status=415, text="JSON only")
    response = await handler(request)
    if not response.prepared:
        response.headers.update(_HEADERS)
    return response


PORT: Final = 8765
TASK_SECONDS: Final = 1.5
"""The time of each of the crew's tasks, in seconds: long enough to be seen."""

Say = Callable[[str], None]


async def serve(*, port: int | None, open_browser: bool, say: Say, crewai: bool = False) -> int:
    """Serve the page until Ctrl-C or SIGTERM; return the exit status."""
    try:
        _end_on_signals()
        async with open_playground(
            port=port, task_seconds=TASK_SECONDS, say=say, crewai=crewai
        ) as (address, environment):
            if crewai:
                say(environment.about)
            say(f"The playground is at {address} (Ctrl-C ends it)")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, address)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("\nEnded.")
    except DidNotStart as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"The page cannot be served: {error}")
        return 1
    return 0


def _end_on_signals() -> None:
    """Cancel the current task on Ctrl-C or SIGTERM, also during the start."""
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        if current is not None:
            loop.add_signal_handler(number, current.cancel)


@asynccontextmanager
async def open_playground(
    *, port: int | None, task_seconds: float, say: Say, crewai: bool = False
) -> AsyncIterator[tuple[str, Environment]]:
    """Run an environment and its page until the `async with` ends; yield the URL and the former.

    With `crewai` the crew is a real one. Raises DidNotStart, or OSError when the page cannot be
    served.
    """
    with (
        bind_port(PORT if port is None else port, say) as listener,
        tempfile.TemporaryDirectory(prefix="crewgate-demo-") as folder,
    ):
        if crewai:
            say("Starting CrewAI, which takes a few seconds.")
        async with (
            start_environment(
                Path(folder), task_seconds=task_seconds, crewai=crewai
            ) as environment,
            Playground(environment).listening(listener),
        ):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", environment


def bind_port(port: int, say: Say, *, tries: int = 20) -> socket.socket:
    """Bind this port of 127.0.0.1, or the next free one.

    Raises OSError when no port is free or binding fails.
    """
    for tried in range(port, port + tries):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", tried))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
            more = tried + 1 < port + tries
            say(f"Port {tried} is taken{f', trying {tried + 1}' if more else ''}.")
        else:
            return listener
    raise OSError(errno.EADDRINUSE, f"ports {port} to {port + tries - 1} are all taken")
