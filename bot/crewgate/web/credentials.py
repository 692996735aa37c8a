"""The checks of callers' credentials, each in constant time."""

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
    """The credentials for one crew: of the crew itself, and of those who start it."""

    crew: str
    webhook_secret: str = field(repr=False)
    """The crew's own proof to us."""
    token: str | None = field(repr=False)
    """The crew expects it of its own callers, and so do we of those who go through us.

    None: it takes no calls.
    """
    flow_secret: str | None = field(default=None, repr=False)
    """Signs the requests of its flows; None: it takes none."""
    webhook_secret_previous: str | None = field(default=None, repr=False)
    """The one before, which counts too while it is being replaced."""
    flow_secret_previous: str | None = field(default=None, repr=False)

    def accept_crew(self, authorization: str | None) -> bool:
        """Return True if an `Authorization` header is the crew's.

        Bearer with the webhook secret, or Basic with the crew's name and the webhook secret.
        """
        return any(
            is_bearer(authorization, secret) or self._is_basic(authorization, secret)
            for secret in self.webhook_secrets
        )

    def accept_caller(self, authorization: str | None) -> bool:
        """Return True if an `Authorization` header is Bearer with the crew's own token."""
        return self.token is not None and is_bearer(authorization, self.token)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Those that count, the newest first."""
        return tuple(filter(None, (self.webhook_secret, self.webhook_secret_previous)))

    @property
    def flow_secrets(self) -> tuple[str, ...]:
        """Those that count, the newest first."""
        return tuple(filter(None, (self.flow_secret, self.flow_secret_previous)))

    def event_key(self, kind: EventKind) -> str:
        """Return the unguessable last part of an event URL, derived from the webhook secret.

        A key for each crew and kind: crews may share a secret, and whoever sees a step URL cannot
        announce the end of an execution.
        """
        return self.event_keys(kind)[0]

    def event_keys(self, kind: EventKind) -> tuple[str, ...]:
        """Return those that count, of the newest secret first."""
        purpose = f"crewgate event {kind} of {self.crew}".encode()
        return tuple(
            hmac.new(secret.encode(), purpose, hashlib.sha256).hexdigest()
            for secret in self.webhook_secrets
        )

    def accept_event(self, kind: EventKind, key: str) -> bool:
        """Return True if an event URL ends with the right key."""
        return any(_is_same(key, known) for known in self.event_keys(kind))

    def _is_basic(self, authorization: str | None, secret: str) -> bool:
        try:
            given = aiohttp.BasicAuth.decode(authorization or "", encoding=_ENCODING)
        except ValueError:
            return False
        right_user = _is_same(given.login, self.crew)
        return _is_same(given.password, secret) and right_user


def is_bearer(authorization: str | None, token: str) -> bool:
    """Return True if an `Authorization` header is Bearer with this token."""
    scheme, _, given = (authorization or "").partition(" ")
    return _is_same(given.strip(), token) and scheme.lower() == "bearer"


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(
        given.encode(errors="surrogateescape"), wanted.encode(errors="surrogateescape")
    )
