"""`crewgate host` with the real crewai, from the environment that `make test` builds once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.demo.hosted.process import HostProcess
from tests.host.client import TOKEN, Api
from tests.repo.files import ROOT

PYTHON = ROOT / ".venv-crewai" / "bin" / "python"
#: Made last: an environment without it lacks something.
COMPLETE = ROOT / ".venv-crewai" / ".bot"
FLOW_SECRET = "whsec_of-the-flows"

needs_crewai = pytest.mark.skipif(
    not COMPLETE.exists(),
    reason="crewai is not installed: `make with-crewai` builds .venv-crewai, or says why it cannot",
)


def host(folder: Path, *targets: str, flow_webhook: str = "", workers: int = 4) -> HostProcess:
    """A host of these targets below `tests/host/crews`, in this folder."""
    asks = ("--flow-webhook", flow_webhook, "--flow-webhook-secret-env", "FLOW_SECRET")
    return HostProcess(
        str(PYTHON),
        [
            *(f"tests.host.crews.{target}" for target in targets),
            *("--workers", str(workers)),
            *(asks if flow_webhook else ()),
        ],
        folder=folder,
        environment={"CREW_TOKEN": TOKEN, "FLOW_SECRET": FLOW_SECRET},
    )


def api(process: HostProcess, name: str = "") -> Api:
    """A caller of one target."""
    return Api(f"{process.url}/{name}" if name else process.url)
