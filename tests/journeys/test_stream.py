"""CrewAI's event stream: asked for at a kickoff, and what its batches do in Slack."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crewgate.demo.crew import Address
from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import buttons, message_text
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import REVIEWERS, flow_world, question
from tests.journeys.people import modal

PATH = "/crews/research/events/stream"
BEARER = f"Bearer {WEBHOOK_SECRET}"


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world whose crew is asked for its events at kickoffs from here."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    people = f"{REVIEWERS}\nstream = true"
    async with flow_world(make_world, people, port=port, PUBLIC_URL=url) as built:
        yield built


def event(type_: str, number: int = 1, execution: str = "e-1", **data: Any) -> dict[str, Any]:
    return {
        "id": f"{execution}-{number}",
        "execution_id": execution,
        "timestamp": f"2026-11-01T09:00:{number:02}Z",
        "type": type_,
        "data": data,
    }


async def send(
    world: World, *events: object, authorization: str = BEARER
) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"events": list(events)}).encode()
    headers = {"Authorization": authorization, "Content_Type": "application/json"}
    return await world.post(PATH, body, **headers)


async def test_a_kickoff_from_slack_asks_for_the_events(world: World) -> None:
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    await modal(world, ANA, "Topic")
    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
    await world.crew.until(lambda: world.crew.executions)
    [kickoff] = [call.body for call in world.crew.requests if call.path == "/kickoff"]
    asked = kickoff["webhooks"]
    assert asked["url"] == f"{world.url}{PATH}"
    assert asked["authentication"] == {"strategy": "bearer", "token": WEBHOOK_SECRET}
    assert {"task_started", "crew_kickoff_completed", "flow_finished"} <= set(asked["events"])
    assert asked["realtime"] is False


async def test_a_callers_own_stream_stays_theirs(world: World) -> None:
    theirs = {"events": ["flow_started"], "url": "https://example.com/events", "realtime": True}
    body = json.dumps({"inputs": {"topic": "tea"}, "webhooks": theirs}).encode()
    headers = {"Authorization": f"Bearer {world.crew.token}", "Content_Type": "application/json"}
    assert (await world.post("/crews/research/kickoff", body, **headers))[0] == 200
    [kickoff] = [call.body for call in world.crew.requests if call.path == "/kickoff"]
    assert kickoff["webhooks"] == theirs


async def test_a_flows_methods_move_its_progress_in_any_order_and_once(world: World) -> None:
    await world.crew.ask()
    await question(world)
    finished = [event("method_execution_finished", n, "f-1", method_name=f"m{n}") for n in (2, 1)]
    odd = [
        None,
        7,
        {"type": "?"},
        event("llm_call_started", 3, "f-1"),
        event("flow_plot", 4, "f-1"),
    ]
    started = event("method_execution_started", 9, "f-1", method_name="publish")
    for batch in ([started, *odd], finished, finished, []):
        assert (await send(world, *batch))[0] == 202
    text = await world.slack.until(
        lambda: [
            shown
            for shown in map(message_text, world.slack.messages(CHANNEL))
            if "now at Publish" in shown and "M1" in shown and "M2" in shown
        ]
    )
    assert text[-1].count("M2") == 1


async def test_a_run_that_failed_closes_what_waits(world: World) -> None:
    world.crew.human_input = Address.bearer(
        f"{world.url}/crews/research/human-input", WEBHOOK_SECRET
    )
    await world.pause()
    card = await world.card("A draft")
    basic = f"Basic {b64encode(f'research:{WEBHOOK_SECRET}'.encode()).decode()}"
    assert (await send(world, event("crew_kickoff_failed", error="No key."), authorization=basic))[
        0
    ] == 202
    await world.shown(card, "The execution failed: No key")
    assert buttons(world.slack.fresh(card)) == ["Read all"]


async def test_strangers_send_nothing_and_what_is_no_batch_is_kept(world: World) -> None:
    for wrong in ("", "Bearer wrong", BEARER.replace("Bearer", "Basic")):
        status, answer = await send(world, authorization=wrong)
        assert (status, answer["error"]) == (401, "unauthorized")
    headers = {"Authorization": BEARER, "Content_Type": "application/json"}
    status, answer = await world.post(PATH, b'{"events": "none"}', **headers)
    assert (status, answer["error"]) == (400, "malformed")
    await world.slack.until(
        lambda: any(
            "could not be understood" in message_text(one) for one in world.slack.messages(CHANNEL)
        )
    )
