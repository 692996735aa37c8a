"""Waiting for a call, or for a while, whichever comes first."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Wakeup:
    """Something a loop sleeps beside. Rung while nobody waits, it is heard at the next wait."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def set(self) -> None:
        """End the present wait, or the next one."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it rings, or for so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()
