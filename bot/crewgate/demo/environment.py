"""The demo environment: a workspace with people, a crew, and a bot configured for both."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from crewgate.crew_api.wire import Address, FlowWebhook
from crewgate.demo.crew.crew import Crew
from crewgate.demo.crew.deployment import Deployment
from crewgate.demo.crew.script import SAMPLES
from crewgate.demo.hosted.crew import HostedCrew, sample_host
from crewgate.demo.servers import BotProcess, free_port
from crewgate.demo.workspace.workspace import Workspace, empty_workspace

CHANNEL = "C0REVIEWS"
ANA = "U0ANA"
BEN = "U0BEN"
CARL = "U0CARL"
"""Carl is in the channel, but is no reviewer."""
DANA = "U0DANA"
"""Dana may decide on a contract once the contract's rule has escalated."""
ROLES = {
    ANA: "reviewer",
    BEN: "reviewer",
    CARL: "may not decide",
    DANA: "decides contracts that wait",
}
NOTIFY: Final = ("mention", "dm", "none")
STAND_IN = "A stand-in: CrewAI itself is not running. make demo-crewai has the real one."
WEBHOOK_SECRET = "demo-webhook-secret"  # noqa: S105  # opens nothing
FLOW_SECRET = "whsec_demo-flow-secret"  # noqa: S105  # opens nothing
TIMED_OUT = "This was not decided within 5 minutes. Check the figures once more."
CREWS = f"""\
[crews.{{name}}]
url = "{{url}}"
token_env = "DEMO_CREW_TOKEN"
webhook_secret_env = "DEMO_WEBHOOK_SECRET"
flow_webhook_secret_env = "DEMO_FLOW_SECRET"
flow_callback_hosts = ["127.0.0.1"]
notify = "{{notify}}"

[[crews.{{name}}.rules]]
name = "the board reads this"
when = {{{{ task = "Board summary" }}}}
approvals = 2
remind = {{{{ after = "30s", most = 2 }}}}
timeout = {{{{ after = "5m", then = "revise", feedback = "{TIMED_OUT}" }}}}

[[crews.{{name}}.rules]]
name = "no contract waits"
when = {{{{ task = "Contract review" }}}}
escalate = {{{{ after = "1m", to = ["{DANA}"] }}}}
"""
"""The demo's `crews.toml`: two rules, with short times."""


@dataclass(slots=True)
class Environment:
    """The stand-ins and the bot between these, all running."""

    workspace: Workspace
    crew: Deployment
    bot: BotProcess
    _: KW_ONLY
    about: str
    """The description of the crew."""
    crews_file: Path
    notify: str = NOTIFY[0]
    """The crew's `notify`; the bot reads it at its start."""

    async def kick_off(self, topic: str, **more: str) -> dict[str, Any]:
        """Kick off through the bot, which adds the lessons that people kept; return its answer."""
        async with (
            aiohttp.ClientSession(headers=self.crew_token) as session,
            session.post(
                f"{self.bot.url}/crews/{self.crew.name}/kickoff",
                json={"inputs": {"topic": topic}, **more},
            ) as answer,
        ):
            reply: dict[str, Any] = await answer.json()
            return reply

    @property
    def crew_token(self) -> dict[str, str]:
        """The header by which the crew and the bot know who calls."""
        return {"Authorization": f"Bearer {self.crew.token}"}

    def write_settings(self) -> None:
        crew = self.crew
        self.crews_file.write_text(
            CREWS.format(name=crew.name, url=crew.url, notify=self.notify), encoding="utf-8"
        )


@asynccontextmanager
async def start_environment(
    folder: Path, *, task_seconds: float, port: int | None = None, crewai: bool = False
) -> AsyncIterator[Environment]:
    """Start the stand-ins and the bot; each task of the crew takes `task_seconds`.

    With `crewai` the crew is a real one in place of the stand-in.
    """
    if crewai:
        host = sample_host(folder, task_seconds=task_seconds)
        chosen: Deployment = HostedCrew(host, task_seconds=task_seconds)
    else:
        chosen = Crew(task_seconds=task_seconds, samples=SAMPLES, inputs=("topic", "lessons"))
    async with empty_workspace(time.time) as workspace, chosen as crew:
        people(workspace)
        workspace.add_user(DANA, "Dana", "dana@example.com")
        workspace.world.channels[CHANNEL].members.add(DANA)
        port = port or free_port()
        crews_file = folder / "crews.toml"
        configured = slack_settings(workspace) | {
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "CREWS_FILE": str(crews_file),
            "DEMO_CREW_TOKEN": crew.token,
            "DEMO_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "DEMO_FLOW_SECRET": FLOW_SECRET,
        }
        bot = BotProcess(configured, folder=folder, port=port)
        about = chosen.about if isinstance(chosen, HostedCrew) else STAND_IN
        environment = Environment(workspace, crew, bot, about=about, crews_file=crews_file)
        environment.write_settings()
        connect(workspace, crew, bot.url)
        if isinstance(crew, Crew):
            address = f"{bot.url}/crews/{crew.name}/flow-request"
            crew.flows.webhook = FlowWebhook(address, FLOW_SECRET)
        async with bot:
            yield environment


def people(workspace: Workspace) -> None:
    """Add two reviewers, a member who may not decide, and their channel."""
    workspace.add_user(ANA, "Ana", "ana@example.com")
    workspace.add_user(BEN, "Ben", "ben@example.com")
    workspace.add_user(CARL, "Carl", "carl@example.com")
    workspace.add_channel(CHANNEL, "crew-reviews", members=[ANA, BEN, CARL])


def slack_settings(workspace: Workspace) -> dict[str, str]:
    """Return the environment variables of a bot in this workspace, with its reviewers."""
    return {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": workspace.api_url,
        "SLACK_CHANNEL": CHANNEL,
        "REVIEWERS": f"{ANA},ben@example.com",
    }


def connect(workspace: Workspace, crew: Deployment, bot: str, secret: str = WEBHOOK_SECRET) -> None:
    """Point the workspace's events and the crew's pauses at a bot."""
    workspace.events_url = f"{bot}/slack/events"
    crew.human_input = Address.bearer(f"{bot}/crews/{crew.name}/human-input", secret)
