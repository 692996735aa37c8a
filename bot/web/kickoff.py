"""Kicking a crew off through the bot, and registering webhook URLs: for callers with its token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiohttp import web

from bot.domain.errors import Malformed
from bot.domain.notification import WebhookUrls
from bot.domain.outcome import NotSent, Unknown
from bot.usecases.kickoff import Kickoffs, NoPublicUrl, TooManyKickoffs, register
from bot.usecases.ports.crew import KickoffAnswer, KickoffOutcome, KickoffRequest
from bot.web import error_responses as answers
from bot.web.credentials import _same
from bot.web.request_body import LIMIT, is_json, read_body

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What these routes work with; built once, by the app."""

    tokens: Mapping[str, str] = field(repr=False)
    """What each crew itself expects of its callers."""
    kickoffs: Kickoffs
    parse_kickoff: Callable[[bytes], KickoffRequest]
    """Raises Malformed."""
    parse_registration: Callable[[bytes], WebhookUrls]
    """Raises Malformed."""
    parse_execution: Callable[[str], str]
    """Raises Malformed."""


class _Refused(Exception):
    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def add_routes(app: web.Application, gate: Gate) -> None:
    """Put the callers' addresses on the application."""
    app.router.add_post("/crews/{crew}/kickoff", partial(on_kickoff, gate=gate))
    app.router.add_put(
        "/crews/{crew}/executions/{execution_id}/webhooks", partial(on_register, gate=gate)
    )


async def on_kickoff(request: web.Request, *, gate: Gate) -> web.Response:
    """Pass a kickoff on to the crew, and the crew's answer back as it came."""
    try:
        crew = _caller(request, gate)
        wanted = gate.parse_kickoff(await _json_body(request))
    except _Refused as refused:
        return refused.answer
    except Malformed as error:
        return answers.malformed(str(error), error.details)
    try:
        answer = await gate.kickoffs.start(crew, wanted)
    except NoPublicUrl:
        return answers.refusal(
            503,
            "no_public_url",
            "Nothing was started: set PUBLIC_URL to the address at which crews reach this bot.",
        )
    except TooManyKickoffs:
        return answers.refusal(
            503,
            "too_many_kickoffs",
            "Nothing was started: too many kickoffs of this crew are under way.",
            Retry_After="30",
        )
    return _passed_on(answer)


async def on_register(request: web.Request, *, gate: Gate) -> web.Response:
    """Remember a caller's webhook URLs for an execution that it started itself."""
    try:
        crew = _caller(request, gate)
        execution_id = gate.parse_execution(request.match_info["execution_id"])
        urls = gate.parse_registration(await _json_body(request))
    except _Refused as refused:
        return refused.answer
    except Malformed as error:
        return answers.malformed(str(error), error.details)
    kickoffs = gate.kickoffs
    await register(crew, execution_id, urls, uow=kickoffs.uow, clock=kickoffs.clock)
    return web.json_response({"execution": execution_id, "status": "registered"})


def _caller(request: web.Request, gate: Gate) -> str:
    crew = request.match_info["crew"]
    token = gate.tokens.get(crew)
    if token is None:
        raise _Refused(answers.unknown_crew(crew))
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not _same(given.strip(), token) or scheme.lower() != "bearer":
        log.warning("wrong_caller", crew=crew)
        raise _Refused(answers.unauthorised())
    return crew


async def _json_body(request: web.Request) -> bytes:
    body = await read_body(request)
    if body.too_large:
        raise _Refused(answers.too_large(LIMIT))
    if not is_json(request):
        raise _Refused(answers.not_json(request.headers.get("Content-Type", "")))
    return body.content


def _passed_on(answer: KickoffOutcome) -> web.Response:
    match answer:
        case KickoffAnswer(status=status, body=body, content_type=kind, retry_after=wait):
            headers = {"Content-Type": kind} if kind else {}
            return web.Response(
                status=status,
                body=body,
                headers=headers | ({"Retry-After": wait} if wait else {}),
            )
        case NotSent(why=why):
            return answers.refusal(
                502, "crew_unreachable", f"Nothing was started: the crew cannot be reached ({why})."
            )
        case Unknown(why=why):  # pragma: no branch  # there is no fourth
            return answers.refusal(
                504,
                "answer_lost",
                f"It may have been started: {why}. Look before you retry.",
            )
