"""Faults to inject into a stand-in: each waits for its call.

A stand-in's own faults are in its module `faults`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

EVERY: Final = "*"

Work = Callable[[], Awaitable[web.Response]]
Echo = Callable[[str, str], object]
"""Head and body of a request -> the body of its answer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail. Without `body`, `code` and `drops` the answer is the usual one."""

    name: str
    applied: bool = False
    """The request is carried out before the fault."""
    seconds: float | None = 0
    """The time until the answer; None: until `release`."""
    drops: bool = False
    code: int = 0
    """The status of the answer; 0 for the usual answer."""
    body: object = None
    """Text, which is sent as text, or JSON."""
    headers: tuple[tuple[str, str], ...] = ()
    echo: Echo | None = None

    @property
    def instead(self) -> bool:
        """True if the request is never carried out."""
        return not self.applied and (self.drops or self.code != 0)

    def answer(self, head: str, body: str) -> web.Response:
        told = self.body if self.echo is None else self.echo(head, body)
        headers = dict(self.headers)
        if isinstance(told, str):
            return web.Response(text=told, status=self.code, headers=headers)
        return web.json_response(told, status=self.code, headers=headers)


HANG: Final = Fault("hang", seconds=None)
"""Keep the connection open until `release()`, then do the work."""
DROP_AFTER: Final = Fault("drop after", applied=True, drops=True)
"""Do the work, then close the connection without an answer."""


def slow(seconds: float) -> Fault:
    """Wait, unless `release()` comes sooner, then do the work."""
    return Fault("slow", seconds=seconds)


@dataclass(slots=True)
class _Pending:
    name: str
    fault: Fault
    times: int | None


@dataclass(slots=True)
class Faults:
    """The pending faults, in order. `names` are the calls that can fail; empty: all calls."""

    names: Collection[str] = ()
    hanging: int = 0
    _pending: list[_Pending] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(self, name: str, how: Fault, times: int | None = 1) -> None:
        """Fail the next `times` calls of this name; None: all until cleared.

        Raises ValueError for an unknown name.
        """
        if self.names and name not in self.names:
            message = f"no route {name!r}; there are {', '.join(self.names)}"
            raise ValueError(message)
        self._pending.append(_Pending(name, how, times))

    def take(self, name: str) -> Fault | None:
        """Return the fault for an arriving call, counted down."""
        for pending in self._pending:
            if pending.name in {name, EVERY}:
                if pending.times is not None:
                    pending.times -= 1
                    if pending.times <= 0:
                        self._pending.remove(pending)
                return pending.fault
        return None

    def clear(self, name: str | None = None) -> None:
        """Drop the pending faults, of one name or all. A hanging call goes on hanging."""
        self._pending = [one for one in self._pending if name not in {None, one.name}]

    @property
    def due(self) -> int:
        return len(self._pending)

    def release(self) -> None:
        """Continue every hanging call; later calls wait for the next release."""
        released, self._released = self._released, asyncio.Event()
        released.set()

    async def carry_out(
        self,
        fault: Fault | None,
        request: web.Request,
        work: Work,
        *,
        head: str = "",
        body: str = "",
    ) -> web.Response | None:
        """Answer a request with a fault; None: the connection was closed without an answer.

        An echo repeats `head` and `body`.
        """
        if fault is None:
            return await work()
        response = await work() if fault.applied else None
        if fault.seconds != 0:
            await self._hang(fault.seconds)
        if fault.drops:
            if request.transport is not None:
                request.transport.abort()
            return None
        return fault.answer(head, body) if fault.code else response or await work()

    async def _hang(self, seconds: float | None) -> None:
        self.hanging += 1
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            pass  # The time is up: continue.
        finally:
            self.hanging -= 1
