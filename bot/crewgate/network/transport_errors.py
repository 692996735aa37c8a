"""The failures of a call: httpx's errors by whether something was sent, with a sentence each.

HTTPError
 ├── ConnectError, ConnectTimeout, PoolTimeout, ProxyError, UnsupportedProtocol,
 │   LocalProtocolError      nothing was sent: UNSENT
 └── ReadTimeout, WriteTimeout, ReadError, RemoteProtocolError, ...
                             it may have been sent, in part or whole
"""

import socket
import ssl
from collections.abc import Iterator

import httpx

#: The errors that can only come before the first byte of a request.
UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def why_unsent(lost: httpx.HTTPError) -> str:
    """Return why nothing was sent: a sentence for one of UNSENT."""
    match lost:
        case httpx.ConnectError():
            return why_no_connection(lost)
        case httpx.ConnectTimeout():
            return "no connection in time"
        case httpx.PoolTimeout():
            return "too many calls at once"
        case httpx.ProxyError():
            return "the proxy refused the connection"
    return "the request could not be made"


def why_no_connection(error: Exception) -> str:
    """Return why there is no connection: a sentence for an error of any client."""
    reasons = (reason for cause in _causes(error) if (reason := _why_no_connection(cause)))
    return next(reasons, "no connection")


def _why_no_connection(cause: BaseException) -> str | None:
    match cause:
        case socket.gaierror():
            return "the host name is not known"
        case ssl.SSLCertVerificationError():
            detail = getattr(cause, "verify_message", "")  # set by a real handshake only
            return f"the certificate was not accepted: {detail}".removesuffix(": ")
        case ssl.SSLError():
            return "no secure connection"
        case ConnectionRefusedError():
            return "connection refused"
    return None


def why_lost(lost: httpx.HTTPError | TimeoutError) -> str:
    """Return why no answer came: a sentence for any other error."""
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
