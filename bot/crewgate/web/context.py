"""The context of the routes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from aiohttp import web

from crewgate.domain.execution import ExecutionUpdate
from crewgate.domain.notification import FlowRequest, Notification, WebhookUrls
from crewgate.domain.redaction import Redactor
from crewgate.network.refusals import RequestRefused
from crewgate.usecases.fetch import Fetches
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.base import Clock, Crews, NewId, OffLoop
from crewgate.usecases.ports.crew import KickoffRequest
from crewgate.usecases.ports.store import UnitOfWork
from crewgate.web.credentials import Credentials, EventKind
from crewgate.web.error_responses import unknown_crew
from crewgate.web.health import CheckHealth

log = structlog.get_logger(__name__)

#: How much is logged of a crew's name that is in no settings, in characters.
_NAME_LIMIT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """Everything the routes need; built once, by the app. The parsers raise Malformed."""

    credentials: Mapping[str, Credentials]
    """By crew."""
    uow: UnitOfWork
    crews: Crews
    clock: Clock
    machine: Clock
    """The machine's time, of which a step counts at once."""
    new_id: NewId
    off_loop: OffLoop
    kickoffs: Kickoffs
    fetches: Fetches
    check_health: CheckHealth
    redactors: Mapping[str, Redactor]
    """By crew: removes secrets from all that comes from it."""
    prove: Callable[[str], str]
    """Gives the answer to a nonce that only this bot can give."""
    status_token: str | None = field(repr=False)
    """Opens the details of the bot's health."""
    public_url: str | None
    parse_notification: Callable[[bytes], Notification]
    parse_flow_request: Callable[[bytes], FlowRequest]
    may_answer: Callable[[str, str], bool]
    """True if the settings let a crew's flow be answered at this address."""
    parse_update: Mapping[EventKind, Callable[[bytes], tuple[str, ExecutionUpdate]]]
    """The id of the execution that a task, step or crew webhook is about, and what it says."""
    parse_kickoff: Callable[[bytes], KickoffRequest]
    parse_registration: Callable[[bytes], WebhookUrls]
    parse_execution: Callable[[str], str]
    forwarding: frozenset[str] = frozenset()
    """Crews whose webhooks are forwarded to their callers."""

    def now_by_each(self) -> tuple[datetime, datetime]:
        """Return the present moment by each clock.

        After a step one of them is right; what is sent once must not be refused for the other.
        """
        return self.clock(), self.machine()

    def credentials_of(self, request: web.Request) -> Credentials:
        """Return those of the crew that a request's path names. Raises RequestRefused."""
        crew = request.match_info["crew"]
        if crew not in self.credentials:
            log.warning("unknown_crew", named=crew[:_NAME_LIMIT])
            raise RequestRefused(unknown_crew(crew))
        return self.credentials[crew]
