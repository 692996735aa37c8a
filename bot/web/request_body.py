"""Reading what callers send, within limits."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass

from aiohttp import ClientPayloadError, web

#: The largest body taken, in bytes.
LIMIT = 1024 * 1024
#: How long a caller has to send it, in seconds. CrewAI itself gives up after 30 s.
SECONDS = 25
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


@dataclass(frozen=True, slots=True)
class Body:
    """A body, or the first LIMIT bytes of one that is too large."""

    content: bytes
    too_large: bool = False
    odd_encoding: str = ""
    """The `Content-Encoding` by which it could not be unpacked; then it is as it came."""


class BodyNotReceived(Exception):
    """The caller went away or was too slow before the body was complete."""


async def read_body(request: web.Request) -> Body:
    """Read up to LIMIT bytes.

    Raises BodyNotReceived.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.content.iter_any():
                content += chunk
                if len(content) > LIMIT:
                    return Body(bytes(content[:LIMIT]), too_large=True)
    except (TimeoutError, ClientPayloadError, ConnectionError) as error:
        raise BodyNotReceived from error
    return _unpacked(bytes(content), request.headers.get("Content-Encoding", "").strip().lower())


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


def is_json(request: web.Request) -> bool:
    """Whether the caller says that the body is JSON."""
    return request.content_type == "application/json" or request.content_type.endswith("+json")
