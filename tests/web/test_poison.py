"""Whatever comes, it is answered: with a sentence, or once it is stored. Nothing fails inside."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crewgate.domain.effects import SLACK, EffectKind, forward_destination
from crewgate.store.tables import dead_letters
from crewgate.usecases.ports.crew import KickoffAnswer
from crewgate.web.credentials import EventKind
from tests.servers import serve_limited
from tests.usecases.world import CREW, World
from tests.web.application import CREDENTIALS, an_application

EXAMPLES = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
KICKOFF = "/crews/research/kickoff"
EVENTS = [f"/crews/research/events/{kind}/{CREDENTIALS.event_keys(kind)[0]}" for kind in EventKind]
HUMAN_INPUT = "/crews/research/human-input"


@dataclass
class Web:
    world: World
    url: str
    session: aiohttp.ClientSession

    async def send(
        self, method: str, path: str, body: bytes, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """One request as its sender would make it; the status and the JSON of the answer."""
        token = CREDENTIALS.webhook_secrets[0] if path == HUMAN_INPUT else CREDENTIALS.token
        named = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.session.request(
            method, self.url + path, data=body, headers=named
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def deliver_all(self) -> None:
        """Carry out all jobs without an error."""
        for destination in (SLACK, CREW, forward_destination("research")):
            await self.world.turn(destination, limit=50)


@pytest.fixture(params=[True, False], ids=["forwarding", "tracking"])
async def web(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Web]:
    application = an_application(world, forward=request.param)
    async with (
        serve_limited(application) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Web(world, url, session)


async def test_a_pause_of_a_damaged_execution_is_reported(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its crew never repeats the notification, and would wait unannounced."""
    monkeypatch.setattr("crewgate.store.unreadable._noted", {})
    await web.world.start("e-1")
    async with web.world.engines.write.begin() as connection:
        await connection.execute(sa.text("UPDATE executions SET meta = '3'"))
    body = {"execution_id": "e-1", "task_id": "draft", "task_output": "A draft."}
    status, answer = await web.send("POST", HUMAN_INPUT, json.dumps(body).encode())
    assert (status, answer["error"]) == (503, "store_unavailable")
    assert EffectKind.REPORT in await web.world.effects()
    [letter] = await dead_letters_of(web.world)
    assert letter.reason == "the row research e-1 of executions cannot be read"


async def dead_letters_of(world: World) -> Sequence[Any]:
    async with world.engines.read.connect() as connection:
        return (await connection.execute(sa.select(dead_letters))).all()


ids = st.sampled_from(["e-1", "😀" * 512, "😀" * 256, "é" * 512, "a" * 512, ".", "..", "/", "\x7f"])
addresses = st.sampled_from(
    ["https://a..com/", "https://xn--/", "http://[::1]/", "http://a:0/", "x", "https://é.example/"]
)
numbers = st.sampled_from([10**30, -(10**30), 2**31, 2**63, 1e308, float("inf"), float("nan"), 0])
words = st.sampled_from(["", "\x00", "\ud800", "\u202e", "REAL", "x" * 5_000])
values = st.recursive(
    ids | addresses | numbers | words | st.none() | st.booleans() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["raw", "url", "token", "authentication", "total_tokens", "message"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
NAMES = (
    *("execution_id", "kickoff_id", "task_id", "task_output", "output", "result", "task_name"),
    *("name", "agent", "summary", "description", "expected_output", "meta", "token_usage"),
    *("thought", "tool", "taskWebhookUrl", "crewWebhookUrl", "stepWebhookUrl", "inputs", "odd"),
    *("humanInputWebhook", "humanInputWebhookUrl"),
)
bodies = st.dictionaries(st.sampled_from(NAMES), values).flatmap(
    lambda fields: (
        st.builds(
            lambda execution, task: {"execution_id": execution, "task_id": task} | fields, ids, ids
        )
        | st.just(fields)
    )
)
types = st.sampled_from(
    ["application/json", "application/json; charset=ü", "application/x+json", "text/plain", "ü"]
)
encodings = st.sampled_from(["", "identity", "gzip", "br", "ü"])
targets = st.sampled_from(
    [
        ("POST", HUMAN_INPUT),
        *(("POST", path) for path in EVENTS),
        ("POST", KICKOFF),
        ("PUT", "/crews/research/executions/e-1/webhooks"),
    ]
)


@EXAMPLES
@given(targets, bodies, types, encodings)
@example(("POST", EVENTS[2]), {"kickoff_id": "e", "token_usage": {"total_tokens": 10**30}}, "ü", "")
@example(("POST", HUMAN_INPUT), {"execution_id": "😀" * 512, "task_id": "😀" * 512}, "a/b", "")
@example(("POST", EVENTS[0]), {"execution_id": "e"}, "application/json; charset=ü", "")
async def test_no_body_fails_inside(
    web: Web, target: tuple[str, str], body: dict[str, Any], type_: str, encoding: str
) -> None:
    status, answer = await web.send(
        *target, json.dumps(body).encode(), Content_Type=type_, Content_Encoding=encoding
    )
    assert status < 500 or (target[1] == KICKOFF and answer["error"] == "crew_unreachable")
    assert status < 400 or answer["message"]
    await web.deliver_all()


@EXAMPLES
@given(targets, st.binary(max_size=200))
async def test_no_bytes_fail_inside(web: Web, target: tuple[str, str], body: bytes) -> None:
    status, answer = await web.send(*target, body)
    assert status < 500
    assert status < 400 or answer["message"]
    await web.deliver_all()


@EXAMPLES
@given(ids | st.text(max_size=600).filter(lambda text: text.isprintable()))
async def test_no_id_in_an_address_fails_inside(web: Web, execution: str) -> None:
    path = f"/crews/research/executions/{quote(execution, safe='')}/webhooks"
    body = json.dumps({"taskWebhookUrl": "https://theirs.example"}).encode()
    status, _ = await web.send("PUT", path, body)
    assert status < 500
    status, _ = await web.send(
        "PUT", f"/crews/{quote(execution, safe='')}/executions/e/webhooks", body
    )
    assert status < 500


answers = st.builds(
    KickoffAnswer,
    status=st.sampled_from([200, 202, 204, 301, 304, 400, 404, 422, 500, 503, 599]),
    body=st.sampled_from([b"", b"\xff", b'{"kickoff_id": "e-1"}']),
    content_type=types | words.filter(lambda text: text.isprintable()),
    retry_after=st.sampled_from([None, "7", "ü", "a\nb"]),
    execution_id=st.none() | st.sampled_from(["e-1", "😀" * 256]),
)


@EXAMPLES
@given(answers)
async def test_no_answer_of_a_crew_fails_inside(web: Web, answer: KickoffAnswer) -> None:
    web.world.crew.kickoff_outcome = answer
    headers = {"Authorization": f"Bearer {CREDENTIALS.token}", "Content-Type": "application/json"}
    async with web.session.post(
        web.url + KICKOFF, data=b'{"inputs": {}}', headers=headers, allow_redirects=False
    ) as response:
        assert response.status == answer.status
        assert response.headers.get("Retry-After") in {None, "7"}
    await web.deliver_all()
