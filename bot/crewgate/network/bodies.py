"""The bodies that a server holds in memory: whose they are, and which of them must give way.

Hundreds of connections may each send a body, and together take the memory and the connections of
all crews. One rule shares both: whoever holds most gives first, and of theirs the oldest body that
has not arrived in full. A crew sends its body at once, an attacker slowly.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

#: The bytes of all bodies of one sender together; SMALL are the bytes that each body may have even
#: if this room is full.
ROOM = 64 * 2**20
SMALL = 64 * 1024


class NoRoom(Exception):
    """A body was dropped because its sender's bodies take too much memory."""


class Bodies:
    """All bodies of one server, by sender: a crew, or a path that anybody may call."""

    def __init__(self, *, room: int = ROOM, small: int = SMALL) -> None:
        self.room = room
        self.small = small
        self.held = Counter[str]()
        """The bytes in memory by sender."""
        self.unfinished: dict[str, dict[web.RequestHandler, Arriving]] = {}
        """By sender the connections whose body has not arrived in full, the oldest first."""

    def drop(self, connection: web.RequestHandler) -> None:
        """Forget the unfinished body of a closed connection."""
        for of in [of for of, theirs in self.unfinished.items() if connection in theirs]:
            del self.unfinished[of][connection]
            if not self.unfinished[of]:
                del self.unfinished[of]

    @contextmanager
    def arriving(self, connection: web.RequestHandler) -> Iterator[Arriving]:
        """Yield the body of one request; its bytes count until the request is answered."""
        body = Arriving(bodies=self, connection=connection)
        try:
            yield body
        finally:
            self.held[body.of] -= body.size
            if not self.held[body.of]:
                del self.held[body.of]


@dataclass(eq=False, slots=True, kw_only=True)
class Arriving:
    """The body of one request: its sender, its bytes so far, and the end of its time."""

    bodies: Bodies
    connection: web.RequestHandler
    of: str = ""
    size: int = 0
    deadline: asyncio.Timeout | None = None
    gave_way: bool = False

    @contextmanager
    def reading(self, deadline: asyncio.Timeout) -> Iterator[None]:
        """Count the body as unfinished meanwhile. Raises NoRoom if it has to give way."""
        self.deadline = deadline
        self.bodies.unfinished.setdefault(self.of, {})[self.connection] = self
        try:
            yield
        except asyncio.CancelledError:
            if self.gave_way:
                raise NoRoom from None
            raise
        finally:
            self.bodies.drop(self.connection)

    def take(self, length: int) -> None:
        """Count another part, and end older bodies of this sender to make room for it.

        Raises NoRoom if this body itself has to give way.
        """
        bodies = self.bodies
        while self.size + length > bodies.small and bodies.held[self.of] + length > bodies.room:
            oldest = next(iter(bodies.unfinished.get(self.of, {}).values()), self)
            oldest._give_way()  # noqa: SLF001  # another body of this class
            if oldest is self:
                break
        if self.gave_way:
            raise NoRoom
        self.size += length
        bodies.held[self.of] += length

    def _give_way(self) -> None:
        self.gave_way = True
        self.bodies.drop(self.connection)
        self.bodies.held[self.of] -= self.size
        self.size = 0
        if self.deadline is not None and not self.deadline.expired():
            self.deadline.reschedule(0)


ARRIVING: Final = web.RequestKey("arriving", Arriving)
"""The body of a request, from its first byte until the answer."""
