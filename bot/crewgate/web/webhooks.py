"""The requests of crews, flows and their callers.

No webhook is thrown away: an unreadable one becomes a dead letter.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar, assert_never

import structlog
from aiohttp import web

from crewgate.domain.errors import Malformed, RowUnreadable, StoreUnavailable
from crewgate.domain.execution import ExecutionUpdate
from crewgate.domain.notification import (
    FlowRequest,
    Notification,
    request_without_secrets,
    without_secrets,
)
from crewgate.domain.outcome import NotSent, Unknown
from crewgate.domain.redaction import Redactor
from crewgate.network import requests
from crewgate.usecases import receive
from crewgate.usecases.kickoff import register_webhooks
from crewgate.usecases.log_fields import fields_of
from crewgate.usecases.ports.base import LARGE
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome
from crewgate.usecases.read_models import ForwardedWebhook
from crewgate.usecases.track import record_update
from crewgate.web.context import WebContext, unauthorised
from crewgate.web.credentials import (
    Credentials,
    EventKind,
    TakenRequests,
    fresh_signatures,
    signature_of,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def on_human_input(request: web.Request, *, context: WebContext) -> web.Response:
    """Store a notification, then answer 202: the crew never repeats it."""
    crew = authenticate(request, context)
    body = await requests.read_body(request, of=crew)
    parse = partial(_parse_notification, context=context, redactor=context.redactors[crew])
    notification = await parse_or_keep(request, body, parse, context)
    receiving = receive.receive_notification(crew, notification, context=context)
    received = await _received_or_keep(request, body, receiving, context)
    return answer_received("notification", received, task=received.round.review.task_id)


def answer_received(event: str, received: receive.Received, **told: object) -> web.Response:
    """Log that a request was stored, and answer 202 with its round."""
    review, number = received.round.review, received.round.number
    status = "accepted" if received.accepted else "duplicate"
    log.info(event, **fields_of(received.round), status=status, **told)
    return web.json_response({"review": review.id, "round": number, "status": status}, status=202)


def authenticate(request: web.Request, context: WebContext, *, caller: bool = False) -> str:
    """Return the crew whose credentials, or whose `caller`'s, are sent. Raises RequestRefused."""
    credentials = context.credentials_of(request)
    accepts = credentials.accept_caller if caller else credentials.accept_crew
    if not accepts(request.headers.get("Authorization")):
        log.warning("wrong_caller" if caller else "wrong_credentials", crew=credentials.crew)
        raise requests.RequestRefused(unauthorised())
    return credentials.crew


async def on_event(request: web.Request, *, context: WebContext) -> web.Response:
    """Store a task, step or crew webhook, which shows that the execution goes on or has ended."""
    credentials = context.credentials_of(request)
    crew = credentials.crew
    try:
        kind = EventKind(request.match_info["kind"])
    except ValueError:
        unknown = requests.refusal(404, "unknown_event", "Events are called task, step or crew.")
        raise requests.RequestRefused(unknown) from None
    key = request.match_info["key"]
    if not credentials.accept_event(kind, key):
        log.warning("wrong_event_key", crew=crew, kind=kind)
        raise requests.RequestRefused(unauthorised())
    forwarding = crew in context.forwarding
    limit = requests.FORWARD_LIMIT if forwarding else requests.LIMIT
    body = await requests.read_body(request, of=crew, limit=limit)
    redactor = context.redactors[crew]
    parse = partial(_parse_update, parse=context.parse_update[kind], redactor=redactor)
    to_forward = partial(_to_forward, request, kind, context=context)
    try:
        execution_id, update, content = await _parse(request, body, parse, context)
    except requests.BodyRefused as refused:
        if not forwarding or not body.is_whole:
            await _keep(request, body, refused, context)
            raise
        # A body that the bot cannot parse is forwarded: whoever started the execution may read it.
        content = await _off_loop(redactor.body, body.content, context)
        await _keep(request, body, refused, context, webhook=to_forward("", content))
        return _accepted()
    webhook = to_forward(execution_id, content) if forwarding else None
    await record_update(
        crew,
        execution_id,
        update,
        uow=context.uow,
        at=context.clock(),
        new_id=context.new_id,
        webhook=webhook,
    )
    return _accepted()


def _accepted() -> web.Response:
    return web.json_response({"status": "accepted"}, status=202)


def _to_forward(
    request: web.Request, kind: EventKind, execution_id: str, content: bytes, *, context: WebContext
) -> ForwardedWebhook:
    return ForwardedWebhook(
        id=context.new_id(),
        crew=request.match_info["crew"],
        execution_id=execution_id,
        kind=kind.value,
        content_type=requests.header_of(request, "Content-Type"),
        body=content,
    )


def _parse_notification(content: bytes, *, context: WebContext, redactor: Redactor) -> Notification:
    """Parse a notification; only the webhooks to send back to the crew keep their secrets.

    Raises Malformed.
    """
    came = context.parse_notification(content)
    clean = parse_anew(content, redactor.body(content), context.parse_notification, came)
    return without_secrets(came, clean, redactor)


Update = tuple[str, ExecutionUpdate]


def _parse_update(
    content: bytes, *, parse: Callable[[bytes], Update], redactor: Redactor
) -> tuple[str, ExecutionUpdate, bytes]:
    """Return the execution, the update and the body of a webhook, without secrets.

    Raises Malformed.
    """
    execution_id, update = parse(content)
    clean = redactor.body(content)
    _, shown = parse_anew(content, clean, parse, (execution_id, update))
    return execution_id, redactor.fields(shown), clean


def parse_anew(content: bytes, clean: bytes, parse: Callable[[bytes], T], parsed: T) -> T:
    """Parse a body again without its secrets, so that a cut text never shows half a secret."""
    if clean != content:
        with suppress(Malformed):  # redacted, an id may be too long: return `parsed`
            return parse(clean)
    return parsed


async def parse_or_keep(
    request: web.Request,
    body: requests.Body,
    parse: Callable[[bytes], T],
    context: WebContext,
    *,
    keep: bool = True,
) -> T:
    """Read an authenticated body, or store it as a dead letter. Raises BodyRefused."""
    try:
        return await _parse(request, body, parse, context)
    except requests.BodyRefused as refused:
        if keep:
            await _keep(request, body, refused, context)
        raise


async def _received_or_keep(
    request: web.Request,
    body: requests.Body,
    receiving: Awaitable[receive.Received],
    context: WebContext,
) -> receive.Received:
    """Store a notification or request; if it meets a damaged row, keep it as a dead letter."""
    try:
        return await receiving
    except RowUnreadable as error:
        refused = requests.BodyRefused(str(error), web.Response(status=503))
        await _keep(request, body, refused, context)
        raise


async def _parse(
    request: web.Request, body: requests.Body, parse: Callable[[bytes], T], context: WebContext
) -> T:
    return await _off_loop(
        lambda _: requests.parse_body(request, body, parse), body.content, context
    )


async def _off_loop(work: Callable[[bytes], T], content: bytes, context: WebContext) -> T:
    return work(content) if len(content) <= LARGE else await context.off_loop(work, content)


async def _keep(
    request: web.Request,
    body: requests.Body,
    refused: requests.BodyRefused,
    context: WebContext,
    *,
    webhook: ForwardedWebhook | None = None,
) -> None:
    crew = request.match_info["crew"]
    content = body.content[: requests.LIMIT]
    dead_letter = await receive.store_dead_letter(
        crew, content, refused.reason, context=context, webhook=webhook
    )
    log.warning(
        "not_understood", crew=crew, dead_letter=dead_letter.id, status=refused.response.status
    )


async def on_kickoff(request: web.Request, *, context: WebContext) -> web.Response:
    """Pass a kickoff to the crew, and the crew's answer back unchanged."""
    crew = authenticate(request, context, caller=True)
    body = await requests.read_body(request, of=crew)
    wanted = requests.parse_body(request, body, context.parse_kickoff)
    return _response(await context.kickoffs.start(crew, wanted))


async def on_register(request: web.Request, *, context: WebContext) -> web.Response:
    """Store a caller's webhook URLs for an execution that the caller started itself."""
    crew = authenticate(request, context, caller=True)
    execution_id = context.parse_execution(request.match_info["execution_id"])
    body = await requests.read_body(request, of=crew)
    urls = requests.parse_body(request, body, context.parse_registration)
    await register_webhooks(crew, execution_id, urls, uow=context.uow, clock=context.clock)
    return web.json_response({"execution": execution_id, "status": "registered"})


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
                headers={name: text for name, text in headers.items() if requests.is_header(text)},
            )
        case NotSent(why=why):
            return requests.refusal(
                502, "crew_unreachable", f"Nothing was started: the crew cannot be reached ({why})."
            )
        case Unknown(why=why):
            return requests.refusal(
                504, "answer_lost", f"It may have been started: {why}. Look before you retry."
            )
        case _:
            assert_never(outcome)


async def on_flow_request(
    request: web.Request, *, context: WebContext, taken: TakenRequests
) -> web.Response:
    """Store a flow's request, then answer 202: a flow never repeats it.

    A request with a repeated signature does not escalate, and is not kept as a dead letter.
    """
    credentials = context.credentials_of(request)
    crew = credentials.crew
    body, signature = await _read_signed(request, credentials, context)
    signature = f"{crew} {signature}"
    is_first = taken.add(signature, now=context.now_by_each())
    try:
        parse = partial(_parse_flow_request, context=context, redactor=context.redactors[crew])
        flow_request = await parse_or_keep(request, body, parse, context, keep=is_first)
        if not is_first:
            flow_request = replace(flow_request, escalation=False)
        if not context.may_answer(crew, flow_request.callback.url):
            log.warning("flow_host_not_allowed", crew=crew, execution=flow_request.flow_id)
            question = replace(flow_request.question, host_refused=True)
            flow_request = replace(flow_request, question=question)
        receiving = receive.receive_flow_request(crew, flow_request, context=context)
        received = await _received_or_keep(request, body, receiving, context)
        return answer_received(
            "flow_request",
            received,
            method=received.round.review.task_id,
            escalation=flow_request.escalation,
        )
    except (StoreUnavailable, asyncio.CancelledError):
        taken.forget(signature)
        raise


async def _read_signed(
    request: web.Request, credentials: Credentials, context: WebContext
) -> tuple[requests.Body, str]:
    """Return a signed body and its signature. Raises RequestRefused."""
    if not credentials.flow_secrets:
        log.warning("no_flow_secret", crew=credentials.crew)
        message = (
            "This crew takes no requests of flows: its settings have no flow_webhook_secret_env."
        )
        raise requests.RequestRefused(requests.refusal(401, "unauthorized", message))
    signed = fresh_signatures(request.headers, now=context.now_by_each())
    body = await requests.read_body(request, of=None) if signed else None
    if body and body.too_large:
        log.warning("flow_request_too_large", crew=credentials.crew)
        raise requests.RequestRefused(requests.too_large(requests.LIMIT))
    signature = body and signature_of(signed, body.content, secrets=credentials.flow_secrets)
    if not body or not signature:
        log.warning("flow_signature_refused", crew=credentials.crew)
        message = (
            "The request is not signed with this crew's flow secret, or not within five minutes."
        )
        raise requests.RequestRefused(requests.refusal(401, "unauthorized", message))
    return body, signature


def _parse_flow_request(content: bytes, *, context: WebContext, redactor: Redactor) -> FlowRequest:
    """Parse a flow's request; only its callback keeps its secrets.

    Raises Malformed.
    """
    came = context.parse_flow_request(content)
    ids = {came.question.request_id, came.flow_id}
    redactor = redactor.also({came.callback.token or ""} - ids)
    clean = parse_anew(content, redactor.body(content), context.parse_flow_request, came)
    return request_without_secrets(came, clean, redactor)
