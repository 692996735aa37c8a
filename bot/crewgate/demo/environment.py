"""The demo environment: a workspace with people, a crew, and a bot configured for both."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from crewgate.demo.bot_process import COMMAND, BotProcess
from crewgate.demo.crew import Address, Crew, Deployment
from crewgate.demo.hosted.crew import HostedCrew
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import Workspace

CHANNEL = "C0REVIEWS"
ANA = "U0ANA"
BEN = "U0BEN"
CARL = "U0CARL"
"""In the channel, but no reviewer."""
ROLES = {ANA: "reviewer", BEN: "reviewer", CARL: "may not decide"}
STAND_IN = "A stand-in: CrewAI itself is not running. make demo-crewai has the real one."
WEBHOOK_SECRET = "demo-webhook-secret"  # noqa: S105  # opens nothing
TIMED_OUT = "Nobody decided within 5 minutes. Check the figures once more."
CREWS = f"""\
[crews.{{name}}]
url = "{{url}}"
token_env = "DEMO_CREW_TOKEN"
webhook_secret_env = "DEMO_WEBHOOK_SECRET"

[[crews.{{name}}.rules]]
name = "the board reads this"
when = {{{{ task = "Board summary" }}}}
approvals = 2
remind = {{{{ after = "30s", most = 2 }}}}
timeout = {{{{ after = "5m", then = "revise", feedback = "{TIMED_OUT}" }}}}
"""
"""The demo's `crews.toml`: one rule, with times that can be waited for."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The running stand-ins and the bot between them."""

    workspace: Workspace
    crew: Deployment
    bot: BotProcess
    about: str
    """The description of the crew."""

    @property
    def human_input_url(self) -> str:
        """The bot's endpoint for the crew's human-input notifications."""
        return f"{self.bot.url}/crews/{self.crew.name}/human-input"


@asynccontextmanager
async def start_environment(
    folder: Path,
    *,
    now: Callable[[], float] = time.time,
    task_seconds: float,
    port: int | None = None,
    command: Sequence[str] = COMMAND,
    hosted: HostedCrew | None = None,
) -> AsyncIterator[Environment]:
    """Start the stand-ins and the bot; `task_seconds` is how long each task of the crew takes.

    With `hosted`, that crew instead of the stand-in.
    """
    chosen: Deployment = hosted or Crew(now=now, task_seconds=task_seconds)
    async with Workspace(now=now) as workspace, chosen as crew:
        people(workspace)
        port = port or free_port()
        crews_file = folder / "crews.toml"
        crews_file.write_text(CREWS.format(name=crew.name, url=crew.url))
        configured = slack_settings(workspace) | {
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "CREWS_FILE": str(crews_file),
            "DEMO_CREW_TOKEN": crew.token,
            "DEMO_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        bot = BotProcess(configured, folder=folder, port=port, command=command)
        workspace.events_url = f"{bot.url}/slack/events"
        environment = Environment(workspace, crew, bot, hosted.about if hosted else STAND_IN)
        crew.human_input = Address.bearer(environment.human_input_url, WEBHOOK_SECRET)
        async with bot:
            yield environment


def people(workspace: Workspace) -> None:
    """Add two reviewers, a member who may not decide, and the channel they are in."""
    workspace.add_user(ANA, "Ana", "ana@example.com")
    workspace.add_user(BEN, "Ben", "ben@example.com")
    workspace.add_user(CARL, "Carl", "carl@example.com")
    workspace.add_channel(CHANNEL, "crew-reviews", members=[ANA, BEN, CARL])


def slack_settings(workspace: Workspace) -> dict[str, str]:
    """The environment variables of a bot in this workspace, and who reviews."""
    return {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": workspace.api_url,
        "SLACK_CHANNEL": CHANNEL,
        "REVIEWERS": f"{ANA},ben@example.com",
    }


def settings(workspace: Workspace, crew: Deployment) -> dict[str, str]:
    """The same with one crew and no file, so without rules."""
    return slack_settings(workspace) | {
        "CREW_NAME": crew.name,
        "CREW_URL": crew.url,
        "CREW_TOKEN": crew.token,
        "CREW_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
