"""Reading what callers send, within limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import ClientPayloadError, web

#: The largest body taken, in bytes.
LIMIT = 1024 * 1024
#: How long a caller has to send it, in seconds. CrewAI itself gives up after 30 s.
SECONDS = 25


@dataclass(frozen=True, slots=True)
class Body:
    """A body, or the first LIMIT bytes of one that is too large."""

    content: bytes
    too_large: bool


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
    return Body(bytes(content), too_large=False)


def is_json(request: web.Request) -> bool:
    """Whether the caller says that the body is JSON."""
    return request.content_type == "application/json" or request.content_type.endswith("+json")
