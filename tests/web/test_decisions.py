"""Fetching a decision over HTTP: who may, what is unknown, and what waits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from crewgate.domain.review import State
from tests.servers import Handler, serve_limited
from tests.usecases.world import World
from tests.web.application import CREDENTIALS, an_application

PATH = "/crews/research/decisions/e-1/draft"
SECRET = {"Authorization": f"Bearer {CREDENTIALS.webhook_secrets[0]}"}


@pytest.fixture
async def http(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    application = an_application(world, forward=False)
    world.crews["research"] = replace(world.crews["research"], is_fetched=True)
    async with serve_limited(application) as url, aiohttp.ClientSession(url) as session:
        yield session


@pytest.mark.parametrize(
    ("path", "headers", "status", "kind"),
    [
        (PATH, {}, 401, "unauthorized"),
        (PATH, {"Authorization": f"Bearer {CREDENTIALS.token}"}, 401, "unauthorized"),
        ("/crews/other/decisions/e-1/draft", SECRET, 404, "unknown_crew"),
        ("/crews/research/decisions/e-2/draft", SECRET, 404, "unknown_decision"),
        ("/crews/research/decisions/e-1/other?wait=25", SECRET, 404, "unknown_decision"),
        (f"{PATH}?wait=soon", SECRET, 400, "malformed"),
        (f"{PATH}?wait=-1", SECRET, 400, "malformed"),
        (f"{PATH}?wait=nan", SECRET, 400, "malformed"),
        (f"{PATH}?round=first", SECRET, 400, "malformed"),
        (f"{PATH}?round=-1", SECRET, 400, "malformed"),
        (f"{PATH}?round=1234567890", SECRET, 400, "malformed"),
        (f"{PATH}?round=2&wait=25", SECRET, 404, "unknown_decision"),
    ],
)
async def test_what_is_refused(
    world: World,
    http: aiohttp.ClientSession,
    path: str,
    headers: dict[str, str],
    status: int,
    kind: str,
) -> None:
    await world.notify()
    async with http.get(path, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]) == (status, kind)


async def test_a_request_without_a_body_fetches_nothing(
    world: World, http: aiohttp.ClientSession
) -> None:
    received = await world.notify()
    await world.decide(received.round.id)
    async with http.head(PATH, headers=SECRET) as answer:
        assert answer.status == 405
    assert (await world.round(received.round.id)).state is State.DECIDED


async def test_a_decision_is_given_once_there_is_one(
    world: World, http: aiohttp.ClientSession
) -> None:
    received = await world.notify()
    for query in ("wait=0.01", "round=1"):
        async with http.get(f"{PATH}?{query}", headers=SECRET) as answer:
            assert (answer.status, await answer.json()) == (200, {"state": "waiting", "round": 1})
    await world.decide(received.round.id)
    async with http.get(f"{PATH}?wait=1e9", headers=SECRET) as answer:
        assert (await answer.json())["is_approve"]
    assert (await world.round(received.round.id)).state is State.RESUMED


async def test_whoever_waits_is_answered_when_the_bot_ends(world: World) -> None:
    await world.notify()
    begun = asyncio.Event()

    @web.middleware
    async def hear(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun.set()
        return await handler(request)

    application = an_application(world, forward=False)
    application.middlewares.append(hear)
    world.crews["research"] = replace(world.crews["research"], is_fetched=True)
    async with aiohttp.ClientSession() as session:
        async with serve_limited(application) as url:
            waiting = asyncio.create_task(session.get(f"{url}{PATH}?wait=25", headers=SECRET))
            await begun.wait()
        assert await (await waiting).json() == {"state": "waiting", "round": 1}


async def test_a_crew_that_is_resumed_has_nothing_to_fetch(
    world: World, http: aiohttp.ClientSession
) -> None:
    world.crews["research"] = replace(world.crews["research"], is_fetched=False)
    decided = (await world.notify()).round
    await world.decide(decided.id)
    async with http.get(PATH, headers=SECRET) as answer:
        assert (await answer.json())["error"] == "unknown_decision"
    assert (await world.round(decided.id)).state is State.DECIDED
