"""A server of ours as a process of its own, that can be killed and started again."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import aiohttp

from crewgate.demo.ports import free_port

#: The longest that a stop may take, in seconds.
STOP_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05
_SOURCE: Final = str(Path(__file__).parents[2])
_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR")


class DidNotStart(Exception):
    """The process ended or did not become ready."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(f"{what} did not start. It said:\n{log}")
        self.log = log
        """The end of what it wrote."""


class ServerProcess:
    """One process at a time, on the same port and in the same folder each time."""

    #: Its name for people.
    what = "The server"
    #: The longest that a start may take, in seconds.
    start_seconds = 20
    #: The path that is answered with less than 500 once it is ready.
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
        """Start it and wait until it is ready. Raises DidNotStart."""
        self._process = await self.spawn()
        try:
            async with asyncio.timeout(self.start_seconds):
                await self._until_ready(self._process)
        except TimeoutError as error:
            await self.stop()
            raise self._did_not_start() from error

    async def spawn(self) -> asyncio.subprocess.Process:
        """Start it; what it writes goes to its log."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the parent handles Ctrl-C
            )

    async def stop(self) -> int | None:
        """Ask it to end (SIGTERM), and wait until it has; the exit status."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Kill it without a chance to clean up (SIGKILL)."""
        await self._end(signal.SIGKILL)

    @property
    def running(self) -> bool:
        """True if there is a process that has not ended."""
        return self._process is not None and self._process.returncode is None

    async def ended(self) -> None:
        """Wait until the present process has ended, whoever ended it."""
        if self._process is not None:
            await self._process.wait()

    @property
    def log_tail(self) -> str:
        """The end of what it has written."""
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
    """The part of this process's environment that a server gets: none of its settings."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}
