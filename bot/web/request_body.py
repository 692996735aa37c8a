"""Reading what callers send, within limits."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import ClientPayloadError, web

from bot.domain.errors import Malformed
from bot.web.error_responses import RequestRefused, malformed, not_json, too_large

T = TypeVar("T")

#: The largest body taken, in bytes.
LIMIT = 1024 * 1024
#: How long a caller has to send it, in seconds. CrewAI itself gives up after 30 s.
SECONDS = 25
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
#: How much of an unknown `Content-Encoding` is repeated, in characters.
_ENCODING_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Body:
    """A body, or the first LIMIT bytes of one that is too large."""

    content: bytes = field(repr=False)
    too_large: bool = False
    odd_encoding: str = ""
    """The `Content-Encoding` by which it could not be unpacked; then it is as it came."""


class BodyRefused(RequestRefused):
    """A body that cannot be used; `reason` says why, for people who look at it later."""

    def __init__(self, reason: str, response: web.Response) -> None:
        super().__init__(response)
        self.reason = reason


async def read_body(request: web.Request, *, seconds: float = SECONDS) -> Body:
    """Read up to LIMIT bytes.

    Raises RequestRefused when the caller went away or was too slow.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                content += chunk
                if len(content) > LIMIT:
                    return Body(bytes(content[:LIMIT]), too_large=True)
    except (TimeoutError, ClientPayloadError, web.RequestPayloadError, ConnectionError) as error:
        raise RequestRefused(malformed("The body did not arrive in full.")) from error
    return _unpacked(bytes(content), request.headers.get("Content-Encoding", "").strip().lower())


def content_of(body: Body) -> bytes:
    """The whole body, unpacked. Raises BodyRefused."""
    if body.too_large:
        raise BodyRefused(f"over {LIMIT:,} bytes", too_large(LIMIT))
    if body.odd_encoding:
        encoding = body.odd_encoding[:_ENCODING_LIMIT]
        reason = f"its Content-Encoding {encoding!r} cannot be unpacked"
        raise BodyRefused(reason, malformed("The body cannot be unpacked.", [reason]))
    return body.content


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


def _unpacked(content: bytes, encoding: str) -> Body:
    """Unpacked here and not by the server: it would throw away what it cannot unpack."""
    if encoding in ("", "identity"):
        return Body(content)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return Body(content, odd_encoding=encoding)
    unpacking = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
    try:
        plain = unpacking.decompress(content, LIMIT + 1)
    except zlib.error:
        return Body(content, odd_encoding=encoding)
    if len(plain) > LIMIT:
        return Body(plain[:LIMIT], too_large=True)
    return Body(plain) if unpacking.eof else Body(content, odd_encoding=encoding)


def _is_json(request: web.Request) -> bool:
    """Whether the caller says that the body is JSON."""
    return request.content_type == "application/json" or request.content_type.endswith("+json")
