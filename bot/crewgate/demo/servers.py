"""Servers on 127.0.0.1: their ports, and processes that can be killed."""

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import aiohttp
from aiohttp import web

_HOST: Final = "127.0.0.1"
#: Ports above those that people choose by hand or browsers refuse, and below those that Linux gives
#: to outgoing connections: nothing takes a server's port while the server is down.
_PORTS: Final = range(11_000, 32_768)
#: The distance between the first ports that two processes with consecutive ids try, so that
#: processes which start together do not try the same ones.
_STRIDE: Final = 257


def _free_ports(first: int) -> Iterator[int]:
    """Yield free ports, from the `first` place in _PORTS on; after the last, begin again."""
    for place in itertools.count(first):
        port = _PORTS[place % len(_PORTS)]
        with socket.socket() as probe:
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
        yield port


#: The ports that `free_port` returns. Tests put ports here that no other test process takes.
FREE_PORTS = _free_ports(os.getpid() * _STRIDE)


def free_port() -> int:
    """Return a free port of 127.0.0.1, each only once."""
    return next(FREE_PORTS)


#: The time limit of a stop, in seconds.
STOP_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05
_SOURCE: Final = str(Path(__file__).parents[2])
_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR")


class DidNotStart(Exception):
    """The process ended or did not become ready."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(f"{what} did not start. It said:\n{log}")
        self.log = log
        """The end of the process's output."""


class ServerProcess:
    """A server process with one port and one folder for all its starts."""

    what = "The server"
    #: The time limit of a start, in seconds.
    start_seconds = 60  # the machine may be busy with other work
    #: The path that answers below 500 once the process is ready.
    ready_path = "/"

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: str,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.log = folder / log
        self.command = command
        self.environment = {**inherited(), "PYTHONPATH": _SOURCE, **environment}
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises DidNotStart."""
        self._process = await self.spawn()
        try:
            async with asyncio.timeout(self.start_seconds):
                await self._until_ready(self._process)
        except TimeoutError as error:
            await self.stop()
            raise self._did_not_start() from error

    async def spawn(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so Ctrl-C reaches only the parent, which ends the server
            )

    async def stop(self) -> int | None:
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ended(self) -> None:
        if self._process is not None:
            await self._process.wait()

    @property
    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-4_000:]

    def _did_not_start(self) -> DidNotStart:
        return DidNotStart(self.what, self.log_tail)

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        async with aiohttp.ClientSession() as session:
            while process.returncode is None:
                try:
                    async with session.get(f"{self.url}{self.ready_path}") as answer:
                        if answer.status < 500:  # noqa: PLR2004
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(_POLL_SECONDS)
        raise self._did_not_start()

    async def _end(self, number: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(number)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        return process.returncode


def inherited() -> dict[str, str]:
    """Return the environment that a server inherits: none of this process's settings."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


#: The arguments with which Python runs a bot. Tests pass others, for a bot with shorter waits.
COMMAND = ("-m", "crewgate", "serve")


class BotProcess(ServerProcess):
    """A process of the bot; without a DATABASE_URL, its database is in `folder`."""

    what = "The bot"
    ready_path = "/readyz"

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        folder: Path,
        port: int | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        port = port or free_port()
        super().__init__(
            [sys.executable, *command],
            environment={**settings, "HOST": "127.0.0.1", "PORT": str(port)},
            folder=folder,
            log="bot.log",
            port=port,
        )


#: The seconds that open connections have at a stop before they are cut.
_SHUTDOWN_SECONDS: Final = 0.01
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def forgive_hang_ups(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """End quietly if the caller has gone: a closed browser tab, a killed bot.

    Nobody is there to answer and nothing is broken, but aiohttp would write a traceback.
    """
    try:
        return await handler(request)
    except (ConnectionError, web.RequestPayloadError):
        return web.Response()


class LocalServer:
    """A server on 127.0.0.1 that can go down and come back on its port."""

    def __init__(
        self, add_routes: Callable[[web.UrlDispatcher], object], *, most_bytes: int
    ) -> None:
        self.port = 0
        self._add_routes = add_routes
        self._most_bytes = most_bytes
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def application(self) -> web.Application:
        """Return a new application for each start: aiohttp's cannot be started twice."""
        made = web.Application(client_max_size=self._most_bytes, middlewares=[forgive_hang_ups])
        self._add_routes(made.router)
        return made

    async def start(self, port: int = 0) -> None:
        """Listen on `port`; 0 is the earlier port, else any free port that can be bound again."""
        if self._runner is not None:
            return
        self._runner = web.AppRunner(
            self.application(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        port = port or self.port or free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
