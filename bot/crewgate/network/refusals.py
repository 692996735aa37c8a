"""Refusals of requests: one shape for every error."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RequestRefused(Exception):
    """A request is not carried out and is answered with `response`."""

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
    """Return 415, and what to send instead."""
    return refusal(
        415, "not_json", f"Send Content-Type: application/json, not {content_type or 'none'}."
    )


def packed() -> web.Response:
    """Return 415: only a caller that is known already may send a packed body."""
    return refusal(415, "packed", "Send the body as it is, without Content-Encoding.")


def too_large(limit: int) -> web.Response:
    """Return 413, and how much is allowed."""
    return refusal(413, "too_large", f"The body is over {limit:,} bytes; send a shorter output.")


def too_busy() -> web.Response:
    """Return 503: there is no room for a large body now."""
    return refusal(
        503,
        "too_busy",
        "Too many large bodies are arriving; this one was dropped.",
        Retry_After="5",
    )


def malformed(message: str, details: Sequence[str] = ()) -> web.Response:
    """Return 400, and everything that is wrong."""
    return refusal(400, "malformed", message, details=details)
