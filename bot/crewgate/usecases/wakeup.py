"""An event with a timeout, for loops that poll."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Final

from crewgate.usecases.ports.base import Sleep

end_turn: Final[ContextVar[Callable[[], None]]] = ContextVar("end_turn", default=lambda: None)
"""Called by a background loop before it waits for its next turn; set by whoever runs the loop."""


def ending_turns(sleep: Sleep) -> Sleep:
    """Return the same pause for background loops: it ends a turn, as waiting for a Wakeup does."""

    async def pause(seconds: float) -> None:
        end_turn.get()()
        await sleep(seconds)

    return pause


class Wakeup:
    """An auto-resetting event with a timeout; one that is set before `wait` stays set."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """End the present wait, or the next one."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        end_turn.get()()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()
