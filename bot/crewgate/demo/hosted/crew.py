"""A crew of `crewgate host` as the demo uses a crew; the sample crew with the real CrewAI."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Final, Protocol

from typing_extensions import override

from crewgate.demo.crew import Deployment
from crewgate.demo.hosted.process import HostProcess
from crewgate.demo.hosted.proxy import Proxy

SAMPLE_CREW: Final = "crewgate.demo.hosted.sample:crew"
TOKEN: Final = "demo-crew-token"  # noqa: S105  # opens nothing


class Host(Protocol):
    """A `crewgate host` with one crew."""

    @property
    def url(self) -> str:
        """Its address once it has started."""
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


class HostedCrew(Deployment):
    """A crew of a host, behind a proxy; what it shows are the tasks of the fake crew."""

    patience = 20

    def __init__(
        self, host: Host, *, now: Callable[[], float] = time.time, task_seconds: float = 0
    ) -> None:
        super().__init__(now=now, token=TOKEN, task_seconds=task_seconds)
        self._proxy = Proxy(self)
        self._host = host

    @property
    def about(self) -> str:
        """The description of this crew."""
        version = metadata.version("crewai")
        return f"The real CrewAI {version}, with a model that answers from a script."

    @override
    async def start(self, port: int = 0) -> None:
        await self._host.start()
        await self._proxy.start(self._host.url, port)

    @override
    async def stop(self) -> None:
        await self._proxy.stop()
        await self._host.stop()

    @override
    async def go_down(self) -> None:
        await self._proxy.stop()

    @override
    async def come_back(self) -> None:
        await self._proxy.start(self._host.url)

    @property
    @override
    def url(self) -> str:
        return self._proxy.url
