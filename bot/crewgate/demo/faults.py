"""Faults to inject into a stand-in: each waits for calls of its name, such as a route."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from typing import Final

from aiohttp import web

from crewgate.demo.changes import Changes

EVERY: Final = "*"

Work = Callable[[], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail. Without `code` and `drops` the answer is the usual one."""

    name: str
    _: KW_ONLY
    applied: bool = False
    """The request is carried out before the fault."""
    seconds: float | None = 0
    """The time until the answer; None: until `release`."""
    drops: bool = False
    code: int = 0
    """The status of the answer; 0 for the usual answer."""
    body: object = None
    """Text, which is sent as text, or JSON."""

    async def answer(self, _: web.Request) -> web.Response:
        """Return the answer to a request in place of the usual one."""
        if isinstance(self.body, str):
            return web.Response(text=self.body, status=self.code)
        return web.json_response(self.body, status=self.code)


HANG: Final = Fault("hang", seconds=None)
"""Keep the connection open until `release()`, then do the work."""
DROP_AFTER: Final = Fault("drop after", applied=True, drops=True)
"""Do the work, then close the connection without an answer."""


@dataclass(slots=True)
class _Pending:
    name: str
    fault: Fault
    times: int | None


class Faults:
    """The pending faults of a stand-in, in order."""

    def __init__(self, changes: Changes) -> None:
        self.hanging = 0
        self._changes = changes
        self._pending: list[_Pending] = []
        self._released = asyncio.Event()

    def fail(self, name: str, how: Fault, times: int | None = 1) -> None:
        """Fail the next `times` calls of this name; None: all until cleared."""
        self._pending.append(_Pending(name, how, times))

    def take(self, name: str) -> Fault | None:
        """Return the fault for an arriving call, if any, and count down its `times`."""
        for pending in self._pending:
            if pending.name in {name, EVERY}:
                if pending.times is not None:
                    pending.times -= 1
                    if pending.times <= 0:
                        self._pending.remove(pending)
                        self._changes.announce("fault", name)
                return pending.fault
        return None

    def clear(self, name: str | None = None) -> None:
        """Drop the pending faults, of one name or all. A hanging call goes on hanging."""
        self._pending = [one for one in self._pending if name not in {None, one.name}]

    @property
    def due(self) -> int:
        return len(self._pending)

    def release(self) -> None:
        """Continue every hanging call; calls that hang later wait for the next release."""
        released, self._released = self._released, asyncio.Event()
        released.set()

    async def carry_out(
        self, fault: Fault | None, request: web.Request, work: Work
    ) -> web.Response | None:
        """Answer a request with a fault; None: the connection was closed without an answer."""
        if fault is None:
            return await work()
        response = await work() if fault.applied else None
        if fault.seconds != 0:
            await self._hang(fault.seconds, request)
        if fault.drops:
            if request.transport is not None:
                request.transport.abort()
            return None
        return await fault.answer(request) if fault.code else response or await work()

    async def _hang(self, seconds: float | None, request: web.Request) -> None:
        self.hanging += 1
        self._changes.announce("hanging", request.path)
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            pass  # The time is up: continue.
        finally:
            self.hanging -= 1
