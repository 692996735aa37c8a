"""Somebody is told: mentioned, or in private; what is answered anywhere changes everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.demo.workspace import DROP_AFTER, Message, buttons, message_text
from tests.journeys.conftest import MakeWorld, World


def waiting(world: World, channel: str) -> list[Message]:
    return [card for card in world.slack.messages(channel) if "Approve" in buttons(card)]


async def the_card(world: World, shows: str) -> Message:
    """The card that waits in the channel or a thread of it."""
    found = await world.slack.until(
        lambda: [card for card in waiting(world, CHANNEL) if shows in message_text(card)]
    )
    return found[-1]


def can_decide(world: World, message: Message) -> bool:
    return "Approve" in buttons(world.slack.fresh(message))


async def in_private(world: World, user: str, shows: str) -> Message:
    """The latest direct message to this person, once it shows this."""
    channel = world.slack.world.im(user).id
    found = await world.slack.until(
        lambda: [m for m in world.slack.messages(channel) if shows in message_text(m)]
    )
    return found[-1]


@pytest.fixture
async def private(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world whose reviewers are told in private."""
    async with make_world(NOTIFY="dm") as built:
        yield built


async def test_the_reviewers_are_mentioned_once_a_round(world: World) -> None:
    await world.pause()
    card = await the_card(world, "A draft")
    assert card.pings == {ANA, BEN}
    assert f"<@{ANA}> and <@{BEN}>: please decide." in message_text(card)
    await world.slack.click(BEN, card, "I'm on it")
    claimed = await world.shown(card, "is on it")
    assert "please decide" not in message_text(claimed)
    said = [m for m in world.slack.messages(CHANNEL) if m.bot]
    assert len(said) == 1


async def test_where_nobody_is_told_each_round_is_shown_in_the_channel(
    make_world: MakeWorld,
) -> None:
    async with make_world(NOTIFY="none") as world:
        await world.pause()
        assert not (await the_card(world, "A draft")).pings
        await world.pause("draft", "Another draft")
        assert (await the_card(world, "Another draft")).broadcast


async def test_each_reviewer_is_told_in_private_and_may_answer_there(private: World) -> None:
    world = private
    await world.pause()
    card = await the_card(world, "A draft")
    ana, ben = await in_private(world, ANA, "A draft"), await in_private(world, BEN, "A draft")
    assert not card.pings
    assert "Decide here or on" in message_text(ana)
    assert not world.slack.messages(world.slack.world.im(CARL).id)

    await world.slack.click(ANA, ana, "Approve")

    await world.crew.until(lambda: world.crew.resumes)
    for message in (card, ana, ben):
        await world.shown(message, f"<@{ANA}>")
        await world.slack.until(lambda one=message: not can_decide(world, one))  # type: ignore[misc]
    assert len(world.crew.resumes) == 1


async def test_a_private_message_whose_answer_was_lost_comes_once(private: World) -> None:
    world = private
    await world.pause()
    await in_private(world, ANA, "A draft")
    world.slack.fail("conversations.open", how=DROP_AFTER)
    world.slack.fail("chat.postMessage", how=DROP_AFTER, times=3)
    await world.pause("draft", "Another draft")
    for user in (ANA, BEN):
        await in_private(world, user, "Another draft")
    first = world.slack.messages(CHANNEL)[0]
    await world.slack.until(lambda: not can_decide(world, first))
    for user in (ANA, BEN):
        channel = world.slack.world.im(user).id
        assert len([m for m in waiting(world, channel) if "Another" in message_text(m)]) == 1


# --- operators ---

OPS = "U0OPS"


@pytest.fixture
async def operated(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world with an operator, who is no reviewer."""
    async with make_world(OPERATORS=OPS) as built:
        built.slack.add_user(OPS, "Ops")
        yield built


async def test_an_operator_is_told_in_private_that_the_channel_refuses(operated: World) -> None:
    world = operated
    channel = world.slack.world.channels[CHANNEL]
    channel.bot_is_member = False
    await world.pause()
    told = message_text(await in_private(world, OPS, "not_in_channel"))
    assert "Invite the bot into the channel" in told
    assert f"<#{CHANNEL}>" in told
    channel.bot_is_member = True
    await the_card(world, "A draft")
    assert len(world.slack.messages(world.slack.world.im(OPS).id)) == 1
