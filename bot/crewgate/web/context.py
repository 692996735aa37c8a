"""The dependencies of the routes, and their answers to errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from aiohttp import web
from structlog.contextvars import clear_contextvars

from crewgate.domain import errors
from crewgate.domain.execution import ExecutionUpdate
from crewgate.domain.notification import FlowRequest, Notification, WebhookUrls
from crewgate.domain.redaction import Redactor
from crewgate.network.requests import Handler, RequestRefused, malformed, refusal, unavailable
from crewgate.usecases.fetch import Fetches
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.base import Clock, OffLoop
from crewgate.usecases.ports.crew import KickoffRequest
from crewgate.usecases.receive import ReceiveContext
from crewgate.web.credentials import Credentials, EventKind
from crewgate.web.health import CheckHealth

log = structlog.get_logger(__name__)


def unknown_crew(name: str) -> web.Response:
    message = f"No crew is called {name!r}; the bot's settings name them."
    return refusal(404, "unknown_crew", message)


def unauthorised() -> web.Response:
    """Return a 401 that does not tell how the credentials are wrong."""
    message = "The credentials are missing or not the ones this crew must present."
    return refusal(401, "unauthorized", message, WWW_Authenticate="Bearer")


def response_to(error: errors.CrewgateError) -> web.Response | None:  # noqa: PLR0911  # one row a case
    """Return the answer to a CrewgateError; None if no caller can cause the error."""
    match error:
        case errors.Malformed(details=details):
            return malformed(str(error), details)
        case errors.UnknownCrew(crew=crew):
            return unknown_crew(crew)
        case errors.NoPublicUrl():
            message = "set PUBLIC_URL to the address at which crews reach this bot."
            return refusal(503, "no_public_url", f"Nothing was started: {message}")
        case errors.TooManyKickoffs():
            message = "Nothing was started: too many kickoffs of this crew are under way."
            return unavailable("too_many_kickoffs", message, again_in="30")
        case errors.TooManyWait():
            message = "Too many wait for decisions now: ask again later."
            return unavailable("too_many_wait", message)
        case errors.StoreUnavailable() | errors.RowUnreadable():
            message = (
                "The database takes nothing now. Nothing was stored; CrewAI does not repeat it."
            )
            return unavailable("store_unavailable", message)
    return None


@web.middleware
async def explain_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer each foreseen failure as JSON; aiohttp answers all other failures with 500."""
    clear_contextvars()  # requests of one connection share a task and its variables
    try:
        return await handler(request)
    except RequestRefused as refused:
        return refused.response
    except errors.CrewgateError as error:
        response = response_to(error)
        if response is None:
            raise
        if isinstance(error, errors.StoreUnavailable):
            # Log the route's pattern, and not the path, which may hold an event URL's key.
            resource = request.match_info.route.resource
            log.warning(
                "store_unavailable", path=resource.canonical if resource else "", why=str(error)
            )
        return response
    except web.HTTPException as error:
        return refusal(error.status, error.reason.lower().replace(" ", "_"), error.reason)


#: The characters of an unknown crew's name that are logged.
_NAME_LIMIT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext(ReceiveContext):
    """Everything the routes need; built once, by the app. The parsers raise Malformed."""

    credentials: Mapping[str, Credentials]
    machine: Clock
    """The machine's time, whose steps count at once."""
    off_loop: OffLoop
    kickoffs: Kickoffs
    fetches: Fetches
    check_health: CheckHealth
    redactors: Mapping[str, Redactor]
    """Remove secrets from everything that a crew sends."""
    prove: Callable[[str], str]
    """Returns the answer to a nonce that proves this bot's identity."""
    status_token: str | None = field(repr=False)
    public_url: str | None
    parse_notification: Callable[[bytes], Notification]
    parse_flow_request: Callable[[bytes], FlowRequest]
    may_answer: Callable[[str, str], bool]
    """True if the settings allow an answer to a crew's flow at this address."""
    parse_update: Mapping[EventKind, Callable[[bytes], tuple[str, ExecutionUpdate]]]
    """Returns the execution's id and the content of a task, step or crew webhook."""
    parse_kickoff: Callable[[bytes], KickoffRequest]
    parse_registration: Callable[[bytes], WebhookUrls]
    parse_execution: Callable[[str], str]
    forwarding: frozenset[str] = frozenset()

    def now_by_each(self) -> tuple[datetime, datetime]:
        """Return the present moment by both clocks.

        After a step of the machine's clock nobody knows which is right. A request that is sent only
        once is accepted by either.
        """
        return self.clock(), self.machine()

    def credentials_of(self, request: web.Request) -> Credentials:
        """Return the credentials for the crew in a request's path. Raises RequestRefused."""
        crew = request.match_info["crew"]
        if crew not in self.credentials:
            log.warning("unknown_crew", named=crew[:_NAME_LIMIT])
            raise RequestRefused(unknown_crew(crew))
        return self.credentials[crew]
