"""Looking host names up: in threads of their own, with a deadline.

`getaddrinfo` blocks, and nothing can end it before the system's resolver gives up. asyncio runs it
in a pool of a few threads that all share, so that a few names that hang hold up everybody's. Here
each name that is being looked up has one thread, whoever asks for it, and asking for one that has
hung for longer than the deadline fails at once.
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

#: In seconds: time for a second name server where the first one is down (`man resolv.conf`: 5 s).
DEADLINE: Final = 10.0
#: How many names one owner may have looked up at a time, those that hang included.
FOR_EACH: Final = 8

AddressInfo = Any
"""A tuple of five, see `socket.getaddrinfo`."""
GetAddrInfo = Callable[..., list[AddressInfo]]
_Query = tuple[Any, ...]


class TooManyLookups(OSError):
    """All lookups that an owner may have at a time are hanging."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    answer: asyncio.Future[list[AddressInfo]]
    until: float
    """When it counts as hanging, on the loop's clock."""


class Lookups:
    """The lookups under way in one event loop."""

    def __init__(
        self,
        getaddrinfo: GetAddrInfo = socket.getaddrinfo,
        *,
        deadline: float = DEADLINE,
        for_each: int = FOR_EACH,
    ) -> None:
        self._getaddrinfo = getaddrinfo
        self._deadline = deadline
        self._for_each = for_each
        self._pending: dict[_Query, _Lookup] = {}
        self._held: Counter[str] = Counter()

    async def addresses(self, host: str, *, owner: str) -> list[str]:
        """Return the addresses of a host; `owner` chose its name, and has limited lookups.

        Raises TooManyLookups, TimeoutError or OSError; ValueError where it is no name at all.
        """
        query = (host, None, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, 0)
        if query not in self._pending and self._held[owner] >= self._for_each:
            raise TooManyLookups("too many host names are being looked up")
        found = await self.find(query, owner=owner)
        return list(dict.fromkeys(str(address[4][0]) for address in found))

    async def find(self, query: _Query, *, owner: str = "") -> list[AddressInfo]:
        """Return `getaddrinfo`'s answer to these arguments. Raises as `addresses` does."""
        lookup = self._pending.get(query) or self._start(query, owner)
        try:
            async with asyncio.timeout_at(lookup.until):
                return await asyncio.shield(lookup.answer)
        except TimeoutError as error:
            raise TimeoutError("the host name was not found in time") from error

    def _start(self, query: _Query, owner: str) -> _Lookup:
        loop = asyncio.get_running_loop()
        lookup = _Lookup(loop.create_future(), loop.time() + self._deadline)
        # Not of a pool: those are waited for when the process ends.
        thread = threading.Thread(
            target=self._run, args=(loop, lookup, query, owner), name="lookup", daemon=True
        )
        thread.start()
        self._pending[query] = lookup
        self._held[owner] += 1
        return lookup

    def _run(
        self, loop: asyncio.AbstractEventLoop, lookup: _Lookup, query: _Query, owner: str
    ) -> None:
        """Look up, in a thread of its own."""
        answer: list[AddressInfo] | OSError | ValueError = OSError("the lookup failed")
        try:
            answer = self._getaddrinfo(*query)
        except (OSError, ValueError) as error:
            answer = error
        finally:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._end, lookup, query, owner, answer)

    def _end(
        self,
        lookup: _Lookup,
        query: _Query,
        owner: str,
        answer: list[AddressInfo] | OSError | ValueError,
    ) -> None:
        del self._pending[query]
        self._held[owner] -= 1
        if isinstance(answer, list):
            lookup.answer.set_result(answer)
        else:
            lookup.answer.set_exception(answer)
            lookup.answer.exception()  # seen, should nobody wait for it any more
