"""`crewgate host` as a process of its own, in a Python that has crewai."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from crewgate.demo.ports import free_port
from crewgate.demo.server_process import ServerProcess

#: CrewAI reports nothing, asks nothing and keeps nothing outside its folder.
QUIET: Final = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TESTING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
}


class HostProcess(ServerProcess):
    """A host with its file in this folder, which is its home, too."""

    what = "The crew"
    start_seconds = 60  # importing crewai alone takes several

    def __init__(
        self,
        python: str,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        port: int | None = None,
    ) -> None:
        port = port or free_port()
        super().__init__(
            [python, "-m", "crewgate", "host", *words, "--port", str(port)],
            environment={**QUIET, "HOME": str(folder), **environment},
            folder=folder,
            log="host.log",
            port=port,
        )
