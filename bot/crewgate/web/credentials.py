"""The checks of callers' credentials and signatures, each in constant time."""

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import aiohttp


class EventKind(StrEnum):
    """CrewAI's plain webhooks, which carry no credentials."""

    TASK = "task"
    STEP = "step"
    CREW = "crew"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials for one crew: the crew's own, and its callers'."""

    crew: str
    webhook_secrets: tuple[str, ...] = field(repr=False)
    """The secrets that the crew may present, the newest first; several during a rotation."""
    token: str | None = field(repr=False)
    """The crew's own token, which callers present to this bot too; None refuses callers."""
    flow_secrets: tuple[str, ...] = field(default=(), repr=False)
    """The secrets that may sign the requests of the crew's flows; without any, none is accepted."""

    def accept_crew(self, authorization: str | None) -> bool:
        """Return True if an `Authorization` header is the crew's.

        Valid are Bearer with a webhook secret, and Basic with the crew's name and such a secret.
        """
        return any(
            is_bearer(authorization, secret) or self._is_basic(authorization, secret)
            for secret in self.webhook_secrets
        )

    def accept_caller(self, authorization: str | None) -> bool:
        return self.token is not None and is_bearer(authorization, self.token)

    def event_keys(self, kind: EventKind) -> tuple[str, ...]:
        """Return the accepted keys, that of the newest secret first.

        A key is the unguessable last part of an event URL. Each crew and kind has a key: crews may
        share a secret, and a reader of a step URL must not be able to announce the end of an
        execution.
        """
        purpose = f"crewgate event {kind} of {self.crew}".encode()
        return tuple(
            hmac.new(secret.encode(), purpose, hashlib.sha256).hexdigest()
            for secret in self.webhook_secrets
        )

    def accept_event(self, kind: EventKind, key: str) -> bool:
        return any(_is_same(key, known) for known in self.event_keys(kind))

    def _is_basic(self, authorization: str | None, secret: str) -> bool:
        try:
            # UTF-8, because a caller's password may be any text.
            given = aiohttp.BasicAuth.decode(authorization or "", encoding="utf-8")
        except ValueError:
            return False
        right_user = _is_same(given.login, self.crew)
        return _is_same(given.password, secret) and right_user


def is_bearer(authorization: str | None, token: str) -> bool:
    scheme, _, given = (authorization or "").partition(" ")
    return _is_same(given.strip(), token) and scheme.lower() == "bearer"


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(
        given.encode(errors="surrogateescape"), wanted.encode(errors="surrogateescape")
    )


#: The pattern of a nonce. It bounds the length, because anybody may send a nonce to `prove`.
NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


def prove(secret: str, nonce: str) -> str:
    """Return a proof for this nonce that its maker has the secret, without revealing the secret.

    Callers can try guesses offline, so the secret must be random, as Slack's tokens are.
    """
    asked = f"crewgate answers {nonce}"
    return hmac.new(secret.encode(), asked.encode(), hashlib.sha256).hexdigest()


#: The headers of signature and timestamp: as AMP sends them, and as its documentation names them.
HEADERS: Final = (("X-CrewAI-Signature", "X-CrewAI-Timestamp"), ("X-Signature", "X-Timestamp"))
#: The largest difference between clocks, and so the time in which a captured request can be
#: repeated.
TOLERANCE: Final = timedelta(minutes=5)
#: Seconds since 1970; `int` alone would also take signs, spaces and other digits.
TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class TakenRequests:
    """The signatures of accepted requests while they are valid, so that each is accepted once."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, datetime] = OrderedDict()

    def add(self, signature: str, *, now: Sequence[datetime]) -> bool:
        while self._until and next(iter(self._until.values())) < min(now):
            self._until.popitem(last=False)
        if signature in self._until:
            return False
        # The signing clock may be TOLERANCE ahead: then the timestamp is valid for twice as long.
        self._until[signature] = max(now) + 2 * TOLERANCE
        return True

    def forget(self, signature: str) -> None:
        """Forget a signature whose request could not be stored: it may be sent again."""
        self._until.pop(signature, None)


def fresh_signatures(
    headers: Mapping[str, str], *, now: Sequence[datetime]
) -> Mapping[str, list[str]]:
    """Return the signatures by timestamp, if the timestamp is near one of these moments."""
    fresh: dict[str, list[str]] = {}
    for signature, timestamp in HEADERS:
        at = headers.get(timestamp, "")
        if _is_fresh(at, now):
            fresh.setdefault(at, []).append(headers.get(signature, ""))
    return fresh


def signature_of(
    signed: Mapping[str, Sequence[str]], body: bytes, *, secrets: Iterable[str]
) -> str | None:
    """Return the valid signature for this body, or None.

    Comparing takes constant time; the body is hashed once per timestamp and secret.
    """
    for timestamp, signatures in signed.items():
        for secret in set(secrets):
            wanted = sign(body, secret=secret, timestamp=timestamp)
            for signature in signatures:
                given = signature.encode(errors="surrogateescape")
                if hmac.compare_digest(given, wanted.encode()):
                    return wanted
    return None


def sign(body: bytes, *, secret: str, timestamp: str) -> str:
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _is_fresh(timestamp: str, now: Sequence[datetime]) -> bool:
    if not TIMESTAMP.fullmatch(timestamp):
        return False
    off = min(abs(one.timestamp() - int(timestamp)) for one in now)
    return off <= TOLERANCE.total_seconds()
