"""A crew on its own, and a receiver of its webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.demo.crew import (
    Crew,
    HumanInput,
)
from tests.demo.builders import SECRET, Receiver, now


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def crew(receiver: Receiver) -> AsyncIterator[Crew]:
    async with Crew(now=now) as crew:
        crew.human_input = HumanInput.bearer(f"{receiver.url}/human", SECRET)
        yield crew
