"""The answers to refused callers over HTTP: one shape for every error."""

import structlog
from aiohttp import web
from structlog.contextvars import clear_contextvars

from crewgate.domain.errors import (
    CrewgateError,
    Malformed,
    NoPublicUrl,
    StoreUnavailable,
    TooManyKickoffs,
    TooManyWait,
    UnknownCrew,
)
from crewgate.network.refusals import Handler, RequestRefused, malformed, refusal

log = structlog.get_logger(__name__)


def unknown_crew(name: str) -> web.Response:
    """Return 404, and where crews are named."""
    return refusal(
        404, "unknown_crew", f"No crew is called {name!r}; the bot's settings name them."
    )


def unauthorised() -> web.Response:
    """Return 401, without a hint at what was nearly right."""
    return refusal(
        401,
        "unauthorized",
        "The credentials are missing or not the ones this crew must present.",
        WWW_Authenticate="Bearer",
    )


def response_to(error: CrewgateError) -> web.Response | None:  # noqa: PLR0911  # a table
    """Return the answer for an error of ours; None if no caller can cause it."""
    match error:
        case Malformed(details=details):
            return malformed(str(error), details)
        case UnknownCrew(crew=crew):
            return unknown_crew(crew)
        case NoPublicUrl():
            return refusal(
                503,
                "no_public_url",
                "Nothing was started: set PUBLIC_URL to the address at which crews reach this bot.",
            )
        case TooManyKickoffs():
            return refusal(
                503,
                "too_many_kickoffs",
                "Nothing was started: too many kickoffs of this crew are under way.",
                Retry_After="30",
            )
        case TooManyWait():
            return refusal(
                503,
                "too_many_wait",
                "Too many wait for decisions now: ask again later.",
                Retry_After="5",
            )
        case StoreUnavailable():
            return refusal(
                503,
                "store_unavailable",
                "The database takes nothing now. Nothing was stored; CrewAI does not repeat it.",
                Retry_After="5",
            )
    return None


@web.middleware
async def explain_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure that was foreseen as JSON; the rest becomes aiohttp's 500."""
    clear_contextvars()  # a connection's requests share a task
    try:
        return await handler(request)
    except RequestRefused as refused:
        return refused.response
    except CrewgateError as error:
        response = response_to(error)
        if response is None:
            raise
        if isinstance(error, StoreUnavailable):
            # The pattern and not the path, which may hold an event URL's key.
            resource = request.match_info.route.resource
            log.warning(
                "store_unavailable", path=resource.canonical if resource else "", why=str(error)
            )
        return response
    except web.HTTPException as error:
        return refusal(error.status, error.reason.lower().replace(" ", "_"), error.reason)
