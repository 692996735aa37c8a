"""Starting a crew from Slack."""

import asyncio
import json
from urllib.parse import urlencode

import pytest

from crewgate.demo.environment import ANA, CARL, CHANNEL
from crewgate.demo.servers import free_port
from crewgate.demo.workspace.forms import fill
from crewgate.demo.workspace.payloads import Payloads
from crewgate.slack.kickoff import UPDATES
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import modal
from tests.standins.crew import DROP_AFTER, status
from tests.standins.workspace import View, error


@pytest.fixture
def world(reached: World) -> World:
    return reached


async def form(world: World) -> View:
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    return await modal(world, ANA, "Topic")


async def test_who_may_not_start_a_crew_is_told_who_may(world: World) -> None:
    await world.slack.slash(CARL, CHANNEL, "/crew", "kickoff research")

    assert f"<@{ANA}>" in await world.told(CARL)
    assert not world.slack.open_modals(CARL)
    assert not world.crew.requests
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff nobody")
    assert "There is no crew called nobody" in await world.told(ANA)


async def test_what_the_crew_refuses_is_said_and_can_be_sent_again(world: World) -> None:
    assert "lessons" not in (await form(world)).shown
    empty = await world.slack.submit(ANA, {"kickoff_input.topic": "  "})
    assert empty.errors == {"kickoff_input.topic": "The crew needs this."}
    world.crew.fail("/kickoff", how=status(400, "Not yet"))
    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
    await modal(world, ANA, "Not yet")
    world.crew.inputs = ("topic", "target_audience")

    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})

    view = await modal(world, ANA, "Target audience")
    assert "The crew needs this" in str(view.content)
    assert "tea" in str(view.content)
    values = {"kickoff_input.topic": "tea", "kickoff_input.target_audience": "all"}
    await world.slack.submit(ANA, values)
    await modal(world, ANA, "has started")
    assert len(world.crew.executions) == 1


async def test_nobody_claims_to_know_whether_it_started(world: World) -> None:
    for fault, why in (
        (DROP_AFTER, "connection was lost"),
        (status(200, {"hello": "world"}), "names no execution"),
        (status(408, "gave up"), "408: gave up"),
        (status(502, "<h1>Bad gateway</h1>"), "502: Bad gateway"),
        (status(503, {"error": "busy"}), "503: busy"),
    ):
        await form(world)
        world.crew.fail("/kickoff", how=fault)

        await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})

        view = await modal(world, ANA, "It may have started")
        assert why in view.shown
        assert "start it again with" in view.shown
        await world.slack.close_modal(ANA)


async def test_the_same_form_delivered_twice_starts_once(world: World) -> None:
    view = await form(world)
    payload = Payloads(world.slack.world).submission(
        view, fill(view, {"kickoff_input.topic": "tea"})
    )
    body = urlencode({"payload": json.dumps(payload)})

    now = int(world.slack.world.now())
    first, second = await asyncio.gather(
        *(world.slack.send_raw(body, timestamp=str(now - ago)) for ago in (2, 1))
    )
    third = await world.slack.send_raw(body, timestamp=str(now))

    assert {first.status, second.status, third.status} == {200}
    assert sorted("sent already" in str(reply.body) for reply in (first, second)) == [False, True]
    assert "sent already" in str(third.body)
    await world.slack.until(lambda: world.slack.messages(CHANNEL))
    assert len(world.crew.executions) == 1


@pytest.mark.parametrize("socket", [False, True])
async def test_what_came_of_it_is_shown_after_the_notice_whatever_comes_first(
    make_world: MakeWorld, socket: bool
) -> None:
    """A crew that is down is known to be before the acknowledgement has left."""
    token = {"SLACK_APP_TOKEN": "xapp-demo"} if socket else {}
    async with make_world(port=free_port(), **token) as world:
        if socket:
            world.slack.events_url = None
            await world.slack.until(lambda: len(world.slack.sockets.open))
        await form(world)
        await world.crew.go_down()
        for _ in range(5):
            await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
            await modal(world, ANA, "connection refused")

        done = [call for call in world.slack.calls_of("views.update") if (call.answer or {})["ok"]]
        assert len(done) == 6, "the form, and then what came of it"
        await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
        await modal(world, ANA, "cannot be started now")
        assert not world.crew.executions
        assert not world.slack.messages(CHANNEL)


async def test_without_a_public_url_nothing_is_started(make_world: MakeWorld) -> None:
    async with make_world() as world:
        refused, why = await world.kick_off()
        assert refused == 503
        assert "PUBLIC_URL" in str(why["message"])
        for command in ("kickoff", "kickoff research"):
            assert "PUBLIC_URL" in await world.ask(ANA, command)
        assert not world.slack.open_modals(ANA)
        assert not world.crew.requests


async def test_a_slack_that_knows_no_other_id_shows_it_by_the_forms_own(world: World) -> None:
    await form(world)
    world.slack.fail("views.update", error("not_found"), times=UPDATES)

    await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})

    await modal(world, ANA, "has started")
    assert world.slack.calls_of("views.update")[-1].args["view_id"]
