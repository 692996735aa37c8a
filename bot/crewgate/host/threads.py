"""The threads of executions: their places while they work, and their wait for a decision."""

import threading
from collections import deque
from collections.abc import Callable

from crewgate.host.errors import HostStops


def later(seconds: float, call: Callable[..., object], *args: object) -> None:
    """Call in a thread of its own after some time, unless the process ends before."""
    timer = threading.Timer(max(0.0, seconds), call, args)
    timer.daemon = True
    timer.start()


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


class Waiters:
    """The threads that wait, by execution and task."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], threading.Event] = {}
        self._claimed: set[tuple[str, str]] = set()
        """Those that somebody is about to wake."""
        self._lock = threading.Lock()
        self._stopped = False

    def open(self, execution_id: str, task_id: str) -> None:
        """Register a waiter before anybody else can know of the pause."""
        with self._lock:
            waiter = self._waiting[execution_id, task_id] = threading.Event()
            if self._stopped:
                waiter.set()

    def withdraw(self, execution_id: str, task_id: str) -> bool:
        """Unregister a waiter; False if somebody is about to wake it, so it must wait."""
        with self._lock:
            if (execution_id, task_id) in self._claimed:
                return False
            self._waiting.pop((execution_id, task_id), None)
            return True

    def wait(self, execution_id: str, task_id: str) -> None:
        """Return once woken. Raises HostStops."""
        self._waiting[execution_id, task_id].wait()
        with self._lock:
            self._waiting.pop((execution_id, task_id), None)
            self._claimed.discard((execution_id, task_id))
            if self._stopped:
                raise HostStops

    def claim(self, execution_id: str, task_id: str) -> bool:
        """Reserve waking a waiter; False if nobody waits or somebody else will wake it."""
        with self._lock:
            key = (execution_id, task_id)
            if key not in self._waiting or key in self._claimed:
                return False
            self._claimed.add(key)
            return True

    def wake(self, execution_id: str, task_id: str) -> None:
        with self._lock:
            waiter = self._waiting.get((execution_id, task_id))
        if waiter is not None:
            waiter.set()

    def stop(self) -> None:
        """End every thread that waits."""
        with self._lock:
            self._stopped = True
            waiting = list(self._waiting.values())
        for waiter in waiting:
            waiter.set()
