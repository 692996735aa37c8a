"""A crew's webhook is forwarded, even if the bot does not understand it."""

import gzip
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from crewgate.domain.effects import EffectKind, forward_destination
from crewgate.network.requests import FORWARD_LIMIT, LIMIT
from crewgate.web.credentials import EventKind
from tests.servers import serve_limited
from tests.usecases.world import World
from tests.web.application import CREDENTIALS, an_application

THEIRS = "https://theirs.example.com/crew"
PATH = f"/crews/research/events/crew/{CREDENTIALS.event_keys(EventKind.CREW)[0]}"
LONG = json.dumps({"kickoff_id": "e-1", "result": "Long. " * 400_000}).encode()
NESTED = b'{"kickoff_id": "e-1", "odd": [' + b"[]," * 400_000 + b"[]]}"


@dataclass
class Web:
    world: World
    url: str
    session: aiohttp.ClientSession

    async def send(self, body: bytes, **headers: str) -> int:
        named = {"Content-Type": "application/json"}
        named |= {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.session.post(
            self.url + PATH, data=io.BytesIO(body), headers=named
        ) as answer:
            return answer.status

    async def forwarded(self) -> list[tuple[str, bytes]]:
        await self.world.turn(forward_destination("research"))
        return self.world.forwarder.forwarded


@pytest.fixture
async def web(world: World) -> AsyncIterator[Web]:
    application = an_application(world, forward=True)
    async with (
        serve_limited(application) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Web(world, url, session)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"result": "Whose?"}', "application/json"),
        (b"Not JSON", "text/plain"),
        (b"\xff\xfe", "ü"),
        (NESTED, "application/json"),
    ],
    ids=["no id", "text", "bytes", "many parts"],
)
async def test_what_the_bot_does_not_understand_goes_where_the_settings_say(
    web: Web, body: bytes, content_type: str
) -> None:
    assert await web.send(body, Content_Type=content_type) == 202

    assert await web.world.effects() == [EffectKind.REPORT, EffectKind.FORWARD]
    assert await web.forwarded() == [(THEIRS, body)]


async def test_a_long_result_is_forwarded_and_recorded(web: Web) -> None:
    assert len(LONG) > 2 * LIMIT
    packed = gzip.compress(LONG)

    assert await web.send(packed, Content_Encoding="gzip") == 202

    assert await web.forwarded() == [(THEIRS, LONG)]
    execution = await web.world.uow.read.executions.find("research", "e-1")
    assert execution is not None
    assert execution.result is not None
    assert len(execution.result.text) == len("Long. " * 400_000)


async def test_what_cannot_be_unpacked_or_is_too_large_is_refused_and_kept(web: Web) -> None:
    assert await web.send(LONG, Content_Encoding="br") == 400
    assert await web.send(b" " * (FORWARD_LIMIT + 1)) == 413
    assert await web.send(gzip.compress(b" " * (FORWARD_LIMIT + 1)), Content_Encoding="gzip") == 413

    assert await web.forwarded() == []
    assert await web.world.effects() == [EffectKind.REPORT] * 3


async def test_what_is_not_understood_is_forwarded_without_secrets(web: Web) -> None:
    assert await web.send(f"Bearer {CREDENTIALS.webhook_secrets[0]}".encode()) == 202

    [(_, body)] = await web.forwarded()
    assert body == b"Bearer [redacted]"
