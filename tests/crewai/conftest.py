"""A crew that waits, and clients of it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from crewgate.crewai.client import HttpCrew
from crewgate.network.client import open_client
from tests.crewai.crews import EXECUTION, TASK, a_client, now
from tests.standins.crew import Crew


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(trust_env=False) as http:
        yield http


@pytest.fixture
async def crew() -> AsyncIterator[Crew]:
    async with Crew(now=now) as crew:
        await crew.pause(EXECUTION, TASK, "text")
        yield crew


@pytest.fixture
def client(http: httpx.AsyncClient, crew: Crew) -> HttpCrew:
    return a_client(http, crew.url)
