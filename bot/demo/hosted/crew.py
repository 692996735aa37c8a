"""The sample crew with the real CrewAI, as the demo uses a crew."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Final

from bot.demo.crew import Call, Change, Crew, Execution, Fault, Resume, Sent
from bot.demo.crew.records import Changes
from bot.demo.hosted.process import HostProcess
from bot.demo.hosted.progress import Progress
from bot.demo.hosted.proxy import Proxy

SAMPLE_CREW: Final = "bot.host.sample:crew"
_KEEP: Final = 1_000


class HostedCrew(Crew):
    """A crew of `crewgate host`, behind a proxy; its tasks are those of the stand-in."""

    def __init__(
        self, folder: Path, *, now: Callable[[], float] = time.time, task_seconds: float
    ) -> None:
        super().__init__(now=now, task_seconds=task_seconds)
        self._seen = Changes(now)
        self._progress = Progress(self._seen, now=now, keep=_KEEP)
        self._proxy = Proxy(self._progress, self._seen, now=now, keep=_KEEP)
        self._host = HostProcess(
            sys.executable,
            [SAMPLE_CREW],
            folder=folder,
            environment={
                "CREW_TOKEN": self.token,
                "CREWGATE_SAMPLE_SECONDS": str(task_seconds),
            },
        )

    @property
    def about(self) -> str:
        """What this crew is, in words."""
        version = metadata.version("crewai")
        return f"The real CrewAI {version}, with a model that answers from a script."

    async def start(self, port: int = 0) -> None:
        """Start the host, and listen before it. Raises HostDidNotStart."""
        del port  # the proxy has its own
        await self._host.start()
        await self._proxy.start(self._host.url)

    async def stop(self) -> None:
        """Stop both."""
        await self._proxy.stop()
        await self._host.stop()

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
