"""The route that flows' requests come to: who may call, what is kept, and what is answered."""

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from crewgate.domain.effects import EffectKind
from crewgate.domain.notification import Question
from crewgate.network.bodies import ROOM
from crewgate.network.requests import LIMIT
from crewgate.web.credentials import HEADERS, Credentials, sign
from tests.builders import FakeClock
from tests.servers import Stranger, serve_limited
from tests.usecases.world import World
from tests.web.application import CREDENTIALS, an_application

PATH = "/crews/research/flow-request"
URL = "https://app.crewai.com/human_feedback_requests/8412/respond?token=one-use-token"
REQUEST: dict[str, Any] = {
    "event_type": "new_request",
    "id": "8412",
    "flow_id": "f-1",
    "method_name": "review_article",
    "message": "Publish this?",
    "output": "A draft.",
    "emit": ["approved", "rejected"],
    "callback_url": URL,
    "response_token": "one-use-token",
}


@dataclass
class Web:
    world: World
    url: str
    session: aiohttp.ClientSession
    machine: FakeClock
    """The machine's clock, whose steps do not count yet."""

    async def send(
        self,
        body: bytes,
        *,
        crew: str = "research",
        pair: tuple[str, str] = HEADERS[0],
        late: timedelta = timedelta(0),
        signed: bytes | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        timestamp = str(int((self.world.clock() - late).timestamp()))
        signature = sign(signed or body, secret=CREDENTIALS.flow_secrets[0], timestamp=timestamp)
        named = {"Content-Type": "application/json", pair[0]: signature, pair[1]: timestamp}
        named |= {name.replace("_", "-"): text for name, text in headers.items()}
        path = PATH.replace("research", crew)
        async with self.session.post(
            self.url + path, data=io.BytesIO(body), headers=named
        ) as answer:
            return answer.status, await answer.json()

    async def stored(self) -> int:
        return len(await self.world.effects())


@pytest.fixture
async def web(world: World) -> AsyncIterator[Web]:
    machine = FakeClock()
    application = an_application(world, forward=False, machine=machine)
    async with (
        serve_limited(application) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Web(world, url, session, machine)


def body(**changes: Any) -> bytes:
    return json.dumps(REQUEST | changes).encode()


@pytest.mark.parametrize("pair", HEADERS)
async def test_a_signed_request_is_accepted_once(web: Web, pair: tuple[str, str]) -> None:
    status, answer = await web.send(body(), pair=pair)
    assert (status, answer["round"], answer["status"]) == (202, 1, "accepted")
    again = await web.send(body(), pair=pair)
    assert again == (202, answer | {"status": "duplicate"})
    (round_,) = await web.world.waiting()
    assert isinstance(round_.subject, Question)
    callback = await web.world.uow.read.callback(round_.id)
    assert callback is not None
    assert (callback.url, callback.token) == (URL, "one-use-token")


@pytest.mark.parametrize("hour", [timedelta(hours=1), timedelta(hours=-1)])
async def test_a_request_in_time_by_a_step_that_does_not_count_yet(
    web: Web, hour: timedelta
) -> None:
    """A machine that was suspended is right before its step counts, and a request comes once."""
    web.machine.advance(hour)
    assert (await web.send(body(event_type="escalation"), late=-hour))[0] == 202
    await web.world.settle_slack()
    web.world.clock.advance(hour)
    assert (await web.send(body(event_type="escalation")))[0] == 202
    assert not await web.world.effects()


async def test_an_escalation_that_somebody_sends_again_calls_nobody(web: Web, world: World) -> None:
    await web.send(body())
    await world.settle_slack()
    for _ in range(25):
        assert (await web.send(body(event_type="escalation")))[0] == 202
    assert await world.effects() == [EffectKind.CALL_ASSIGNED]


async def test_what_could_not_be_stored_may_be_sent_again(web: Web, world: World) -> None:
    await web.send(body())
    await world.settle_slack()
    for table, name, status in (("rounds", "hidden", 503), ("hidden", "rounds", 202)):
        async with world.engines.write.begin() as connection:
            await connection.execute(sa.text(f"ALTER TABLE {table} RENAME TO {name}"))
        assert (await web.send(body(event_type="escalation")))[0] == status
    assert await world.effects() == [EffectKind.CALL_ASSIGNED]


async def test_what_is_not_understood_is_reported_once(web: Web, world: World) -> None:
    for _ in range(2):
        assert (await web.send(b"[]"))[0] == 400
    assert await world.effects() == [EffectKind.REPORT]
    assert (await web.send(b"[]", late=timedelta(seconds=1)))[0] == 400
    assert await world.effects() == [EffectKind.REPORT] * 2


async def test_what_is_not_signed_is_refused_and_kept_nowhere(web: Web) -> None:
    for refused in (
        web.send(body(), signed=body() + b" "),
        web.send(body(), late=timedelta(minutes=6)),
        web.send(body(), late=timedelta(minutes=-6)),
        web.send(body(), X_CrewAI_Signature="sha256=0"),
    ):
        status, answer = await refused
        assert (status, answer["error"]) == (401, "unauthorized")
    assert await web.stored() == 0


async def test_a_crew_without_a_secret_takes_none() -> None:
    assert Credentials("research", ("secret",), "token").flow_secrets == ()


@pytest.mark.parametrize("path", ["flow-request", "human-input", "events/task/key"])
async def test_a_pause_for_a_crew_that_nobody_named_is_logged(web: Web, path: str) -> None:
    with capture_logs() as logs:
        answer = await web.session.post(f"{web.url}/crews/{'reserch' * 20}/{path}", json={})
    assert (answer.status, (await answer.json())["error"]) == (404, "unknown_crew")
    assert [(line["event"], line["named"]) for line in logs] == [
        ("unknown_crew", ("reserch" * 20)[:64])
    ]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"?", 400),
        (b"[]", 400),
        (body(callback_url=None), 400),
        (body(event_type="responded"), 400),
    ],
)
async def test_what_is_signed_and_not_understood_is_kept_and_reported(
    web: Web, content: bytes, status: int
) -> None:
    assert (await web.send(content))[0] == status
    assert await web.world.effects() == [EffectKind.REPORT]


async def test_what_is_not_sent_as_json_is_kept_too(web: Web) -> None:
    assert (await web.send(body(), Content_Type="text/plain"))[0] == 415
    assert await web.world.effects() == [EffectKind.REPORT]


async def test_what_is_over_the_limit_is_refused_before_anybody_knows_whose_it_is(
    web: Web,
) -> None:
    status, answer = await web.send(b"x" * (LIMIT + 1))
    assert (status, answer["error"]) == (413, "too_large")
    assert await web.stored() == 0


async def test_a_packed_or_late_body_is_refused_before_it_is_sent(web: Web) -> None:
    """A hundred that unpack to megabytes cost nothing: nobody unpacks or hashes them."""
    now = int(web.world.clock().timestamp())
    for late, encoding, refused in (
        (0, "gzip", (415, "packed")),
        (0, "deflate", (415, "packed")),
        (0, "sesame", (415, "packed")),
        (301, "identity", (401, "unauthorized")),
    ):
        headers = {HEADERS[0][0]: "sha256=0", HEADERS[0][1]: str(now - late)}
        headers |= {"Content-Encoding": encoding, "Content-Length": "8000"}
        strangers = [await Stranger.begin(web.url + PATH, b"", **headers) for _ in range(100)]
        for stranger in strangers:
            assert await stranger.answer() == refused


async def test_strangers_who_fill_the_room_lose_it_to_a_signed_request(web: Web) -> None:
    now = int(web.world.clock().timestamp())
    headers = {HEADERS[0][0]: "sha256=0", HEADERS[0][1]: str(now), "Content-Length": str(LIMIT)}
    part = b"x" * (LIMIT - 100)
    strangers = [
        await Stranger.begin(web.url + PATH, part, **headers) for _ in range(ROOM // LIMIT + 1)
    ]
    assert await strangers[0].answer() == (503, "too_busy")
    assert (await web.send(body(output="A draft. " * 40_000)))[0] == 202
    for stranger in strangers:
        stranger.leave()


async def test_its_own_secrets_are_shown_nowhere(web: Web) -> None:
    told = f"Answer at {URL} with one-use-token or whsec_the-flow-secret."
    await web.send(
        body(message=told, output=told, state={"note": told}, emit=["yes", "one-use-token"])
    )
    (round_,) = await web.world.waiting()
    view = (await web.world.uow.read.posting(round_.id)).view
    question = round_.subject
    assert isinstance(question, Question)
    shown = f"{question.message} {view.output.text} {question.outcomes} {view.given}"
    assert "one-use-token" not in shown
    assert "whsec_" not in shown
    assert (question.outcomes, question.left_off) == (("yes",), 1)


async def test_ids_stay_as_they_came_although_the_address_has_them(web: Web) -> None:
    flow = "6f0c2f4a-0d7b-4a51-9a51-2f3c55a0e9d1"
    url = f"https://app.crewai.com/flows/{flow}/requests/request-number-8412/respond?token=tok-1"
    await web.send(body(flow_id=flow, id="request-number-8412", callback_url=url, output=flow))
    (round_,) = await web.world.waiting()
    assert isinstance(round_.subject, Question)
    assert (round_.review.execution_id, round_.subject.request_id) == (
        flow,
        "request-number-8412",
    )
    assert (await web.world.uow.read.posting(round_.id)).view.output.text == flow
