"""Kicking a crew off through the bot, and registering webhook URLs: for callers with its token."""

from typing import assert_never

import structlog
from aiohttp import web

from crewgate.domain.outcome import NotSent, Unknown
from crewgate.network.refusals import RequestRefused, refusal
from crewgate.network.request_body import is_header, parse_body, read_body
from crewgate.usecases.kickoff import register_webhooks
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome
from crewgate.web.context import WebContext
from crewgate.web.error_responses import unauthorised

log = structlog.get_logger(__name__)


async def on_kickoff(request: web.Request, *, context: WebContext) -> web.Response:
    """Pass a kickoff on to the crew, and the crew's answer back unchanged."""
    crew = _authenticate(request, context)
    wanted = parse_body(request, await read_body(request), context.parse_kickoff)
    # The caller's body goes on as it came; what is shown of it has no secrets.
    wanted = context.redactors[crew].fields(wanted, keep=("body", "given"))
    return _response(await context.kickoffs.start(crew, wanted))


async def on_register(request: web.Request, *, context: WebContext) -> web.Response:
    """Remember a caller's webhook URLs for an execution that it started itself."""
    crew = _authenticate(request, context)
    execution_id = context.parse_execution(request.match_info["execution_id"])
    urls = parse_body(request, await read_body(request), context.parse_registration)
    await register_webhooks(crew, execution_id, urls, uow=context.uow, clock=context.clock)
    return web.json_response({"execution": execution_id, "status": "registered"})


def _authenticate(request: web.Request, context: WebContext) -> str:
    """Return the crew that a caller with its token names. Raises RequestRefused."""
    credentials = context.credentials_of(request)
    if not credentials.accept_caller(request.headers.get("Authorization")):
        log.warning("wrong_caller", crew=credentials.crew)
        raise RequestRefused(unauthorised())
    return credentials.crew


def _response(outcome: KickoffOutcome) -> web.Response:
    match outcome:
        case KickoffAnswer():
            headers = {
                "Content-Type": outcome.content_type,
                "Retry-After": outcome.retry_after or "",
            }
            return web.Response(
                status=outcome.status,
                body=outcome.body,
                headers={name: text for name, text in headers.items() if is_header(text)},
            )
        case NotSent(why=why):
            return refusal(
                502, "crew_unreachable", f"Nothing was started: the crew cannot be reached ({why})."
            )
        case Unknown(why=why):
            return refusal(
                504,
                "answer_lost",
                f"It may have been started: {why}. Look before you retry.",
            )
        case _:
            assert_never(outcome)
