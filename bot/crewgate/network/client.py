"""One HTTP request to somebody else, within limits of time and size.

Every request has a connection of its own. The other side may have closed an idle connection; then a
request that was never received would look like a lost answer.
"""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from crewgate import USER_AGENT
from crewgate.domain.outcome import NotSent, Unknown
from crewgate.logs import logged_call

_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_PLAIN: Final = frozenset({"", "identity"})


def unpack(content: bytes, encoding: str, limit: int) -> tuple[bytes, bool] | None:
    """Return at most `limit` unpacked bytes, and True if there are no more bytes.

    `encoding` is a `Content-Encoding`. None if the content cannot be unpacked.
    """
    if is_plain(encoding):
        return content[:limit], len(content) <= limit
    if encoding.strip().lower() not in _PACKED:
        return None
    unpacking = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
    try:
        plain = unpacking.decompress(content, limit)
    except zlib.error:
        return None
    return plain, unpacking.eof


def is_plain(encoding: str) -> bool:
    return encoding.strip().lower() in _PLAIN


#: The most bytes of an answer, as it comes and unpacked.
ANSWER_LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class Timeout:
    """The limits of one call, in seconds; httpx's default of 5 s is never used."""

    connect: float
    """The limit for the connection to one address, and again for its TLS."""
    read: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """The timeout of each kind of call; a host with several addresses may take as long for each.

    A call of the outbox must end before its job's lease, or a second try could overlap. The
    connection must be made before the total ends, or nobody could say that nothing was sent.
    """

    resume: Timeout = Timeout(connect=5, read=30, total=45)
    status: Timeout = Timeout(connect=2, read=2, total=2)
    inputs: Timeout = Timeout(connect=2, read=2, total=2)
    kickoff: Timeout = Timeout(connect=5, read=600, total=600)
    """A crew may be asleep, and take minutes to answer."""
    flow_answer: Timeout = Timeout(connect=5, read=30, total=30)
    forward: Timeout = Timeout(connect=5, read=15, total=15)
    public_url: Timeout = Timeout(connect=5, read=10, total=10)


TIMEOUTS: Final = Timeouts()
_WRITE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, perhaps with only the beginning of its body."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None
    content_type: str

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004


def open_client(*, trust_env: bool = True) -> httpx.AsyncClient:
    """Return a client for calls to many hosts.

    With `trust_env` it uses the proxy of the environment, but never for this machine. It keeps no
    cookies: one host's must not reach another. It does not limit connections, because hanging crews
    would take connections from other crews: callers limit connections for each crew.
    """
    return httpx.AsyncClient(
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        mounts={"all://127.0.0.1": None, "all://localhost": None},
        headers={"User-Agent": USER_AGENT},
        follow_redirects=False,
        trust_env=trust_env,
        verify=_authorities(),
    )


@cache
def _authorities() -> ssl.SSLContext:
    """Return the trusted certificates, read once for all clients: reading takes milliseconds."""
    return httpx.create_ssl_context()


async def send(
    http: httpx.AsyncClient,
    request: httpx.Request,
    timeout: Timeout,  # noqa: ASYNC109  # a httpx.Timeout also limits single steps
    *,
    answer_limit: int = ANSWER_LIMIT,
) -> Answer:
    """Send a request and read at most `answer_limit` bytes of its answer, within `timeout`.

    Raises httpx.HTTPError or TimeoutError if not even a status came.
    """
    deadline = asyncio.get_running_loop().time() + timeout.total
    request.extensions["timeout"] = httpx.Timeout(
        timeout.read, connect=timeout.connect, write=_WRITE_SECONDS
    ).as_dict()
    # The path of the address is not logged: a webhook's path may be a secret.
    with logged_call(host=request.url.host, method=request.method) as called:
        try:
            async with asyncio.timeout_at(deadline):
                response = await http.send(request, stream=True, follow_redirects=False)
        except AttributeError as error:
            # anyio asks for the peer of a socket that uvloop has closed. In the known cases nothing
            # was sent, but that is not certain, so this error counts as a lost connection.
            raise httpx.ReadError(str(error), request=request) from error
        called["status"] = response.status_code
        try:
            body = await _read(response, deadline, answer_limit)
        finally:
            await response.aclose()
    encoding = response.headers.get("Content-Encoding", "")
    # Some servers pack an answer although the request asks for a plain one. Of a cut-off body, the
    # beginning is kept; one that cannot be unpacked is dropped: no secret in it could be masked.
    unpacked = unpack(body, encoding, ANSWER_LIMIT)
    return Answer(
        response.status_code,
        unpacked[0] if unpacked else b"",
        response.headers.get("Retry-After"),
        response.headers.get("Content-Type", ""),
    )


async def attempt(
    http: httpx.AsyncClient,
    request: httpx.Request,
    timeout: Timeout,  # noqa: ASYNC109  # as in `send`
    *,
    answer_limit: int = ANSWER_LIMIT,
) -> Answer | NotSent | Unknown:
    """Send a request; return NotSent if it surely never left, Unknown if the answer was lost."""
    try:
        return await send(http, request, timeout, answer_limit=answer_limit)
    except UNSENT as lost:
        return NotSent(why_unsent(lost))
    except (httpx.HTTPError, TimeoutError) as lost:
        return Unknown(why_lost(lost))


async def _read(response: httpx.Response, deadline: float, limit: int) -> bytes:
    """Read up to `limit` bytes of the body; keep those that came if it breaks off or is late."""
    body = bytearray()
    if not limit:
        return b""
    # The status has come already, so a body that breaks off is no error.
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout_at(deadline):
            async for part in response.aiter_raw():
                body += part
                if len(body) >= limit:
                    break
    return bytes(body[:limit])


#: The errors that can only come before the first byte of a request was sent.
UNSENT = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError),
    *(httpx.UnsupportedProtocol, httpx.LocalProtocolError),
)
_WHY_UNSENT: Final[dict[type[httpx.HTTPError], str]] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "too many calls at once",
    httpx.ProxyError: "the proxy refused the connection",
}


def why_unsent(lost: httpx.HTTPError) -> str:
    """Return the reason for an UNSENT error, in words for people."""
    if isinstance(lost, httpx.ConnectError):
        return why_no_connection(lost)
    return _WHY_UNSENT.get(type(lost), "the request could not be made")


def why_no_connection(error: Exception) -> str:
    """Return the reason why there was no connection, in words for people."""
    reasons = (reason for cause in _causes(error) if (reason := _why_no_connection(cause)))
    return next(reasons, "no connection")


def _why_no_connection(cause: BaseException) -> str | None:
    match cause:
        case socket.gaierror():
            return "the host name is not known"
        case ssl.SSLCertVerificationError():
            detail = getattr(cause, "verify_message", "")  # only a real handshake sets this
            return f"the certificate was not accepted: {detail}".removesuffix(": ")
        case ssl.SSLError():
            return "no secure connection"
        case ConnectionRefusedError():
            return "connection refused"
    return None


def why_lost(lost: httpx.HTTPError | TimeoutError) -> str:
    """Return the reason why an answer was lost, in words for people."""
    if isinstance(lost, httpx.TimeoutException | TimeoutError):
        return "no answer in time"
    return "the connection was lost before an answer came"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes; a host with several addresses fails once for each."""
    pending: list[BaseException] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            pending.extend(current.exceptions)
        pending.extend(cause for cause in (current.__cause__, current.__context__) if cause)
