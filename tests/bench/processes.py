"""The children of a run: each a process of its own, and none that outlives it."""

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crewgate.demo.servers import inherited

SOURCE = Path(sys.modules["crewgate"].__path__[0]).parent
ROOT = SOURCE.parent
START_SECONDS = 20
STOP_SECONDS = 30
_POLL_SECONDS = 0.005
_PR_SET_PDEATHSIG = 1


class ChildDidNotStart(Exception):
    """A child ended or did not answer in time; carries what it wrote last."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running process that listens."""

    port: int
    start_seconds: float
    """From starting the process to its first answer with 200."""
    log: Path
    _process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def memory(self, which: str = "VmRSS") -> float:
        """Its resident memory in MB, now or (VmHWM) at its highest; 0 where the system hides it."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except FileNotFoundError:
            return 0
        return next(
            int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith(which)
        )

    def cpu_seconds(self) -> float:
        """The processor time that it has used; 0 where the system hides it."""
        try:
            line = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        except FileNotFoundError:
            return 0
        user, system = line.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Not running meanwhile, so that what it has left to do does not disturb a measurement."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@asynccontextmanager
async def child(
    command: Sequence[str],
    port: int,
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    ready: str = "/",
    python: str = sys.executable,
) -> AsyncIterator[Child]:
    """Start `python *command`, wait until `ready` answers 200, and end it after the block."""
    log = folder / f"{port}.log"
    began = time.monotonic()
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            python,
            *command,
            cwd=folder,
            env={**inherited(), "PYTHONPATH": f"{SOURCE}{os.pathsep}{ROOT}", **(settings or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # the parent handles Ctrl-C
            preexec_fn=partial(_die_with, os.getpid()) if sys.platform == "linux" else None,
        )
    try:
        try:
            async with asyncio.timeout(START_SECONDS):
                await _answers(process, port, ready)
        except (TimeoutError, ChildDidNotStart) as error:
            raise ChildDidNotStart(log.read_text(errors="replace")[-2_000:]) from error
        yield Child(port, time.monotonic() - began, log, process)
    finally:
        await _end(process)


async def _answers(process: asyncio.subprocess.Process, port: int, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    while process.returncode is None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                if b" 200 " in await reader.readline():
                    return
            finally:
                writer.close()
        except OSError:
            pass
        await asyncio.sleep(_POLL_SECONDS)
    raise ChildDidNotStart


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):  # it ends at this moment
        for number in (signal.SIGCONT, signal.SIGTERM):
            process.send_signal(number)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except BaseException:
        process.kill()
        await process.wait()
        raise


def _die_with(parent: int) -> None:
    """In the child: be killed when the parent is, which then cannot end it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended meanwhile
        os._exit(1)
