"""The real bot as a process of its own, as `crewgate serve` starts it.

It is configured with the same settings as a real installation, pointing at the stand-ins.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from bot.demo.ports import free_port

#: How long a start and a stop may take, in seconds.
START_SECONDS = 20
STOP_SECONDS = 30
_POLL_SECONDS = 0.05
#: What Python is started with. Tests have a bot that waits for less.
COMMAND = ("-m", "bot", "serve")
#: The last one lets tests measure what the process covers.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_CONFIG")


class BotDidNotStart(Exception):
    """The process ended or did not become ready; carries what it wrote."""


class BotProcess:
    """One process at a time; can be killed and started again on the same port and database."""

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        folder: Path,
        port: int | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.port = port or free_port()
        self.log = folder / "bot.log"
        self._folder = folder
        self._command = command
        self._settings = {**settings, "HOST": "127.0.0.1", "PORT": str(self.port)}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where the bot listens."""
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
        """Start it and wait until it is ready. Raises BotDidNotStart."""
        source = str(Path(__file__).parents[2])
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                cwd=self._folder,
                env={**inherited(), "PYTHONPATH": source, **self._settings},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the parent handles Ctrl-C
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._until_ready(self._process)
        except TimeoutError as error:
            await self.stop()
            raise BotDidNotStart(self.log_tail) from error

    async def stop(self) -> None:
        """Ask it to end (SIGTERM), and wait until it has."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Kill it without a chance to clean up (SIGKILL)."""
        await self._end(signal.SIGKILL)

    @property
    def running(self) -> bool:
        """Whether there is a process that has not ended."""
        return self._process is not None and self._process.returncode is None

    async def ended(self) -> None:
        """Wait until the present process has ended, whoever ended it."""
        if self._process is not None:
            await self._process.wait()

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        async with aiohttp.ClientSession() as session:
            while process.returncode is None:
                try:
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:  # noqa: PLR2004
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(_POLL_SECONDS)
        raise BotDidNotStart(self.log_tail)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def log_tail(self) -> str:
        """The end of what it has written."""
        return self.log.read_text(errors="replace")[-2_000:]


def inherited() -> dict[str, str]:
    """The part of this process's environment that the bot gets: none of its settings."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
