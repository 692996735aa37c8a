"""The ports that every use case is handed: clock, pauses, threads, new ids, crews."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime
from typing import Final, ParamSpec, Protocol, TypeVar

from crewgate.domain.crew import Crew

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], datetime]
"""The present moment, aware, in UTC."""


Check = Callable[[], bool]


Sleep = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


class OffLoop(Protocol):
    """Computes in a thread of a bounded pool what would hold up the event loop."""

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns, or raise what it raises."""


LARGE: Final = 64 * 2**10
"""Bytes of JSON beyond which it is read off the loop; what is shorter takes milliseconds."""


NewId = Callable[[], str]
"""A new unguessable id, safe in URLs and Slack values."""


Crews = Mapping[str, Crew]


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
