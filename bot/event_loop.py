"""The process's event loop: libuv's, in which a host name that hangs holds up nobody else's."""

from __future__ import annotations

import socket

import uvloop

from bot.crewai.lookups import AddressInfo, Lookups


class EventLoop(uvloop.Loop):
    """The loop of the process: whatever names are looked up in it, are by `Lookups`.

    httpx and aiohttp look names up here before they connect; only the name of a database's host is
    looked up by libuv itself, as asyncpg connects by name.
    """

    def __init__(self, lookups: Lookups | None = None) -> None:
        super().__init__()
        self._lookups = lookups or Lookups()

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  # as in `asyncio`
        proto: int = 0,
        flags: int = 0,
    ) -> list[AddressInfo]:
        """See `asyncio`. A name that hangs is a name that is not known for now."""
        try:
            return await self._lookups.find((host, port, family, type, proto, flags))
        except TimeoutError as error:
            raise socket.gaierror(socket.EAI_AGAIN, str(error)) from error
