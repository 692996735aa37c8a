"""Somebody is told: mentioned, or in private; what is answered anywhere changes everywhere."""

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import in_private, waiting
from tests.standins.workspace import DROP_AFTER, Message, buttons, message_text


def can_decide(world: World, message: Message) -> bool:
    return "Approve" in buttons(world.slack.fresh(message))


async def test_each_reviewer_is_told_in_private_and_may_answer_there(
    make_world: MakeWorld,
) -> None:
    async with make_world(NOTIFY="dm") as world:
        await world.pause()
        card = await world.card("A draft")
        told = [await in_private(world, user, "A draft") for user in (ANA, BEN)]
        assert not world.slack.pings(card)
        assert "Decide here or " in message_text(told[0])
        assert not world.slack.messages(world.slack.world.im(CARL).id)

        # One whose answer was lost comes once.
        world.slack.fail("conversations.open", how=DROP_AFTER)
        world.slack.fail("chat.postMessage", how=DROP_AFTER, times=3)
        await world.pause("draft", "Another draft")
        card = await world.card("Another draft", round_=2)
        newer = [await in_private(world, user, "Another draft") for user in (ANA, BEN)]
        for message in (world.slack.messages(CHANNEL)[0], *told):
            await world.slack.until(lambda one=message: not can_decide(world, one))  # type: ignore[misc]
        for user in (ANA, BEN):
            assert len(waiting(world, world.slack.world.im(user).id)) == 1

        await world.slack.click(ANA, newer[0], "Approve")

        await world.crew.until(lambda: world.crew.resumes)
        for message in (card, *newer):
            await world.shown(message, f"<@{ANA}>")
            await world.slack.until(lambda one=message: not can_decide(world, one))  # type: ignore[misc]
        assert len(world.crew.resumes) == 1


async def test_an_operator_is_told_in_private_that_the_channel_refuses(
    make_world: MakeWorld,
) -> None:
    async with make_world(OPERATORS="U0OPS") as world:
        world.slack.add_user("U0OPS", "Ops")
        channel = world.slack.world.channels[CHANNEL]
        channel.bot_is_member = False
        await world.pause()
        told = message_text(await in_private(world, "U0OPS", "not_in_channel"))
        assert "Invite the bot into the channel" in told
        assert f"<#{CHANNEL}>" in told
        channel.bot_is_member = True
        await world.card("A draft")
        assert len(world.slack.messages(world.slack.world.im("U0OPS").id)) == 1
