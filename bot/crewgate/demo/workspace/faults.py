"""Injected faults: what a method does instead of its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail."""

    kind: Literal[
        "error", "echo", "rate_limited", "http_status", "body", "slow", "hang", "before", "after"
    ]
    code: str = ""
    status: int = 0
    seconds: float = 0
    body: object = None


def error(code: str) -> Fault:
    """Do nothing and answer `{"ok": false, "error": code}`."""
    return Fault("error", code=code)


def echo(code: str) -> Fault:
    """Do nothing and answer like `error`, quoting the arguments in `response_metadata`."""
    return Fault("echo", code=code)


def rate_limited(retry_after: int = 1) -> Fault:
    """Do nothing and answer 429 with `Retry-After`, in seconds."""
    return Fault("rate_limited", seconds=retry_after)


def http_status(status: int) -> Fault:
    """Do nothing and answer this status with a body that is not JSON."""
    return Fault("http_status", status=status)


def malformed(body: object) -> Fault:
    """Do nothing and answer 200 with this as JSON, whatever its shape."""
    return Fault("body", body=body)


def slow(seconds: float) -> Fault:
    """Wait, unless `release()` comes sooner, then do the work."""
    return Fault("slow", seconds=seconds)


HANG: Final = Fault("hang")
"""Keep the connection open until `release()`, then do the work."""
DROP_BEFORE: Final = Fault("before")
"""Close the connection without doing the work."""
DROP_AFTER: Final = Fault("after")
"""Do the work, then close the connection without an answer."""
