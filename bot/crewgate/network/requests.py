"""Read the requests of callers, within limits of size and time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final, TypeVar

from aiohttp import ClientPayloadError, web

from crewgate.domain.errors import Malformed
from crewgate.network.client import is_plain, unpack

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

UNPROVEN: Final = web.RequestKey("unproven", AbstractContextManager[None])
"""A context for reading a body that nobody has authenticated yet: inside it, the connection may be
closed to make room for others."""

#: The largest body taken, in bytes, both as it comes and unpacked.
LIMIT = 1024 * 1024
#: The largest body of a webhook that is forwarded.
FORWARD_LIMIT = 8 * LIMIT
#: The most lists, objects and commas in JSON over LIMIT: each takes some hundred bytes once read.
PARTS_LIMIT = 100_000
#: The bytes of all bodies together that are held before their senders are known; SMALL are the
#: bytes that each body may have even if this room is full.
ROOM = 32 * LIMIT
SMALL = 64 * 1024
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


@dataclass(eq=False, slots=True)
class _Holder:
    """An arriving body: its deadline, and the number of bytes so far."""

    deadline: asyncio.Timeout
    held: int = 0


class BodyBudget:
    """Memory for arriving bodies of unknown senders: only a whole body shows if its signature fits.

    Hundreds of connections may each send a body, and together take the memory of the whole bot. A
    small body is always accepted. If the room is full, a larger body ends the one that began first:
    a crew sends its body at once, an attacker slowly.
    """

    def __init__(self, *, size: int = ROOM, small: int = SMALL) -> None:
        self._left = size
        self._small = small
        self._holders: dict[_Holder, None] = {}
        """The bodies in the order of their arrival."""

    @contextmanager
    def hold(self, deadline: asyncio.Timeout) -> Iterator[Callable[[int], None]]:
        """Yield a function to call with each part's length.

        `hold` and the function raise RequestRefused if this body has to make room for another body.
        """
        holder = _Holder(deadline)
        self._holders[holder] = None

        def take(length: int) -> None:
            while holder.held + length > self._small and length > self._left and self._holders:
                self._end(next(iter(self._holders)))
            if holder not in self._holders:
                raise RequestRefused(too_busy())
            self._left -= length
            holder.held += length

        try:
            yield take
        except asyncio.CancelledError:
            if holder in self._holders:
                raise
            raise RequestRefused(too_busy()) from None
        finally:
            self._leave(holder)

    def _end(self, holder: _Holder) -> None:
        self._leave(holder)
        if not holder.deadline.expired():
            holder.deadline.reschedule(0)

    def _leave(self, holder: _Holder) -> None:
        if holder in self._holders:
            del self._holders[holder]
            self._left += holder.held


async def read_body(
    request: web.Request,
    *,
    limit: int = LIMIT,
    seconds: float = SECONDS,
    room: BodyBudget | None = None,
) -> Body:
    """Read a body, at most `limit` bytes.

    With `room` the caller is not authenticated, and a packed body is refused: few bytes could
    become megabytes.

    Raises BodyRefused if the caller went away or was too slow, RequestRefused if the room is full
    or an unauthenticated body is packed.
    """
    encoding = request.headers.get("Content-Encoding", "")
    if room and not is_plain(encoding):
        message = "Send the body as it is, without Content-Encoding."
        raise RequestRefused(refusal(415, "packed", message))
    content = bytearray()
    try:
        if room is None and request.content.is_eof():  # most bodies came with their headers
            content += request.content.read_nowait()
        else:
            async with asyncio.timeout(seconds) as deadline:
                unproven = request.get(UNPROVEN, nullcontext()) if room else nullcontext()
                with unproven, room.hold(deadline) if room else nullcontext(_nothing) as take:
                    async for chunk in request.content.iter_any():
                        take(len(chunk))
                        content += chunk
                        if len(content) > limit:
                            break
    except (TimeoutError, ClientPayloadError, web.RequestPayloadError, ConnectionError) as error:
        reason = "it did not arrive in full"
        raise BodyRefused(reason, malformed("The body did not arrive in full.")) from error
    if len(content) > limit:
        return Body(bytes(content[:limit]), limit, too_large=True)
    return _unpacked(bytes(content), encoding, limit)


def _nothing(_length: int) -> None:
    """Do nothing: authenticated callers need no room."""


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
