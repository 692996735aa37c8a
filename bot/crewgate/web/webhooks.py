"""The webhooks that crews send. None is thrown away: one that cannot be read is a dead letter."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog
from aiohttp import web

from crewgate.domain.errors import Malformed
from crewgate.domain.execution import ExecutionUpdate
from crewgate.domain.notification import Notification
from crewgate.domain.redaction import Redactor
from crewgate.network.refusals import RequestRefused, refusal
from crewgate.network.request_body import (
    FORWARD_LIMIT,
    LIMIT,
    Body,
    BodyRefused,
    header_of,
    parse_body,
    read_body,
)
from crewgate.usecases.log_fields import fields_of
from crewgate.usecases.ports.base import LARGE
from crewgate.usecases.read_models import ForwardedWebhook
from crewgate.usecases.receive import Received, receive_notification, store_dead_letter
from crewgate.usecases.track import record_update
from crewgate.web.context import WebContext
from crewgate.web.credentials import EventKind
from crewgate.web.error_responses import unauthorised

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def on_human_input(request: web.Request, *, context: WebContext) -> web.Response:
    """Take a notification. 202 only once it is stored: the crew never repeats it."""
    crew = authenticate(request, context)
    body = await read_body(request)
    parse = partial(_parse_notification, context=context, redactor=context.redactors[crew])
    notification = await parse_or_keep(request, body, parse, context)
    received = await receive_notification(
        crew,
        notification,
        uow=context.uow,
        crews=context.crews,
        clock=context.clock,
        new_id=context.new_id,
    )
    return answer_received("notification", received, task=received.round.review.task_id)


def answer_received(event: str, received: Received, **told: object) -> web.Response:
    """Log a request for people, which is stored now, and answer 202 with its round."""
    review, number = received.round.review, received.round.number
    status = "accepted" if received.accepted else "duplicate"
    log.info(event, **fields_of(received.round), status=status, **told)
    return web.json_response({"review": review.id, "round": number, "status": status}, status=202)


def authenticate(request: web.Request, context: WebContext) -> str:
    """Return the crew that presents its webhook secret. Raises RequestRefused."""
    credentials = context.credentials_of(request)
    if not credentials.accept_crew(request.headers.get("Authorization")):
        log.warning("wrong_credentials", crew=credentials.crew)
        raise RequestRefused(unauthorised())
    return credentials.crew


async def on_event(request: web.Request, *, context: WebContext) -> web.Response:
    """Take a task, step or crew webhook: the execution has moved on, or has ended."""
    credentials = context.credentials_of(request)
    crew = credentials.crew
    try:
        kind = EventKind(request.match_info["kind"])
    except ValueError:
        unknown = refusal(404, "unknown_event", "Events are called task, step or crew.")
        raise RequestRefused(unknown) from None
    key = request.match_info["key"]
    if not credentials.accept_event(kind, key):
        log.warning("wrong_event_key", crew=crew, kind=kind)
        raise RequestRefused(unauthorised())
    forwarding = crew in context.forwarding
    body = await read_body(request, limit=FORWARD_LIMIT if forwarding else LIMIT)
    redactor = context.redactors[crew]
    parse = partial(_parse_update, parse=context.parse_update[kind], redactor=redactor)
    to_forward = partial(_to_forward, request, kind, context=context)
    try:
        execution_id, update, content = await _parse(request, body, parse, context)
    except BodyRefused as refused:
        if not forwarding or not body.is_whole:
            await _keep(request, body, refused, context)
            raise
        # What the bot does not understand, its caller may.
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
    crew = request.match_info["crew"]
    content_type = header_of(request, "Content-Type")
    return ForwardedWebhook(context.new_id(), crew, execution_id, kind.value, content_type, content)


def _parse_notification(content: bytes, *, context: WebContext, redactor: Redactor) -> Notification:
    """Parse what a crew says, without secrets except in the webhooks that it is given again.

    Raises Malformed.
    """
    notification = context.parse_notification(content)
    redactor = redactor.also(notification.webhooks.secrets)
    shown = parse_anew(content, redactor.body(content), context.parse_notification, notification)
    verbatim = {name: getattr(notification, name) for name in Notification.VERBATIM}
    return replace(redactor.fields(shown), **verbatim)


Update = tuple[str, ExecutionUpdate]


def _parse_update(
    content: bytes, *, parse: Callable[[bytes], Update], redactor: Redactor
) -> tuple[str, ExecutionUpdate, bytes]:
    """Return the execution, the webhook's meaning and its body, both without secrets.

    Raises Malformed.
    """
    execution_id, update = parse(content)
    clean = redactor.body(content)
    _, shown = parse_anew(content, clean, parse, (execution_id, update))
    return execution_id, redactor.fields(shown), clean


def parse_anew(content: bytes, clean: bytes, parse: Callable[[bytes], T], parsed: T) -> T:
    """Parse a body anew without its secrets: in texts that are cut, half a secret is not found."""
    if clean != content:
        with suppress(Malformed):  # an id may have become too long
            return parse(clean)
    return parsed


async def parse_or_keep(
    request: web.Request,
    body: Body,
    parse: Callable[[bytes], T],
    context: WebContext,
    *,
    keep: bool = True,
) -> T:
    """Read an authenticated body, or store it as a dead letter. Raises BodyRefused."""
    try:
        return await _parse(request, body, parse, context)
    except BodyRefused as refused:
        if keep:
            await _keep(request, body, refused, context)
        raise


async def _parse(
    request: web.Request, body: Body, parse: Callable[[bytes], T], context: WebContext
) -> T:
    """Parse a body, in a thread if it is large. Raises BodyRefused."""
    return await _off_loop(lambda _: parse_body(request, body, parse), body.content, context)


async def _off_loop(work: Callable[[bytes], T], content: bytes, context: WebContext) -> T:
    """Work on a body, in a thread if it is large."""
    return work(content) if len(content) <= LARGE else await context.off_loop(work, content)


async def _keep(
    request: web.Request,
    body: Body,
    refused: BodyRefused,
    context: WebContext,
    *,
    webhook: ForwardedWebhook | None = None,
) -> None:
    """Store a body as a dead letter, and the webhook that is forwarded anyway."""
    crew = request.match_info["crew"]
    dead_letter = await store_dead_letter(
        crew,
        body.content[:LIMIT],
        refused.reason,
        webhook=webhook,
        uow=context.uow,
        clock=context.clock,
        new_id=context.new_id,
    )
    log.warning(
        "not_understood",
        crew=crew,
        dead_letter=dead_letter.id,
        status=refused.response.status,
    )
