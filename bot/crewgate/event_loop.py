"""The process's event loop: libuv's, in which a host name that hangs holds up nobody else's."""

import socket
from contextlib import suppress

import uvloop
from typing_extensions import override

from crewgate.network.lookups import AddressInfo, Lookups


class EventLoop(uvloop.Loop):
    """The loop of the process: names are looked up by `Lookups`, and one that hangs is not known.

    httpx and aiohttp look names up here before they connect, and uvloop itself what aiohttp then
    connects to, which is an address; only the name of a database's host is looked up by libuv, as
    asyncpg connects by name.
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
        type: int = 0,  # as in `asyncio`
        proto: int = 0,
        flags: int = 0,
    ) -> list[AddressInfo]:
        with suppress(socket.gaierror):  # an address is no name: nobody has to be asked
            numeric = flags | socket.AI_NUMERICHOST
            return socket.getaddrinfo(host, port, family, type, proto, numeric)
        try:
            return await self._lookups.find((host, port, family, type, proto, flags))
        except TimeoutError as error:
            raise socket.gaierror(socket.EAI_AGAIN, str(error)) from error
