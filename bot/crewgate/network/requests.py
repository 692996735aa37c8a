"""Read the requests of callers, within limits of size and time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from aiohttp import ClientPayloadError, web

from crewgate.domain.errors import Malformed
from crewgate.network.bodies import ARRIVING, NoRoom
from crewgate.network.client import is_plain, unpack

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RequestRefused(Exception):
    """A request that is not carried out, but answered with `response`."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def refusal(
    status: int, kind: str, message: str, *, details: Sequence[str] = (), **headers: str
) -> web.Response:
    """Return an error as JSON: its kind for machines, a sentence for people."""
    body: dict[str, object] = {"error": kind, "message": message}
    if details:
        body["details"] = list(details)
    return web.json_response(
        body,
        status=status,
        headers={name.replace("_", "-"): text for name, text in headers.items()},
    )


def not_json(content_type: str) -> web.Response:
    return refusal(
        415, "not_json", f"Send Content-Type: application/json, not {content_type or 'none'}."
    )


def too_large(limit: int) -> web.Response:
    return refusal(413, "too_large", f"The body is over {limit:,} bytes; send a shorter output.")


def unavailable(kind: str, message: str, *, again_in: str = "5") -> web.Response:
    """Return a 503 that asks the caller to come again in `again_in` seconds."""
    return refusal(503, kind, message, Retry_After=again_in)


def too_busy() -> web.Response:
    return unavailable("too_busy", "Too many large bodies are arriving; this one was dropped.")


def malformed(message: str, details: Sequence[str] = ()) -> web.Response:
    return refusal(400, "malformed", message, details=details)


T = TypeVar("T")

#: The largest body taken, in bytes, both as it comes and unpacked.
LIMIT = 1024 * 1024
#: The largest body of a webhook that is forwarded.
FORWARD_LIMIT = 8 * LIMIT
#: The most lists, objects and commas in JSON over LIMIT: each takes some hundred bytes once read.
PARTS_LIMIT = 100_000
#: The time that a caller has to send a body, in seconds. CrewAI itself gives up after 30 s.
SECONDS = 25
#: The characters of an unknown `Content-Encoding` that an error repeats.
_ENCODING_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Body:
    """An unpacked body, or the beginning of one that is too large."""

    content: bytes = field(repr=False)
    limit: int = LIMIT
    too_large: bool = False
    odd_encoding: str = ""
    """The `Content-Encoding` that cannot be unpacked; `content` is then packed."""

    @property
    def is_whole(self) -> bool:
        """True if the body is complete and unpacked."""
        return not (self.too_large or self.odd_encoding)


class BodyRefused(RequestRefused):
    """A body that cannot be used; `reason` is for people who inspect it later."""

    def __init__(self, reason: str, response: web.Response) -> None:
        super().__init__(response)
        self.reason = reason


async def read_body(
    request: web.Request, *, of: str | None, limit: int = LIMIT, seconds: float = SECONDS
) -> Body:
    """Read a body, at most `limit` bytes.

    `of` is the crew whose credentials came. None: the sender is not known yet. Then the body counts
    for the request's path, and a packed one is refused: few bytes could become megabytes.

    Raises BodyRefused if the caller went away or was too slow, or the sender's room is full, and
    RequestRefused for a packed body of an unknown sender.
    """
    encoding = request.headers.get("Content-Encoding", "")
    if of is None and not is_plain(encoding):
        message = "Send the body as it is, without Content-Encoding."
        raise RequestRefused(refusal(415, "packed", message))
    content = bytearray()
    body = request[ARRIVING]
    body.of = request.path if of is None else of
    try:
        if request.content.is_eof():  # most bodies came with their headers
            content += request.content.read_nowait()
            body.take(len(content))
        elif not request.protocol.connected:  # closed before its turn: reading raises RuntimeError
            raise ConnectionResetError
        else:
            async with asyncio.timeout(seconds) as deadline:
                with body.reading(deadline):
                    async for chunk in request.content.iter_any():
                        body.take(len(chunk))
                        content += chunk
                        if len(content) > limit:
                            break
        if len(content) > limit:
            return Body(bytes(content[:limit]), limit, too_large=True)
        unpacked = _unpacked(bytes(content), encoding, limit)
        body.take(max(0, len(unpacked.content) - len(content)))
    except NoRoom as error:
        log.warning("too_busy", of=body.of)
        raise BodyRefused("too many large bodies were arriving", too_busy()) from error
    except (TimeoutError, ClientPayloadError, web.RequestPayloadError, ConnectionError) as error:
        reason = "it did not arrive in full"
        raise BodyRefused(reason, malformed("The body did not arrive in full.")) from error
    return unpacked


def content_of(body: Body) -> bytes:
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
    """Return a header to pass on; empty if it has invalid characters."""
    text = request.headers.get(name, "")
    return text if is_header(text) else ""


def is_header(text: str) -> bool:
    return text != "" and text.isascii() and text.isprintable()


def parse_body(request: web.Request, body: Body, parse: Callable[[bytes], T]) -> T:
    """Parse a JSON body. `parse` raises Malformed; this raises BodyRefused."""
    content = content_of(body)
    if not (request.content_type == "application/json" or request.content_type.endswith("+json")):
        content_type = request.headers.get("Content-Type", "")
        raise BodyRefused("not sent as JSON", not_json(content_type))
    try:
        return parse(content)
    except Malformed as error:
        reason = "; ".join((str(error), *error.details))
        raise BodyRefused(reason, malformed(str(error), error.details)) from error


def _unpacked(content: bytes, encoding: str, limit: int) -> Body:
    """Unpack a body; aiohttp could, too, but would drop a body that cannot be unpacked."""
    unpacked = unpack(content, encoding, limit + 1)
    if unpacked is None:
        return Body(content, limit, odd_encoding=encoding)
    plain, is_all = unpacked
    if len(plain) > limit:
        return Body(plain[:limit], limit, too_large=True)
    if not is_all:
        return Body(content, limit, odd_encoding=encoding)
    return Body(plain, limit)
