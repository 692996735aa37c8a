"""The things that the host's parts share: the database, clock, ids and chance."""

import hashlib
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from crewgate.crew_api.wire import FlowWebhook
from crewgate.host.outbox import Outbox
from crewgate.host.store import Store
from crewgate.host.threads import Slots, Waiters


def random_id() -> str:
    """An id of an execution or a question, as CrewAI's own are."""
    return str(uuid.uuid4())


def utc_seconds() -> float:
    return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The one instance of each that the whole host shares."""

    store: Store
    outbox: Outbox
    slots: Slots
    waiters: Waiters
    wake: Callable[[], None]
    """Wakes the sender, from any thread."""
    url: str
    """The host's own address, for the callbacks of flows."""
    flow_webhook: FlowWebhook | None
    again_after: float
    """Seconds until an execution goes on whose work could not be written to disk."""
    new_id: Callable[[], str]
    redact: Callable[[str], str]
    """Takes secrets out of an error's words."""
    now: Callable[[], float] = utc_seconds
    new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the hash that is stored in place of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
