"""What people see in Slack, once it is there."""

from __future__ import annotations

from crewgate.demo.environment import ANA
from crewgate.demo.workspace import Message, View
from tests.journeys.conftest import World


async def modal(world: World, user: str, shows: str = "") -> View:
    """The modal on top, once it shows this."""

    def found() -> list[View]:
        return [view for view in world.slack.open_modals(user)[-1:] if shows in view.shown]

    return (await world.slack.until(found))[0]


def named(world: World, user: str) -> bool:
    """Whether the bot has learnt this person's name, and brought the card up to date."""
    calls = [(call.method, call.args.get("user")) for call in world.slack.calls]
    asked = ("users.info", user)
    return asked in calls and ("chat.update", None) in calls[calls.index(asked) :]


async def second_round(
    world: World, before: object, after: object, feedback: str = "Shorter."
) -> Message:
    await world.pause("draft", before)
    first = await world.card("round 1")
    await world.slack.click(ANA, first, "Revise")
    await modal(world, ANA)
    await world.slack.submit(ANA, {"feedback": feedback})
    await world.crew.until(lambda: world.crew.resumes)
    await world.pause("draft", after)
    return await world.card("round 2", round_=2)


async def home(world: World, user: str, shows: str) -> View:
    """Somebody's Home, once it shows this."""
    await world.slack.until(lambda: shows in world.slack.home(user).shown)
    return world.slack.home(user)


async def approve_anyway(world: World, user: str, card: Message) -> None:
    """Press Approve, and again where it asks."""
    await world.slack.click(user, card, "Approve")
    await modal(world, user, "Before you approve")
    await world.slack.submit(user)
