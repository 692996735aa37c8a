"""Requests that are malformed, too large, unauthenticated, repeated or forged."""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET
from tests.journeys.conftest import World

BEARER = f"Bearer {WEBHOOK_SECRET}"
JSON = "application/json"
URL = "/crews/research/human-input"
GOOD = json.dumps({"execution_id": "e-1", "task_id": "draft", "task_output": "Words."}).encode()
LONG = json.dumps({"execution_id": "e", "task_id": "t", "output": "x" * 1_048_577}).encode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def test_a_notification_is_taken_once_with_either_credentials_packed_or_not(
    world: World,
) -> None:
    first = await world.post(URL, GOOD, Authorization=BEARER, Content_Type=JSON)
    again = await world.post(
        URL, GOOD, Authorization=basic("research", WEBHOOK_SECRET), Content_Type=JSON
    )

    assert first[0] == again[0] == 202
    assert first[1] == {"review": again[1]["review"], "round": 1, "status": "accepted"}
    assert again[1]["status"] == "duplicate"
    for encoding, packed in (("gzip", gzip.compress(GOOD)), ("deflate", zlib.compress(GOOD))):
        status, _ = await world.post(
            URL, packed, Authorization=BEARER, Content_Type=JSON, Content_Encoding=encoding
        )
        assert status == 202
    await world.card("Words.")
    assert len(world.slack.messages(CHANNEL)) == 1


async def test_what_nobody_here_may_send_is_refused_in_json_and_leaves_nothing(
    world: World,
) -> None:
    for authorization in (
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {WEBHOOK_SECRET}x",
        f"Token {WEBHOOK_SECRET}",
        basic("other", WEBHOOK_SECRET),
        basic("research", "wrong"),
        "Basic !!!",
        "Basic " + base64.b64encode(b"nocolon").decode(),
        "Bearer schlüssel",
    ):
        status, body = await world.post(URL, GOOD, Authorization=authorization, Content_Type=JSON)
        assert (status, body["error"]) == (401, "unauthorized"), authorization
    status, body = await world.post(
        "/crews/nobody/human-input", GOOD, Authorization=BEARER, Content_Type=JSON
    )
    assert (status, body["error"]) == (404, "unknown_crew")
    assert "nobody" in body["message"]
    status, body = await world.post("/nowhere", b"")
    assert (status, body["error"]) == (404, "not_found")
    status, body = await world.get(URL)
    assert (status, body["error"]) == (405, "method_not_allowed")

    assert (await world.notify(URL, GOOD))[0] == 202
    await world.card("Words.")
    assert len(world.slack.messages(CHANNEL)) == 1


async def test_what_a_crew_sends_and_cannot_be_read_is_kept_and_reported(world: World) -> None:
    malformed = (
        b"",
        b"not json",
        b"[1, 2]",
        b"{}",
        b'{"execution_id": "e-1"}',
        b'{"execution_id": 7, "task_id": ["draft"]}',
        b'{"execution_id": "", "task_id": "draft"}',
        b'{"execution_id": "a\\u0000b", "task_id": "draft"}',
        b"\xff\xfe",
        b"[" * 100_000,
    )
    odd = ("gzip", "deflate", "br", "zstd", "sesame")
    cases: list[tuple[bytes, dict[str, str], tuple[int, str]]] = [
        *((body, {}, (400, "malformed")) for body in malformed),
        *((GOOD, {"Content_Encoding": encoding}, (400, "malformed")) for encoding in odd),
        (GOOD, {"Content_Type": "text/plain"}, (415, "not_json")),
        (LONG, {}, (413, "too_large")),
        (gzip.compress(b" " * 50_000_000), {"Content_Encoding": "gzip"}, (413, "too_large")),
    ]
    for body, more, expected in cases:
        headers = {"Authorization": BEARER, "Content_Type": JSON} | more
        status, answer = await world.post(URL, body, **headers)
        assert (status, answer["error"]) == expected, (body[:100], more)
    [report] = await world.slack.until(lambda: world.slack.messages(CHANNEL))
    report = await world.shown(report, f"{len(cases)} messages of research could not be shown")
    assert not world.slack.pings(report)
    assert len(world.slack.messages(CHANNEL)) == 1


async def test_what_slack_did_not_send_or_sends_in_another_shape_is_refused(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.pause()
    card = await world.card("A draft")
    value = next(e["value"] for b in card.blocks if b["type"] == "actions" for e in b["elements"])
    press = {"action_id": "approve", "block_id": "b", "type": "button"}
    pressed = {"type": "block_actions", "user": {"id": ANA, "name": "Ana"}}
    body = interaction(pressed | {"actions": [press | {"value": value}]})
    forged = await world.slack.send_raw(body, signature="v0=" + "0" * 64)
    old = await world.slack.send_raw(body, timestamp=str(int(world.slack.world.now()) - 301))
    assert (forged.status, old.status) == (401, 401)

    payloads: tuple[dict[str, object], ...] = (
        {"type": "block_actions", "user": {"id": ANA}, "actions": [{"action_id": "approve"}]},
        {"type": "block_actions", "user": [], "actions": [{"action_id": "approve"}]},
        {"type": "block_actions", "user": {}, "actions": [{"action_id": "menu", "block_id": "b"}]},
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "kickoff_form"}},
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "revise_modal"}},
        {"type": "view_submission", "user": {"id": ANA}, "view": None},
        {"type": "block_actions", "actions": {}},
        {"type": "block_actions", "actions": [None]},
        {"type": ["block_actions"]},
        {"type": "something_new"},
    )
    for payload in payloads:
        reply = await world.slack.send_raw(interaction(payload))
        assert reply.status < 500, payload
        assert not [record for record in caplog.records if record.exc_info], payload
    unknown = pressed | {
        "team": {"id": "T1"},
        "response_url": f"{world.slack.api_url.removesuffix('api/')}nowhere",
        "actions": [press | {"value": "x' OR 1=1"}],
    }
    assert (await world.slack.send_raw(interaction(unknown))).status == 200
    assert not world.crew.requests


async def test_a_character_that_not_every_database_takes_is_replaced_in_what_people_write(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.pause()
    card = await world.card("A draft")
    note = await world.slack.write(ANA, CHANNEL, "Cl\0earer \ud83d.", card.ts)
    assert note.reply.ok
    await world.shown(card, "1 note from")
    await world.revise(ANA, card, "Sh\0orter \ud83d.")

    await world.crew.until(lambda: world.crew.resumes)
    assert world.crew.resumes[0].human_feedback == "Sh\ufffdorter \ufffd."
    assert not [record for record in caplog.records if record.exc_info]


def interaction(payload: Mapping[str, object]) -> str:
    return urlencode({"payload": json.dumps(payload)})
