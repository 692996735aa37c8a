"""Injected faults: what a method does instead of its work, and how often."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

EVERY_METHOD: Final = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail."""

    kind: Literal[
        "error", "echo", "rate_limited", "http_status", "body", "slow", "hang", "before", "after"
    ]
    code: str = ""
    status: int = 0
    seconds: float = 0
    body: object = None


def error(code: str) -> Fault:
    """Do nothing and answer `{"ok": false, "error": code}`."""
    return Fault("error", code=code)


def echo(code: str) -> Fault:
    """Do nothing and answer like `error`, quoting the arguments in `response_metadata`."""
    return Fault("echo", code=code)


def rate_limited(retry_after: int = 1) -> Fault:
    """Do nothing and answer 429 with `Retry-After`, in seconds."""
    return Fault("rate_limited", seconds=retry_after)


def http_status(status: int) -> Fault:
    """Do nothing and answer this status with a body that is not JSON."""
    return Fault("http_status", status=status)


def malformed(body: object) -> Fault:
    """Do nothing and answer 200 with this as JSON, whatever its shape."""
    return Fault("body", body=body)


def slow(seconds: float) -> Fault:
    """Wait, unless `release()` comes sooner, then do the work."""
    return Fault("slow", seconds=seconds)


HANG: Final = Fault("hang")
"""Keep the connection open until `release()`, then do the work."""
DROP_BEFORE: Final = Fault("before")
"""Close the connection without doing the work."""
DROP_AFTER: Final = Fault("after")
"""Do the work, then close the connection without an answer."""


@dataclass(slots=True)
class _PendingFault:
    method: str
    fault: Fault
    times: int | None


class Faults:
    """The pending faults, in the order they were added."""

    def __init__(self) -> None:
        self._pending: list[_PendingFault] = []
        self._released = asyncio.Event()
        self.hanging = 0

    def add(self, method: str, how: Fault, times: int | None) -> None:
        """Fail the next `times` calls of the method; None means until `clear`."""
        self._pending.append(_PendingFault(method, how, times))

    def clear(self, *, release: bool) -> None:
        """Drop the pending faults, and release the hanging calls if asked to."""
        self._pending.clear()
        if release:
            self.release()

    @property
    def due(self) -> int:
        """How many faults are pending."""
        return len(self._pending)

    def release(self) -> None:
        """Continue every hanging call."""
        self._released.set()
        self._released = asyncio.Event()

    async def hang(self, seconds: float | None = None) -> None:
        """Wait for the next `release`, at most so long."""
        self.hanging += 1
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            pass  # The time is up: continue.
        finally:
            self.hanging -= 1

    def take(self, method: str) -> Fault | None:
        """The fault for this call, counted down."""
        for pending in self._pending:
            if pending.method in {method, EVERY_METHOD}:
                if pending.times is not None:
                    pending.times -= 1
                    if pending.times <= 0:
                        self._pending.remove(pending)
                return pending.fault
        return None
