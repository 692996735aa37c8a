"""`/crew morning`: one private line a day of what waits, and *Start*."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crewgate.demo.environment import ANA
from crewgate.runtime import utc_now
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import in_private, modal, showing
from tests.standins.workspace import buttons, message_text

BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Until:
    """A clock that is set to a time of day in Berlin, tomorrow or later."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def turn_to(self, hour: int, minute: int) -> None:
        now = self().astimezone(BERLIN) + timedelta(days=1)
        wanted = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        self.ahead += wanted.astimezone(UTC) - self()


@pytest.fixture
def clock() -> Until:
    clock = Until()
    clock.turn_to(7, 0)
    return clock


@pytest.fixture
async def world(make_world: MakeWorld, clock: Until) -> AsyncIterator[World]:
    async with make_world(replace(AT_ONCE, clock=clock)) as built:
        ana = built.slack.world.users[ANA]
        built.slack.world.users[ANA] = replace(ana, tz="Europe/Berlin")
        yield built


async def test_it_is_set_told_and_ended_and_a_bad_time_is_said(world: World) -> None:
    on = "Each day at 08:30, Europe/Berlin time, you get one private message"
    assert "You get no morning line. `/crew morning 8:30` turns it on." in await world.ask(
        ANA, "morning"
    )
    for typed in ("25:00", "8", "half past eight", "8:3", "8:30 please", "٨:٣٠"):
        assert "is no time that I can read" in await world.ask(ANA, f"morning {typed}")
    assert on in await world.ask(ANA, "morning 8:30")
    assert on in await world.ask(ANA, "morning")
    assert "08:05" in await world.ask(ANA, "morning 08:05")
    assert await world.ask(ANA, "morning off") == "You get no morning line."
    assert "turns it on" in await world.ask(ANA, "morning")


async def test_the_line_tells_what_waits_once_and_starts_it(world: World, clock: Until) -> None:
    await world.ask(ANA, "morning 8:30")
    clock.turn_to(8, 29)
    for number in range(4):
        await world.pause("draft", f"Draft {number}.", f"e-{number}")
    await world.card("Draft 3.")
    clock.ahead += timedelta(minutes=1)
    line = await in_private(world, ANA, "4 wait for you; the oldest since")
    assert ">: *Draft*." in message_text(line)
    assert buttons(line) == ["Start"]
    await world.slack.click(ANA, line, "Start")
    await modal(world, ANA, "Draft 0.")
    clock.turn_to(8, 30)
    direct = world.slack.world.im(ANA).id
    await world.slack.until(lambda: len(showing(world, "wait for you", direct)) == 2)


async def test_who_left_gets_no_line(world: World, clock: Until) -> None:
    await world.pause()
    await world.card("A draft")
    await world.ask(ANA, "morning 8:30")
    world.slack.world.users[ANA] = replace(world.slack.world.users[ANA], deleted=True)
    asked = calls(world, "users.info")
    clock.turn_to(8, 30)
    await world.slack.until(lambda: calls(world, "users.info") >= asked + 2)
    assert not showing(world, "waits for you", world.slack.world.im(ANA).id)


def calls(world: World, method: str) -> int:
    return sum(call.method == method for call in world.slack.calls)
