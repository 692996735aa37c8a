"""Processes of ours that begin where every import is done: importing is most of a start.

A process that has imported all waits for its worker's requests, and forks. What differs between a
start from nothing and this is held by the tests of `crewgate demo`, which start Python itself.
"""

import asyncio
import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from crewgate.demo.servers import ServerProcess, inherited

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "crewgate.app",
        "crewgate.runtime",
        "crewgate.audit.run",
        "crewgate.check.database",
        "crewgate.check.run",
        "crewgate.dataset",
        "crewgate.host.command",
        "crewgate.purge",
        "crewgate.rules.run",
        # What others import when they first need it.
        "aiosqlite",
        "anyio._backends._asyncio",
        "h11",
        "httpcore",
    ]
)


class ForkedPython:
    """Python with these arguments; what `asyncio.subprocess.Process` offers of it."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path
    ) -> None:
        self.returncode: int | None = None
        self._has_ended = asyncio.Event()
        self._process = _FORKING.Process(
            target=_run, args=(arguments, environment, folder, output), daemon=True
        )
        self._process.start()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._end)

    async def wait(self) -> int | None:
        await self._has_ended.wait()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self.returncode = self._process.exitcode
        self._has_ended.set()


async def spawn_forked(server: ServerProcess) -> ForkedPython:
    """Start a server that is written in Python, in place of its own `spawn`."""
    return ForkedPython(server.command[1:], server.environment, server.folder, server.log)


async def run_crewgate(*words: str, folder: Path, env: Mapping[str, str]) -> tuple[int | None, str]:
    """`crewgate …` with exactly these settings: exit status, and all it said."""
    with tempfile.NamedTemporaryFile() as output:
        command = ("-m", "crewgate", *words)
        forked = ForkedPython(command, {**inherited(), **env}, folder, Path(output.name))
        return await forked.wait(), output.read().decode()


def _run(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path
) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with output.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    option, program, *words = arguments
    sys.argv = [option, *words]
    if option == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        exec(program, {"__name__": "__main__"})  # noqa: S102  # what `python -c` does
