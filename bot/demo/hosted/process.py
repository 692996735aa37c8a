"""`crewgate host` as a process of its own, in a Python that has crewai."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from bot.demo.bot_process import inherited
from bot.demo.ports import free_port

#: How long a start may take, in seconds: importing crewai alone takes several.
START_SECONDS: Final = 60
STOP_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05
_SOURCE: Final = str(Path(__file__).parents[3])
#: CrewAI reports nothing, asks nothing and keeps nothing outside its folder.
QUIET: Final = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TESTING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
}


class HostDidNotStart(Exception):
    """The process ended or did not become ready; carries what it wrote."""


class HostProcess:
    """One process at a time; can be killed and started again on the same port and file."""

    def __init__(
        self,
        python: str,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.log = folder / "host.log"
        self._python = python
        self._words = words
        self._folder = folder
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises HostDidNotStart."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._python,
                *("-m", "bot", "host", *self._words, "--port", str(self.port)),
                cwd=self._folder,
                env={
                    **inherited(),
                    **QUIET,
                    "HOME": str(self._folder),
                    "PYTHONPATH": _SOURCE,
                    **self._environment,
                },
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the parent handles Ctrl-C
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._until_ready(self._process)
        except TimeoutError as error:
            await self.kill()
            raise HostDidNotStart(self.log_tail) from error

    async def stop(self) -> int | None:
        """Ask it to end (SIGTERM), and wait until it has; the exit status."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Kill it without a chance to clean up (SIGKILL)."""
        await self._end(signal.SIGKILL)

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        async with aiohttp.ClientSession() as session:
            while process.returncode is None:
                try:
                    async with session.get(self.url):
                        return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(_POLL_SECONDS)
        raise HostDidNotStart(self.log_tail)

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

    @property
    def log_tail(self) -> str:
        """The end of what it has written."""
        return self.log.read_text(errors="replace")[-4_000:]
