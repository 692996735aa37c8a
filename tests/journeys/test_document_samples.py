"""The requests that the documents show are made, and answered as they say."""

import aiohttp

from crewgate.demo.environment import WEBHOOK_SECRET
from crewgate.demo.servers import free_port
from tests.journeys.conftest import MakeWorld, World
from tests.repo.samples import is_like, requests


def stand_ins(world: World) -> dict[str, str]:
    """Return the values that replace the words of a sample."""
    return {
        "https://research-crew.crewai.com": world.crew.url,
        "https://bot.example.com": world.url,
        "http://127.0.0.1:3000": world.url,
        "/crews/crew/": f"/crews/{world.crew.name}/",
        "$CREW_URL": world.crew.url,
        "$CREW_TOKEN": world.crew.token,
        "CREW_TOKEN": world.crew.token,
        "CREW_WEBHOOK_SECRET": WEBHOOK_SECRET,
        '"EXECUTION"': '"e-1"',
        '"TASK"': '"draft"',
    }


async def test_every_request_is_answered_as_it_is_shown(make_world: MakeWorld) -> None:
    port = free_port()
    made = 0
    async with (
        make_world(port=port, PUBLIC_URL=f"http://127.0.0.1:{port}") as world,
        aiohttp.ClientSession() as session,
    ):
        await world.pause()
        for sample in requests(stand_ins(world)):
            async with session.request(
                sample.method, sample.url, headers=sample.headers, data=sample.body
            ) as answer:
                said = await answer.json()
            made += 1
            assert answer.status == (sample.status or 200), (sample, said)
            assert sample.answer is None or is_like(sample.answer, said), (sample, said)
        await world.card("It works")
    assert made == 5
