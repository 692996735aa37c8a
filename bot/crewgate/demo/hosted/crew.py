"""A crew of `crewgate host` as the demo uses a crew; the sample crew with the real CrewAI."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Final, Protocol

from crewgate.demo.crew import Call, Change, Crew, Execution, Fault, Resume, Sent
from crewgate.demo.crew.records import Changes
from crewgate.demo.hosted.process import HostProcess
from crewgate.demo.hosted.progress import Progress
from crewgate.demo.hosted.proxy import Proxy

SAMPLE_CREW: Final = "crewgate.demo.hosted.sample:crew"
TOKEN: Final = "demo-crew-token"  # noqa: S105  # opens nothing
_KEEP: Final = 1_000


class Host(Protocol):
    """A `crewgate host` with one crew."""

    @property
    def url(self) -> str:
        """Where it listens once it has started."""
        ...

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises DidNotStart."""
        ...

    async def stop(self) -> object:
        """Ask it to end, and wait until it has."""
        ...


def sample_host(folder: Path, *, task_seconds: float) -> HostProcess:
    """A host in this folder with the sample crew, whose model takes this long for each answer."""
    return HostProcess(
        sys.executable,
        [SAMPLE_CREW],
        folder=folder,
        environment={"CREW_TOKEN": TOKEN, "CREWGATE_SAMPLE_SECONDS": str(task_seconds)},
    )


class HostedCrew(Crew):
    """A crew of a host, behind a proxy; what it shows are the tasks of the stand-in."""

    def __init__(
        self, host: Host, *, now: Callable[[], float] = time.time, task_seconds: float = 0
    ) -> None:
        super().__init__(now=now, token=TOKEN, task_seconds=task_seconds)
        self._seen = Changes(now)
        self._progress = Progress(self._seen, now=now, keep=_KEEP)
        self._proxy = Proxy(self._progress, self._seen, now=now, keep=_KEEP)
        self._host = host

    @property
    def about(self) -> str:
        """What this crew is, in words."""
        version = metadata.version("crewai")
        return f"The real CrewAI {version}, with a model that answers from a script."

    async def start(self, port: int = 0) -> None:
        """Start the host, and listen before it. Raises DidNotStart."""
        del port  # the proxy has its own
        await self._host.start()
        await self._proxy.start(self._host.url)

    async def stop(self) -> None:
        """Stop both."""
        await self._proxy.stop()
        await self._host.stop()

    async def go_down(self) -> None:
        """Refuse and drop connections from now on. The host works on, and reaches nobody."""
        await self._proxy.stop()

    async def come_back(self) -> None:
        """Listen again, on the same port."""
        await self._proxy.start(self._host.url)

    @property
    def url(self) -> str:
        """Where the bot reaches it."""
        return self._proxy.url

    def fail(self, route: str, *, how: Fault, times: int | None = 1) -> None:
        """Fail the next requests to a route; see `Crew`."""
        self._proxy.faults.add(route, how, times)

    def clear(self, route: str | None = None) -> None:
        """Fail no more, on one route or on all."""
        self._proxy.faults.clear(route)

    def release(self) -> None:
        """Continue every request that hangs now."""
        self._proxy.faults.release()

    @property
    def faults_due(self) -> int:
        """How many faults are pending."""
        return self._proxy.faults.due

    @property
    def requests(self) -> tuple[Call, ...]:
        """The latest requests, the oldest first."""
        return tuple(self._proxy.calls)

    @property
    def totals(self) -> tuple[int, int]:
        """How many requests came and how many webhooks were sent since the beginning."""
        return self._proxy.calls.total, self._proxy.sent.total

    @property
    def resumes(self) -> tuple[Resume, ...]:
        """The latest resumes that took effect, the oldest first."""
        return tuple(self._progress.resumes)

    @property
    def webhooks_sent(self) -> tuple[Sent, ...]:
        """The latest webhooks, the oldest first."""
        return tuple(self._proxy.sent)

    @property
    def executions(self) -> tuple[Execution, ...]:
        """The executions it keeps, the oldest first."""
        return tuple(self._progress.executions.values())

    def execution(self, execution_id: str) -> Execution:
        """An execution. Raises KeyError."""
        return self._progress.executions[execution_id]

    async def until(self, condition: Callable[[], object], *, timeout: float = 20) -> None:
        """Return once `condition()` is true."""
        await self._seen.until(condition, timeout=timeout)

    def subscribe(self) -> asyncio.Queue[Change]:
        """Every change from now on."""
        return self._seen.subscribe()
