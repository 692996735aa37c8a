"""The people who may read and decide: members of the channel and those whom the settings name."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from crewgate.demo.environment import ANA, CARL, CHANNEL
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import home, modal
from tests.standins.workspace import View, error, message_text

EVE, GUS, OTTO = "U0EVE", "U0GUS", "U0OTTO"
"""Not in the channel, a guest in it, somebody of another organisation in it."""


def add_people(world: World, *, private: bool) -> None:
    world.slack.add_user(EVE, "Eve")
    world.slack.add_user(GUS, "Gus", is_guest=True)
    world.slack.add_user(OTTO, "Otto", team_id="T0OTHER")
    channel = world.slack.world.channels[CHANNEL]
    channel.private = private
    channel.members |= {GUS, OTTO}


@pytest.fixture
async def secret(world: World) -> World:
    """A private channel; Ana and Ben are its reviewers."""
    add_people(world, private=True)
    return world


@pytest.fixture
async def open_to_anyone(make_world: MakeWorld) -> AsyncIterator[World]:
    """A public channel; anyone in it decides."""
    async with make_world(REVIEWERS="*") as world:
        add_people(world, private=False)
        yield world


async def seen_home(world: World, shows: str) -> View:
    """Ana's Home, once it shows this."""
    await world.slack.open_home(ANA)
    return await home(world, ANA, shows)


async def test_an_outsider_reads_nothing_of_a_private_channel(secret: World) -> None:
    await secret.pause("draft", "The secret plan.", "e-secret")
    card = await secret.card("The secret plan.")
    of_ana = await seen_home(secret, "The secret plan.")

    await secret.slack.open_home(EVE)
    assert "secret" not in (await home(secret, EVE, "Nothing waits")).shown
    await secret.slack.click(EVE, replace(of_ana, user=EVE), "Read all")
    assert "You may not read" in (await modal(secret, EVE)).shown
    said = []
    for number, text in enumerate(("pending", "status", "status e-", "status e-secret"), start=1):
        await secret.slack.slash(EVE, CHANNEL, "/crew", text)
        said.append(await secret.told(EVE, count=number))

    assert not [answer for answer in said if "Round" in answer or "draft" in answer]
    assert "Nothing waits" in said[0]
    assert secret.crew.name not in said[1]
    assert "I know no execution" in said[2]
    assert "You may not read what" in said[3]
    assert "The secret plan." in message_text(secret.slack.fresh(card))


async def test_anyone_is_anyone_in_the_channel_from_wherever_they_click(
    open_to_anyone: World,
) -> None:
    """A member's click asks Slack nothing."""
    world = open_to_anyone
    await world.pause("draft", "A draft.", "e-1")
    card = await world.card("A draft.")
    of_ana = await seen_home(world, "A draft.")

    await world.slack.click(EVE, card, "Approve")
    assert "You are not a reviewer" in await world.told(EVE)
    await world.slack.click(EVE, replace(of_ana, user=EVE), "Approve")
    assert "You are not a reviewer" in (await modal(world, EVE)).shown
    for number, person in enumerate((GUS, OTTO), start=1):
        await world.slack.click(person, card, "Approve")
        assert "guests and people of other organisations" in await world.told(person), number
    assert not world.crew.resumes

    await world.slack.until(
        lambda: {call.args.get("user") for call in world.slack.calls_of("users.info")} >= {CARL}
    )
    for method in ("conversations.members", "users.info"):
        world.slack.fail(method, error("internal_error"), times=None)
    await world.slack.click(CARL, card, "Approve")
    await world.delivered(card)
    assert world.slack.faults.due == 2


async def test_a_request_from_another_workspace_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.pause()
    card = await world.card("A draft.")
    of_ana = await seen_home(world, "A draft.")
    await world.slack.click(ANA, card, "Revise")
    form = await modal(world, ANA, "What should change?")
    monkeypatch.setattr("crewgate.demo.workspace.payloads.TEAM_ID", "T0OTHER")
    monkeypatch.setattr("crewgate.demo.workspace.wire.TEAM_ID", "T0OTHER")

    await world.slack.click(ANA, card, "Approve")
    assert "another workspace" in await world.told(ANA)
    await world.slack.click(ANA, of_ana, "Approve")
    assert (await world.slack.slash(ANA, CHANNEL, "/crew", "status")).ok
    assert "another workspace" in await world.told(ANA, count=2)
    assert (await world.slack.write(ANA, CHANNEL, "Shorter.", card.ts)).reply.ok
    await world.slack.submit(ANA, {"feedback": "Shorter."}, form)
    await modal(world, ANA, "another workspace")

    assert not world.crew.resumes
    assert not world.slack.calls_of("reactions.add")
