"""What callers over HTTP are told: one shape for every error."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web


def refusal(
    status: int, kind: str, message: str, *, details: Sequence[str] = (), **headers: str
) -> web.Response:
    """An error as JSON: its kind for machines, a sentence for people."""
    body: dict[str, object] = {"error": kind, "message": message}
    if details:
        body["details"] = list(details)
    return web.json_response(
        body,
        status=status,
        headers={name.replace("_", "-"): text for name, text in headers.items()},
    )


def unknown_crew(name: str) -> web.Response:
    """404, and where crews are named."""
    return refusal(
        404, "unknown_crew", f"No crew is called {name!r}; the bot's settings name them."
    )


def unauthorised() -> web.Response:
    """401, without a hint at what was nearly right."""
    return refusal(
        401,
        "unauthorized",
        "The credentials are missing or not the ones this crew must present.",
        WWW_Authenticate="Bearer",
    )


def not_json(content_type: str) -> web.Response:
    """415, and what to send instead."""
    return refusal(
        415, "not_json", f"Send Content-Type: application/json, not {content_type or 'none'}."
    )


def too_large(limit: int) -> web.Response:
    """413, and how much is allowed."""
    return refusal(413, "too_large", f"The body is over {limit:,} bytes; send a shorter output.")


def malformed(message: str, details: Sequence[str] = ()) -> web.Response:
    """400, and everything that is wrong."""
    return refusal(400, "malformed", message, details=details)


def unavailable() -> web.Response:
    """503: nothing was stored, so the caller may try again."""
    return refusal(
        503,
        "store_unavailable",
        "The database cannot take it now and nothing was stored. Send it again later.",
        Retry_After="5",
    )
