"""Reading what callers send, within limits."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final, TypeVar

from aiohttp import ClientPayloadError, web

from crewgate.domain.errors import Malformed
from crewgate.network.compression import unpack
from crewgate.network.refusals import RequestRefused, malformed, not_json, too_busy, too_large

T = TypeVar("T")

UNPROVEN: Final = web.RequestKey("unproven", AbstractContextManager[None])
"""Under this key a request has a context for as long as its body may be anybody's: its connection
makes room for others meanwhile."""

#: The largest body taken, in bytes, packed and unpacked.
LIMIT = 1024 * 1024
#: The same for a webhook that is forwarded.
FORWARD_LIMIT = 8 * LIMIT
#: How many parts JSON over LIMIT may have: each takes some hundred bytes of memory when it is read.
PARTS_LIMIT = 100_000
#: How many bytes of bodies may be held that may be anybody's, and how many of one in any case.
ROOM = 32 * LIMIT
SMALL = 64 * 1024
#: How long a caller has to send it, in seconds. CrewAI itself gives up after 30 s.
SECONDS = 25
#: How much of an unknown `Content-Encoding` is repeated, in characters.
_ENCODING_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Body:
    """A body unpacked, or the beginning of one that is too large."""

    content: bytes = field(repr=False)
    limit: int = LIMIT
    too_large: bool = False
    odd_encoding: str = ""
    """The `Content-Encoding` by which it could not be unpacked; then it is as it came."""

    @property
    def is_whole(self) -> bool:
        """True if nothing of it is missing, and it is not packed any more."""
        return not (self.too_large or self.odd_encoding)


class BodyRefused(RequestRefused):
    """A body that cannot be used; `reason` says why, for people who look at it later."""

    def __init__(self, reason: str, response: web.Response) -> None:
        super().__init__(response)
        self.reason = reason


class Room:
    """Memory for unauthenticated bodies while they arrive; they are verified once read.

    Hundreds of connections may send one at a time, and all of them at their limit would take the
    memory of the whole bot. A small body is always taken.
    """

    def __init__(self, *, size: int = ROOM, small: int = SMALL) -> None:
        self._left = size
        self._small = small

    @contextmanager
    def hold(self) -> Iterator[Callable[[int], None]]:
        """Yield a function to call with each part's length; it raises RequestRefused if full."""
        held = 0

        def take(length: int) -> None:
            nonlocal held
            if held + length > self._small and length > self._left:
                raise RequestRefused(too_busy())
            self._left -= length
            held += length

        try:
            yield take
        finally:
            self._left += held


async def read_body(
    request: web.Request, *, limit: int = LIMIT, seconds: float = SECONDS, room: Room | None = None
) -> Body:
    """Read a body, at most `limit` bytes.

    Raises BodyRefused when the caller went away or was too slow, RequestRefused when the room is
    full.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(seconds):
            unproven = request.get(UNPROVEN, nullcontext()) if room else nullcontext()
            with unproven, room.hold() if room else nullcontext(_nothing) as take:
                async for chunk in request.content.iter_any():
                    take(len(chunk))
                    content += chunk
                    if len(content) > limit:
                        return Body(bytes(content[:limit]), limit, too_large=True)
    except (TimeoutError, ClientPayloadError, web.RequestPayloadError, ConnectionError) as error:
        reason = "it did not arrive in full"
        raise BodyRefused(reason, malformed("The body did not arrive in full.")) from error
    return _unpacked(bytes(content), request.headers.get("Content-Encoding", ""), limit)


def _nothing(_length: int) -> None:
    """Count nothing: authenticated callers take no room."""


def content_of(body: Body) -> bytes:
    """Return the whole body, unpacked, within the limit of parts. Raises BodyRefused."""
    if body.too_large:
        raise BodyRefused(f"over {body.limit:,} bytes", too_large(body.limit))
    if body.odd_encoding:
        encoding = body.odd_encoding[:_ENCODING_LIMIT]
        reason = f"its Content-Encoding {encoding!r} cannot be unpacked"
        raise BodyRefused(reason, malformed("The body cannot be unpacked.", [reason]))
    if len(body.content) > LIMIT and sum(map(body.content.count, b"[{,")) > PARTS_LIMIT:
        reason = f"over {LIMIT:,} bytes and of more than {PARTS_LIMIT:,} parts"
        raise BodyRefused(reason, too_large(LIMIT))
    return body.content


def header_of(request: web.Request, name: str) -> str:
    """Return a header to pass on; empty if it has characters that no header may have."""
    text = request.headers.get(name, "")
    return text if is_header(text) else ""


def is_header(text: str) -> bool:
    """Return True if a text can be passed on as a header."""
    return text != "" and text.isascii() and text.isprintable()


def parse_body(request: web.Request, body: Body, parse: Callable[[bytes], T]) -> T:
    """Read a body that must be JSON. `parse` raises Malformed; this raises BodyRefused."""
    content = content_of(body)
    if not _is_json(request):
        content_type = request.headers.get("Content-Type", "")
        raise BodyRefused("not sent as JSON", not_json(content_type))
    try:
        return parse(content)
    except Malformed as error:
        reason = "; ".join((str(error), *error.details))
        raise BodyRefused(reason, malformed(str(error), error.details)) from error


def _unpacked(content: bytes, encoding: str, limit: int) -> Body:
    """Unpack a body here: the server would discard what it cannot unpack."""
    unpacked = unpack(content, encoding, limit + 1)
    if unpacked is None:
        return Body(content, limit, odd_encoding=encoding)
    plain, is_all = unpacked
    if len(plain) > limit:
        return Body(plain[:limit], limit, too_large=True)
    if not is_all:
        return Body(content, limit, odd_encoding=encoding)
    return Body(plain, limit)


def _is_json(request: web.Request) -> bool:
    return request.content_type == "application/json" or request.content_type.endswith("+json")
