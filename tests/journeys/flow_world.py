"""A bot whose crew has flows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.journeys.conftest import MakeWorld, World
from tests.standins.crew import FlowWebhook
from tests.standins.workspace import Message, message_text

FLOW_SECRET = "whsec_demo-flow-secret"
REVIEWERS = 'reviewers = ["U0ANA", "ben@example.com"]'
ASSIGNED = 'operators = ["U0BEN"]'
"""Nobody is named: whom a request assigns decides, else the operator."""

ANSWERS = "/crewai_plus"
"""The route of the stand-in at which flows are answered."""
SECRETS = {
    "RESEARCH_TOKEN": "demo-crew-token",
    "RESEARCH_SECRET": "demo-webhook-secret",
    "RESEARCH_FLOW_SECRET": FLOW_SECRET,
}
NO_CREW = dict.fromkeys(
    ("CREW_NAME", "CREW_URL", "CREW_TOKEN", "CREW_WEBHOOK_SECRET", "REVIEWERS"), ""
)
"""Only the file names crews."""
ENVIRONMENT = SECRETS | NO_CREW


def crews_file(people: str, hosts: str = '["127.0.0.1"]') -> str:
    return f"""
[crews.research]
url = "CREW_URL"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
flow_webhook_secret_env = "RESEARCH_FLOW_SECRET"
flow_callback_hosts = {hosts}
{people}
"""


@asynccontextmanager
async def flow_world(
    make_world: MakeWorld, people: str = REVIEWERS, *, hosts: str = '["127.0.0.1"]', **more: Any
) -> AsyncIterator[World]:
    """A world in which `world.crew.ask` reaches the bot."""
    async with make_world(crews_file=crews_file(people, hosts), **ENVIRONMENT, **more) as world:
        url = f"{world.url}/crews/research/flow-request"
        world.crew.flows.webhook = FlowWebhook(url, FLOW_SECRET)
        yield world


async def question(world: World, shows: str = "asks for an answer", *, round_: int = 1) -> Message:
    """The newest card of a flow's request, once it is there."""
    return await world.card(shows, round_=round_)


async def says(world: World, card: Message, text: str) -> str:
    """Return the card's text once it has these words."""
    return message_text(await world.shown(card, text))
