"""The demo's stage: a workspace with people, a crew, and the settings that join a bot to both."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo.bot_process import BotProcess, free_port
from bot.demo.crew import Crew, HumanInput
from bot.demo.workspace import Workspace

CHANNEL = "C0REVIEWS"
ANA = "U0ANA"
BEN = "U0BEN"
CARL = "U0CARL"
"""In the channel, but no reviewer."""
ROLES = {ANA: "reviewer", BEN: "reviewer", CARL: "may not decide"}
WEBHOOK_SECRET = "demo-webhook-secret"  # noqa: S105  # opens nothing


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that plays."""

    workspace: Workspace
    crew: Crew
    bot: BotProcess

    @property
    def human_input_url(self) -> str:
        """Where the crew announces its pauses."""
        return f"{self.bot.url}/crews/{self.crew.name}/human-input"


@asynccontextmanager
async def set_up(
    folder: Path, *, now: Callable[[], float] = time.time, pace: float, port: int | None = None
) -> AsyncIterator[Stage]:
    """Start the stand-ins and the bot; `pace` is how long each of the crew's tasks takes, in s."""
    async with Workspace(now=now) as workspace, Crew(now=now, pace=pace) as crew:
        people(workspace)
        port = port or free_port()
        reachable = settings(workspace, crew) | {"PUBLIC_URL": f"http://127.0.0.1:{port}"}
        bot = BotProcess(reachable, folder=folder, port=port)
        workspace.events_url = f"{bot.url}/slack/events"
        stage = Stage(workspace, crew, bot)
        crew.human_input = HumanInput.bearer(stage.human_input_url, WEBHOOK_SECRET)
        async with bot:
            yield stage


def people(workspace: Workspace) -> None:
    """Two reviewers, somebody who may not decide, and the channel they are all in."""
    workspace.add_user(ANA, "Ana", "ana@example.com")
    workspace.add_user(BEN, "Ben", "ben@example.com")
    workspace.add_user(CARL, "Carl", "carl@example.com")
    workspace.add_channel(CHANNEL, "crew-reviews", members=[ANA, BEN, CARL])


def settings(workspace: Workspace, crew: Crew) -> dict[str, str]:
    """What a real installation would put into its environment."""
    return {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": workspace.api_url,
        "SLACK_CHANNEL": CHANNEL,
        "CREW_NAME": crew.name,
        "CREW_URL": crew.url,
        "CREW_TOKEN": crew.token,
        "CREW_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "REVIEWERS": f"{ANA},ben@example.com",
    }
