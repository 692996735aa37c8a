"""Changes of a stand-in one by one, for tests that look at whatever comes."""

import asyncio
from dataclasses import dataclass
from typing import Self

from crewgate.demo.changes import Changes


@dataclass(frozen=True, slots=True)
class Change:
    """A change: its kind, and the message, view or call that it concerns."""

    kind: str
    subject: object


class Subscription:
    """Future changes: `with slack.subscribe() as each: async for change in each`.

    A reader that falls behind by more than `size` loses the oldest changes; `missed` counts them.
    """

    def __init__(self, changes: Changes, size: int) -> None:
        self._changes = changes
        self._queue: asyncio.Queue[Change] = asyncio.Queue(size)
        self.missed = 0

    def _put(self, kind: str, subject: object) -> None:
        if self._queue.full():
            self._queue.get_nowait()
            self.missed += 1
        self._queue.put_nowait(Change(kind, subject))

    def __enter__(self) -> Self:
        self._changes.listeners.add(self._put)
        return self

    def __exit__(self, *_: object) -> None:
        self._changes.listeners.discard(self._put)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        return await self._queue.get()
