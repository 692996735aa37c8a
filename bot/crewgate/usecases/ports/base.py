"""Ports that many use cases need: clock, sleep, thread pool, new ids, wake-ups and jobs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, ParamSpec, Protocol, TypeVar

from crewgate.domain.crew import Crew
from crewgate.domain.effects import Effect

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], datetime]

Check = Callable[[], bool]

Sleep = Callable[[float], Awaitable[None]]


class OffLoop(Protocol):
    """Runs work that would hold up the event loop, in a bounded thread pool."""

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of `work`, or raise its error."""


LARGE: Final = 64 * 2**10
"""Bytes of JSON that are still read on the loop; they take milliseconds."""

NewId = Callable[[], str]
"""A new unguessable id, safe in URLs and Slack values."""

Crews = Mapping[str, Crew]

end_turn: Final[ContextVar[Callable[[], None]]] = ContextVar("end_turn", default=lambda: None)
"""Called by a background loop before it waits for its next turn; set by the loop's owner."""


def ending_turns(sleep: Sleep) -> Sleep:
    async def pause(seconds: float) -> None:
        end_turn.get()()
        await sleep(seconds)

    return pause


class Wakeup:
    """An event that resets itself and has a timeout; a set before `wait` counts."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> None:
        end_turn.get()()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


class Changes(Wakeup):
    """A wake-up that knows the crews whose people may see something new."""

    def __init__(self) -> None:
        super().__init__()
        self._crews: set[str] = set()

    def of(self, crews: Collection[str]) -> None:
        self._crews.update(crews)
        self.set()

    def take(self) -> frozenset[str]:
        """Return the crews that changed since the last call."""
        crews, self._crews = frozenset(self._crews), set()
        return crews


MISSED: Final = timedelta(minutes=1)
"""The longest outage of the bot or of Slack whose time still counts for rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A leased row of the outbox: one effect, ours until the lease ends."""

    id: int
    effect: Effect
    tries: int
    created_at: datetime
    lease_until: datetime
    began_at: datetime | None = None
    """The start of the first earlier try that may have taken effect."""
    failing_since: datetime | None = None
    """The time of its first own failure: refused, lost or raised, but no outage of Slack."""

    @property
    def in_doubt(self) -> bool:
        return self.began_at is not None


@dataclass(frozen=True, slots=True)
class Leased:
    """The jobs of a lease, or the time until a budget refills."""

    jobs: tuple[Job, ...] = ()
    again_in: timedelta | None = None
    """The time until an exhausted budget refills; None if no budget is exhausted."""
