"""The stand-in crew's bounded logs of requests, resumes and webhooks, and its change notifications.

The crew writes them; tests and the playground read them.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

#: How many bytes one log keeps, whatever the number of entries.
LOG_BYTES = 32 * 2**20

#: How many unread changes a subscriber may have; the oldest are dropped.
UNREAD = 256


@dataclass(slots=True)
class Call:
    """One request to the crew. `status` stays None when no answer was given (yet)."""

    method: str
    path: str
    body: dict[str, Any]
    """The JSON object that was sent; empty when it was none."""
    authorization: str = field(repr=False)
    at: float
    status: int | None = None
    answer: Any = None
    """The JSON that was answered, or the text."""
    effective: bool = False
    """The request changed the crew's state."""
    query: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """One webhook that was sent, once; `status` is None when nobody answered, `error` says why."""

    kind: str
    """`human_input`, `task`, `step`, `crew`, `flow` or `raw`."""
    url: str
    body: dict[str, Any]
    """The JSON object that was sent; empty when it was none."""
    raw: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    status: int | None
    answer: str = ""
    error: str = ""
    at: float = 0
    """When it was answered or lost."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change at the crew: `what` in one word, the execution it concerns if any, and when."""

    what: str
    execution_id: str
    at: float


class BoundedLog(Generic[T]):
    """The latest entries, bounded by number and by bytes."""

    def __init__(self, keep: int, keep_bytes: int = LOG_BYTES) -> None:
        self.total = 0
        """How many were ever appended."""
        self._entries: deque[tuple[int, T]] = deque()
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._bytes = 0

    def append(self, entry: T, size: int = 0) -> None:
        """Add an entry; the oldest ones make room, the newest always stays."""
        self._entries.append((size, entry))
        self.total += 1
        self._bytes += size
        while len(self._entries) > self._keep or (
            self._bytes > self._keep_bytes and len(self._entries) > 1
        ):
            dropped_size, _ = self._entries.popleft()
            self._bytes -= dropped_size

    def __iter__(self) -> Iterator[T]:
        return (entry for _, entry in self._entries)


class Changes:
    """Announces changes, so that others wait for them without polling."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._changed = asyncio.Event()
        self._queues: weakref.WeakSet[asyncio.Queue[Change]] = weakref.WeakSet()

    @property
    def time(self) -> float:
        """The time now."""
        return self._now()

    def announce(self, what: str, execution_id: str = "") -> None:
        """Notify every waiter and subscriber."""
        change = Change(what, execution_id, self._now())
        for queue in list(self._queues):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(change)
        # A new event for the next change: each waiter on the old one wakes exactly once.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, condition: Callable[[], object], *, timeout: float) -> None:
        """Return once `condition()` is true; it is asked again after every change.

        Raises TimeoutError after `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not condition():
                await self._changed.wait()

    def subscribe(self) -> asyncio.Queue[Change]:
        """Every change from now on. Dropping the queue ends the subscription."""
        queue: asyncio.Queue[Change] = asyncio.Queue(UNREAD)
        self._queues.add(queue)
        return queue
