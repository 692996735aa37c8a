"""A crew with a receiver of its webhooks, and a workspace with a client of its Web API."""

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.demo.builders import SECRET, Clock, Receiver, now
from tests.standins.crew import Address, Crew
from tests.standins.workspace import Workspace


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def crew(receiver: Receiver) -> AsyncIterator[Crew]:
    async with Crew(now=now) as crew:
        crew.human_input = Address.bearer(f"{receiver.url}/human", SECRET)
        yield crew


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[Workspace]:
    async with Workspace(now=clock) as slack:
        slack.add_user("U1", "ana", "Ana@example.com")
        slack.add_user("U2", "ben")
        slack.add_channel("C1", "reviews", members=["U1", "U2"])
        slack.add_channel("C2", "outside", bot_is_member=False)
        slack.add_channel("G1", "secret", private=True, bot_is_member=False)
        slack.add_channel("C3", "old").archived = True
        slack.add_group("S1", "editors", ["U2"])
        yield slack


@pytest.fixture
def client(slack: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
