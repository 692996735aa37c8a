"""`crewgate host` with the real crewai, from the environment that `make test` builds once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crewgate.demo.hosted.crew import HostProcess
from tests.builders import a_secret_key
from tests.host.client import TOKEN, Api, Json, Listener
from tests.options import folder
from tests.repo.files import ROOT

#: `make test-crewai-newest` names another one.
WITH_CREWAI = ROOT / folder("WITH_CREWAI", ".venv-crewai")
PYTHON = WITH_CREWAI / "bin" / "python"
#: Made last: an environment without it lacks something.
COMPLETE = WITH_CREWAI / ".bot"
FLOW_SECRET = "whsec_of-the-flows"

needs_crewai = pytest.mark.skipif(
    not COMPLETE.exists(),
    reason="crewai is not installed: `make with-crewai` builds .venv-crewai, or says why it cannot",
)


PATTERNS = ("transfer*,twin", "acting_for_others=delegateWork-*")


def host(
    folder: Path,
    *targets: str,
    listener: Listener,
    approve: Sequence[str] = PATTERNS,
) -> HostProcess:
    """A host of these targets below `tests/host/crews`, in this folder.

    Models of which only the name is known are at the listener, too.
    """
    return HostProcess(
        str(PYTHON),
        [
            *(f"tests.host.crews.{target}" for target in targets),
            *("--workers", "12"),
            *(part for one in approve for part in ("--approve-tools", one)),
            *("--tool-timeout", "2s"),
            *("--flow-webhook", f"{listener.url}/{{name}}"),
            *("--flow-webhook-secret-env", "FLOW_SECRET"),
        ],
        folder=folder,
        environment={
            "CREW_TOKEN": TOKEN,
            "FLOW_SECRET": FLOW_SECRET,
            "SECRET_KEYS": a_secret_key(1),
            "PYTHONPATH": f"{ROOT / 'bot'}{os.pathsep}{ROOT}",
            "OPENAI_API_KEY": "of-nobody",
            "OPENAI_BASE_URL": f"{listener.url}/model",
        },
    )


@dataclass
class Real:
    """A host with the real library, and who takes its webhooks."""

    process: HostProcess
    listener: Listener
    folder: Path

    def api(self, name: str) -> Api:
        """A caller of one target."""
        return Api(f"{self.process.url}/{name}")

    def told(self, name: str) -> dict[str, Any]:
        """A kickoff's webhooks, at addresses of this name."""
        url = f"{self.listener.url}/{name}"
        return {
            "humanInputWebhook": {"url": f"{url}/pause"},
            "taskWebhookUrl": f"{url}/task",
            "stepWebhookUrl": f"{url}/step",
            "crewWebhookUrl": f"{url}/crew",
        }

    def pauses(self, execution: str) -> list[Json]:
        """The notifications of an execution."""
        got = [body for path, body, _, _ in self.listener.got if path.endswith("/pause")]
        return [body for body in got if body["execution_id"] == execution]

    async def pause(self, execution: str, number: int = 1) -> Json:
        """The notification of an execution with this number."""
        return (await self.listener.until(lambda: self.pauses(execution)[number - 1 :]))[0]

    async def question(self, flow: str, execution: str, number: int = 1) -> Json:
        """Return the question that an execution of this flow asks."""

        def found() -> list[Json]:
            asked = self.listener.at(f"/{flow}")
            return [one for one in asked if one["flow_id"] == execution][number - 1 :]

        return (await self.listener.until(found))[0]

    async def lesson(self, flow: str, text: str, number: int = 1) -> Json:
        """Return the question to people about a lesson that a flow has learnt."""

        def found() -> list[Json]:
            asked = [one for one in self.listener.at(f"/{flow}") if one["output"] == text]
            return [one for one in asked if one["flow_id"].startswith("lesson-")][number - 1 :]

        return (await self.listener.until(found))[0]

    def lines(self, name: str) -> list[str]:
        """Return the lines that crews and models have written into a file."""
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    @property
    def asked(self) -> list[str]:
        """Return the prompts that the models got."""
        return self.lines("asked.txt")

    def hold(self) -> None:
        """Keep the models busy from now on."""
        os.mkfifo(self.folder / "hold")

    async def kill(self) -> None:
        """Kill it; the models of the next one are not busy."""
        await self.process.kill()
        (self.folder / "hold").unlink()


async def answer(question: Json, feedback: str) -> tuple[int, Any]:
    """Answer a question."""
    body = {"feedback": feedback, "source": "slack"}
    url = question["callback_url"]
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answered:
        return answered.status, await answered.json()
