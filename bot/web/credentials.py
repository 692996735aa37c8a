"""Who may call: each check in constant time."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum

import aiohttp

#: A caller's password may be anything; ours are compared as bytes.
_ENCODING = "utf-8"


class EventKind(StrEnum):
    """CrewAI's plain webhooks, which carry no credentials."""

    TASK = "task"
    STEP = "step"
    CREW = "crew"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one crew must present to us."""

    crew: str
    webhook_secret: str = field(repr=False)

    def accept(self, authorization: str | None) -> bool:
        """Whether an `Authorization` header is right.

        Bearer with the webhook secret, or Basic with the crew's name and the webhook secret.
        """
        scheme, _, value = (authorization or "").partition(" ")
        match scheme.lower():
            case "bearer":
                return _same(value.strip(), self.webhook_secret)
            case "basic":
                try:
                    given = aiohttp.BasicAuth.decode(authorization or "", encoding=_ENCODING)
                except ValueError:
                    return False
                right_user = _same(given.login, self.crew)
                return _same(given.password, self.webhook_secret) and right_user
            case _:
                return False

    def event_key(self, kind: EventKind) -> str:
        """The unguessable last part of an event URL, derived from the webhook secret.

        One key a kind: whoever sees a step URL cannot announce the end of an execution.
        """
        return hmac.new(
            self.webhook_secret.encode(), f"crewgate event {kind}".encode(), hashlib.sha256
        ).hexdigest()

    def accept_event(self, kind: EventKind, key: str) -> bool:
        """Whether an event URL ends with the right key."""
        return _same(key, self.event_key(kind))


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(
        given.encode(errors="surrogateescape"), wanted.encode(errors="surrogateescape")
    )
