"""The places for executions that work at the same time; the others wait their turn in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Slots:
    """Working executions take a place; waiting for a person or ending frees it."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()

    def submit(self, start: Callable[[], None]) -> None:
        """Call `start`, which returns at once, when a place is free; `leave` frees it."""
        with self._lock:
            self._waiting.append(start)
        self._fill()

    def leave(self) -> None:
        """Free a place for the next."""
        with self._lock:
            self._free += 1
        self._fill()

    def _fill(self) -> None:
        while True:
            with self._lock:
                if not self._free or not self._waiting:
                    return
                self._free -= 1
                start = self._waiting.popleft()
            start()
