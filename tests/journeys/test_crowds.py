"""One crew that sends more than the bot can hold, beside another one and people, over real HTTP."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from crewgate.demo.environment import ANA, WEBHOOK_SECRET
from crewgate.network.bodies import ROOM
from crewgate.network.connections import Limits
from crewgate.network.requests import LIMIT
from tests.journeys.conftest import MakeWorld, World
from tests.servers import Stranger

BILLING = """
[crews.billing]
url = "CREW_URL"
token_env = "CREW_TOKEN"
webhook_secret_env = "BILLING_SECRET"
"""
SECRET = "a-secret-of-billing-alone"
UNFINISHED = b'{"execution_id": "e-9", '


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    async with make_world(crews_file=BILLING, BILLING_SECRET=SECRET) as built:
        yield built


async def crowd(world: World, sending: bytes, length: int) -> Stranger:
    url = f"{world.url}/crews/research/human-input"
    headers = {"Authorization": f"Bearer {WEBHOOK_SECRET}", "Content_Type": "application/json"}
    return await Stranger.begin(url, sending, Content_Length=str(length), **headers)


async def pause(world: World, number: int, output: str = "An invoice.") -> int:
    """Send one notification of the crew `billing`; return the answer's status."""
    body = {"execution_id": f"b-{number}", "task_id": "pay", "task_output": output}
    status, _ = await world.post(
        "/crews/billing/human-input",
        json.dumps(body).encode(),
        Authorization=f"Bearer {SECRET}",
        Content_Type="application/json",
    )
    return status


async def test_a_crew_that_takes_all_connections_cuts_off_neither_another_crew_nor_people(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    most = Limits.of_process().connections
    strangers = [await crowd(world, UNFINISHED, 1_000) for _ in range(most)]

    enough = asyncio.Event()

    async def come_again() -> None:
        while not enough.is_set():
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                strangers.append(await crowd(world, UNFINISHED, 1_000))

    coming = [asyncio.create_task(come_again()) for _ in range(4)]
    came = len(strangers)
    for number in range(40):
        assert await pause(world, number) == 202
    card = await world.card("An invoice.")
    await world.slack.click(ANA, card, "Approve")
    await world.shown(card, "approved by")
    enough.set()
    await asyncio.gather(*coming)
    assert len(strangers) > came
    for stranger in strangers:
        stranger.leave()
    # asyncio's errors may be of what an earlier test left behind.
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert not [one for one in errors if one.name != "asyncio"]


async def test_the_bodies_of_one_crew_stay_within_its_room_and_others_go_on(world: World) -> None:
    part = b" " * (LIMIT - 1)
    fit = ROOM // LIMIT
    strangers = [await crowd(world, part, LIMIT) for _ in range(450)]
    refused, kept = strangers[:-fit], strangers[-fit:]
    assert {await one.answer() for one in refused} == {(503, "too_busy")}

    assert await pause(world, 1, "x" * (LIMIT - 100)) == 202
    for one in kept:
        await one.send(b"}")
        assert await one.answer() == (400, "malformed")
    again = await crowd(world, part, LIMIT)
    await again.send(b"}")
    assert await again.answer() == (400, "malformed")
