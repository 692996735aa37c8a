"""Clock, ids, chance and threads of the bot; all other modules get them passed in."""

import asyncio
import random
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, ParamSpec, TypeVar

import structlog
import uvloop
from typing_extensions import override

from crewgate.domain.retry import Rate, Retry
from crewgate.network.untrusted_addresses import AddressInfo, Lookups
from crewgate.usecases.delivery.context import GRACE, MENTIONED_EACH, SHARE_GRACE, START_GRACE
from crewgate.usecases.delivery.worker import Pace
from crewgate.usecases.ports.base import Clock, NewId, OffLoop, Sleep

P = ParamSpec("P")
T = TypeVar("T")

#: Slack accepts about one post a second in a channel, short bursts allowed, and some 50 changes of
#: messages a minute in a workspace: https://docs.slack.dev/apis/web-api/rate-limits
POST_RATE: Final = Rate(timedelta(seconds=1), burst=4)
UPDATE_RATE: Final = Rate(timedelta(seconds=1.2), burst=20)
#: The pauses before a background loop that ended with an error is started again.
RESTART: Final = Retry(first=timedelta(seconds=1), longest=timedelta(minutes=1))
#: The machine's clock has stepped if it is off by STEP, more than a well-kept clock ever is. A step
#: counts once it has lasted for LASTING.
STEP: Final = timedelta(seconds=5)
LASTING: Final = timedelta(seconds=30)
#: The time for which `warning` reports a step.
TOLD: Final = timedelta(hours=1)
#: The threads for slow work on texts, of which the worst takes less than a second. More threads
#: would not be faster: they share the interpreter with the event loop, whose turn comes after some
#: milliseconds at most.
THREADS: Final = 2

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


_START: Final = utc_now() - timedelta(seconds=time.monotonic())


def steady_now() -> datetime:
    """Return a moment by a clock that is never set, for durations within this process."""
    return _START + timedelta(seconds=time.monotonic())


class SteppingClock:
    """The machine's time; a step of the machine's clock counts once the step has lasted.

    A clock steps when it is set, or when the machine wakes up. A rule's timer of days must not run
    out because a clock was days ahead for seconds.
    """

    def __init__(self, *, machine: Clock = utc_now, steady: Clock = steady_now) -> None:
        self.machine = machine
        self._steady = steady
        self._ahead = machine() - steady()
        self._step = timedelta()
        self._stepped_at: datetime | None = None
        self.is_in_doubt = False
        """True while a step of the clock does not count yet."""

    def __call__(self) -> datetime:
        return self._steady() + self._ahead

    @property
    def warning(self) -> str | None:
        if self._stepped_at is None or self._steady() - self._stepped_at > TOLD:
            return None
        by = f"{self._step.total_seconds():+.0f} s"
        doubt = ", which does not count yet" if self.is_in_doubt else ""
        return f"this machine's clock stepped by {by}{doubt}"

    def watch(self) -> bool:
        """Compare the machine's clock with the steady one; return True if a step now counts."""
        now, off = self._steady(), self.machine() - self()
        if abs(off) < STEP:
            self._ahead += off
            self.is_in_doubt = False
            return False
        if not self.is_in_doubt or abs(off - self._step) >= STEP:
            self._step, self._stepped_at, self.is_in_doubt = off, now, True
            log.warning("clock_stepped", seconds=round(off.total_seconds()))
        if self._stepped_at is None or now - self._stepped_at < LASTING:
            return False
        self._ahead += off
        self.is_in_doubt = False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Clock, ids, chance and pace, which tests replace."""

    clock: Clock = field(default_factory=SteppingClock)
    steady: Clock = steady_now
    """A clock that is never set; pauses and renewals go by this clock."""
    new_id: NewId = field(default=lambda: secrets.token_urlsafe(12))
    jitter: Callable[[], float] = random.random
    sleep: Sleep = asyncio.sleep
    retry: Retry = field(default_factory=Retry)
    grace: timedelta = GRACE
    start_grace: timedelta = START_GRACE
    share_grace: timedelta = SHARE_GRACE
    mentioned_each: int = MENTIONED_EACH
    pace: Pace = field(default_factory=Pace)
    post_rate: Rate = POST_RATE
    update_rate: Rate = UPDATE_RATE
    restart: Retry = RESTART
    ping: float = 5
    """Seconds between two pings on the socket."""

    def stepping(self) -> SteppingClock:
        """Return the clock as one whose steps can be watched; a test's own clock never steps."""
        if isinstance(self.clock, SteppingClock):
            return self.clock
        return SteppingClock(machine=self.clock, steady=self.clock)


@contextmanager
def open_threads() -> Iterator[OffLoop]:
    """Open threads for long computations: comparing, rendering, reading large JSON.

    No other work uses these threads, such as lookups of names; the end waits for no thread.
    """
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="off-loop")

    async def off_loop(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        # A form is drawn in a thread, and keeps the time of the press that opens it.
        work_here = partial(copy_context().run, work, *args, **kwargs)
        return await loop.run_in_executor(executor, work_here)

    try:
        yield off_loop
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


class EventLoop(uvloop.Loop):
    """The event loop of the process; it looks names up by `Lookups`.

    httpx and aiohttp look names up here before they connect; then uvloop only gets addresses. libuv
    looks up the database's host, because asyncpg connects by name.
    """

    def __init__(self, lookups: Lookups | None = None) -> None:
        super().__init__()
        self._lookups = lookups or Lookups()

    @override
    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # asyncio's method names it so
        proto: int = 0,
        flags: int = 0,
    ) -> list[AddressInfo]:
        with suppress(socket.gaierror):  # a numeric address needs no name server
            numeric = flags | socket.AI_NUMERICHOST
            return socket.getaddrinfo(host, port, family, type, proto, numeric)
        try:
            return await self._lookups.find((host, port, family, type, proto, flags))
        except TimeoutError as error:
            raise socket.gaierror(socket.EAI_AGAIN, str(error)) from error
