"""Many pauses of one crew at once, over real HTTP: a card each, decided once, resumed once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from crewgate.demo.environment import ANA, BEN
from tests.journeys.conftest import World
from tests.journeys.people import waiting
from tests.standins.workspace import message_text

MANY = 80
AT_ONCE = 16


async def gathered(calls: Iterable[Callable[[], Awaitable[object]]]) -> list[object]:
    """Make all calls, so many at once."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(call: Callable[[], Awaitable[object]]) -> object:
        async with room:
            return await call()

    return await asyncio.gather(*map(one, calls))


async def test_of_many_pauses_each_has_one_card_and_is_resumed_once(world: World) -> None:
    executions = [f"e-{number:03}" for number in range(MANY)]
    answers = await gathered(partial(world.pause, "draft", "A draft.", one) for one in executions)
    assert set(answers) == {202}
    await world.slack.until(lambda: len(waiting(world)) >= MANY, timeout=60)
    cards = waiting(world)

    # Two people press on each card.
    await gathered(
        partial(world.slack.click, user, card, "Approve") for card in cards for user in (ANA, BEN)
    )

    await world.crew.until(lambda: len(world.crew.resumes) >= MANY, timeout=60)
    await world.slack.until(lambda: not waiting(world), timeout=60)
    resumed = Counter(one.execution_id for one in world.crew.resumes)
    assert resumed == Counter(executions)
    shown = Counter(one for one in executions for card in cards if one in message_text(card))
    assert shown == Counter(executions)
    assert len(cards) == MANY
