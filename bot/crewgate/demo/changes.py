"""Notifications of changes: waiting for a condition and subscribing, without polling."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """A change: its kind, and the message, view or call that it concerns."""

    kind: str
    subject: object


class Subscription:
    """Future changes: `with changes.subscribe() as each: async for change in each`.

    A reader that falls behind by more than `size` loses the oldest changes; `missed` counts them.
    """

    def __init__(self, changes: "Changes", size: int) -> None:
        self._changes = changes
        self._queue: asyncio.Queue[Change] = asyncio.Queue(size)
        self.missed = 0

    def put(self, change: Change) -> None:
        if self._queue.full():
            self._queue.get_nowait()
            self.missed += 1
        self._queue.put_nowait(change)

    def close(self) -> None:
        self._changes.unsubscribe(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        return await self._queue.get()


class Changes:
    """Announces changes to waiters and subscribers."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._subscriptions: set[Subscription] = set()

    def announce(self, kind: str, subject: object) -> None:
        for event in self._waiting:
            event.set()
        for subscription in self._subscriptions:
            subscription.put(Change(kind, subject))

    def subscribe(self, size: int = 256) -> Subscription:
        subscription = Subscription(self, size)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    async def until(
        self, condition: Callable[[], T], timeout: float, describe: Callable[[], str] = str
    ) -> T:
        """Wait until the condition returns a true value, and return the value.

        The condition is called at each change; its LookupError (no such message yet) counts as
        false. Raises TimeoutError after `timeout` seconds, with the text of `describe`.
        """
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(timeout):
                while not (met := _check(condition)):
                    await changed.wait()
                    changed.clear()
                return met
        except TimeoutError:
            # The condition may read state whose changes are not announced here, so it is checked
            # once more at the end.
            if met := _check(condition):
                return met
            raise TimeoutError(f"still not so after {timeout} s\n{describe()}") from None
        finally:
            self._waiting.discard(changed)


def _check(condition: Callable[[], T]) -> T | None:
    try:
        return condition()
    except LookupError:
        return None
