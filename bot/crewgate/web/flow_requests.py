"""The requests that flows send when they pause: signed, and then never thrown away."""

import asyncio
from dataclasses import replace
from functools import partial

import structlog
from aiohttp import web

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.notification import FlowRequest, without_secrets
from crewgate.domain.redaction import Redactor
from crewgate.network.refusals import RequestRefused, refusal, too_large
from crewgate.network.request_body import LIMIT, Body, Room, read_body
from crewgate.usecases.receive import receive_flow_request
from crewgate.web.context import WebContext
from crewgate.web.credentials import Credentials
from crewgate.web.flow_signature import TakenRequests, fresh_signatures, signature_of
from crewgate.web.webhooks import answer_received, parse_anew, parse_or_keep

log = structlog.get_logger(__name__)


async def on_flow_request(
    request: web.Request, *, context: WebContext, room: Room, taken: TakenRequests
) -> web.Response:
    """Take a flow's request. 202 only once it is stored: it is never repeated.

    What is sent again with the same signature escalates nothing and is not kept twice.
    """
    credentials = context.credentials_of(request)
    crew = credentials.crew
    body, signature = await _read_signed(request, credentials, context, room)
    signature = f"{crew} {signature}"
    is_first = taken.add(signature, now=context.now_by_each())
    try:
        return await _take(request, crew, body, context, is_first=is_first)
    except (StoreUnavailable, asyncio.CancelledError):
        taken.forget(signature)
        raise


async def _take(
    request: web.Request, crew: str, body: Body, context: WebContext, *, is_first: bool
) -> web.Response:
    """Store what a request says, or keep it as a dead letter."""
    parse = partial(_parse, context=context, redactor=context.redactors[crew])
    flow_request = await parse_or_keep(request, body, parse, context, keep=is_first)
    if not is_first:
        flow_request = replace(flow_request, escalation=False)
    if not context.may_answer(crew, flow_request.callback.url):
        log.warning("flow_host_not_allowed", crew=crew, execution=flow_request.flow_id)
        question = replace(flow_request.question, host_refused=True)
        flow_request = replace(flow_request, question=question)
    received = await receive_flow_request(
        crew,
        flow_request,
        uow=context.uow,
        crews=context.crews,
        clock=context.clock,
        new_id=context.new_id,
    )
    return answer_received(
        "flow_request",
        received,
        method=received.round.review.task_id,
        escalation=flow_request.escalation,
    )


async def _read_signed(
    request: web.Request, credentials: Credentials, context: WebContext, room: Room
) -> tuple[Body, str]:
    """Return the body, if it is signed, and its signature. Raises RequestRefused."""
    if not credentials.flow_secrets:
        log.warning("no_flow_secret", crew=credentials.crew)
        raise RequestRefused(_takes_none())
    signed = fresh_signatures(request.headers, now=context.now_by_each())
    body = await read_body(request, room=room) if signed else None
    if body and body.too_large:
        log.warning("flow_request_too_large", crew=credentials.crew)
        raise RequestRefused(too_large(LIMIT))
    signature = body and signature_of(signed, body.content, secrets=credentials.flow_secrets)
    if not body or not signature:
        log.warning("flow_signature_refused", crew=credentials.crew)
        raise RequestRefused(_unsigned())
    return body, signature


def _unsigned() -> web.Response:
    return refusal(
        401,
        "unauthorized",
        "The request is not signed with this crew's flow secret, or not within five minutes.",
    )


def _takes_none() -> web.Response:
    return refusal(
        401,
        "unauthorized",
        "This crew takes no requests of flows: its settings have no flow_webhook_secret_env.",
    )


def _parse(content: bytes, *, context: WebContext, redactor: Redactor) -> FlowRequest:
    """Parse what a flow says, without secrets except in its callback.

    Raises Malformed.
    """
    found = context.parse_flow_request(content)
    ids = {found.question.request_id, found.flow_id}
    redactor = redactor.also(set(found.callback.secrets) - ids)
    clean = parse_anew(content, redactor.body(content), context.parse_flow_request, found)
    shown = replace(
        clean,
        flow_id=found.flow_id,
        method=found.method,
        callback=found.callback,
        question=replace(
            clean.question,
            request_id=found.question.request_id,
            outcomes=found.question.outcomes,
            left_off=found.question.left_off,
            assigned=found.question.assigned,
            ask=found.question.ask,
        ),
    )
    return without_secrets(shown, redactor)
