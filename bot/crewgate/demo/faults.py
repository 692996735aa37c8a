"""The faults that wait for their call, at a fake crew or a fake Slack; each has its own kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

F = TypeVar("F")

EVERY: Final = "*"
"""The name that any call matches."""


@dataclass(slots=True)
class _Pending(Generic[F]):
    name: str
    fault: F
    times: int | None


class Faults(Generic[F]):
    """The pending faults, in the order they were added. Without `names`, any name may be failed."""

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = names
        self._pending: list[_Pending[F]] = []
        self._released = asyncio.Event()
        self.hanging = 0
        """The number of calls that `hang` now."""

    def add(self, name: str, how: F, times: int | None) -> None:
        """Fail the next `times` calls of this name; None means until cleared.

        Raises ValueError for a name that is none of `names`.
        """
        if self._names and name not in self._names:
            message = f"no route {name!r}; there are {', '.join(self._names)}"
            raise ValueError(message)
        self._pending.append(_Pending(name, how, times))

    def take(self, name: str) -> F | None:
        """Return the fault for the call that just arrived, counted down."""
        for pending in self._pending:
            if pending.name in {name, EVERY}:
                if pending.times is not None:
                    pending.times -= 1
                    if pending.times <= 0:
                        self._pending.remove(pending)
                return pending.fault
        return None

    def clear(self, name: str | None = None) -> None:
        """Drop the pending faults, of one name or all. A call that hangs goes on hanging."""
        self._pending = [one for one in self._pending if name not in {None, one.name}]

    @property
    def due(self) -> int:
        """The number of pending faults."""
        return len(self._pending)

    def release(self) -> None:
        """Continue every call that hangs; later ones wait for the next release."""
        released, self._released = self._released, asyncio.Event()
        released.set()

    def released(self) -> Coroutine[Any, Any, bool]:
        """Wait for the first `release` after this call, not after the first await."""
        return self._released.wait()

    async def hang(self, seconds: float | None = None) -> None:
        """Wait for the next `release`, at most this long."""
        self.hanging += 1
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            pass  # The time is up: continue.
        finally:
            self.hanging -= 1
