"""CrewAI's event stream: asked for at a kickoff, and what its batches do in Slack."""

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
from tests.journeys.people import modal, said

PATH = "/crews/research/events/stream"
BEARER = f"Bearer {WEBHOOK_SECRET}"


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world whose crew is asked for its events at kickoffs from here."""
    people = f"{REVIEWERS}\nstream = true"
    async with flow_world(make_world, people, port=free_port()) as built:
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


async def test_a_kickoff_asks_for_the_events_unless_its_caller_does(world: World) -> None:
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

    theirs = {"events": ["flow_started"], "url": "https://example.com/events", "realtime": True}
    assert (await world.kick_off(webhooks=theirs))[0] == 200
    [_, kickoff] = [call.body for call in world.crew.requests if call.path == "/kickoff"]
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
    progress = await said(world, "now at Publish")
    await world.shown(progress, "M1")
    assert message_text(await world.shown(progress, "M2")).count("M2") == 1


async def test_a_run_that_failed_closes_what_waits_and_strangers_send_nothing(world: World) -> None:
    for wrong in ("", "Bearer wrong", BEARER.replace("Bearer", "Basic")):
        status, answer = await send(world, authorization=wrong)
        assert (status, answer["error"]) == (401, "unauthorized")
    status, answer = await world.notify(PATH, {"events": "none"})
    assert (status, answer["error"]) == (400, "malformed")
    await said(world, "could not be shown")

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
