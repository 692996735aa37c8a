"""Fetching a decision, for crews that cannot be called."""

import math
from typing import Final

from aiohttp import web

from crewgate.network.requests import RequestRefused, malformed, refusal
from crewgate.web.context import WebContext
from crewgate.web.webhooks import authenticate

#: The longest wait for a decision, in seconds: many proxies end a request after half a minute.
LONGEST: Final = 25
#: The most digits of a round's number that are read.
_DIGITS: Final = 9


async def on_decision(request: web.Request, *, context: WebContext) -> web.Response:
    """Answer with people's decision, or after `wait` seconds that it still waits."""
    crew = authenticate(request, context)
    seconds = _seconds(request.query.get("wait", "0"))
    found = request.match_info
    body = await context.fetches.fetch(
        context.crews[crew],
        found["execution_id"],
        found["task_id"],
        seconds=seconds,
        is_there=lambda: request.transport is not None,
        number=_number(request.query.get("round")),
    )
    if body is None:
        return refusal(404, "unknown_decision", "Nobody was asked this, or not to fetch it here.")
    return web.Response(body=body, content_type="application/json")


def _number(text: str | None) -> int | None:
    """Read the number of a round. Raises RequestRefused."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise RequestRefused(malformed("round: put the number that the notification was answered"))
    return int(text)


def _seconds(text: str) -> float:
    """Read the seconds to wait, and return LONGEST at most. Raises RequestRefused."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise RequestRefused(malformed("wait: put a number of seconds"))
    return min(seconds, LONGEST)
