"""The webhooks that crews send. None is thrown away: one that cannot be read is a dead letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from aiohttp import web

from bot.usecases.ports.base import LARGE
from bot.usecases.read_models import ForwardedWebhook
from bot.usecases.receive import receive_notification, store_dead_letter
from bot.usecases.track import record_update
from bot.web.context import WebContext
from bot.web.credentials import EventKind
from bot.web.error_responses import RequestRefused, refusal, unauthorised
from bot.web.request_body import Body, BodyRefused, parse_body, read_body

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def on_human_input(request: web.Request, *, context: WebContext) -> web.Response:
    """A crew paused. 202 only once the notification is stored: the crew never repeats it."""
    credentials = context.credentials_of(request)
    crew = credentials.crew
    if not credentials.accept_crew(request.headers.get("Authorization")):
        log.warning("wrong_credentials", crew=crew)
        raise RequestRefused(unauthorised())
    body = await read_body(request)
    notification = await _parse_or_keep(request, body, context.parse_notification, context)
    received = await receive_notification(
        crew, notification, uow=context.uow, clock=context.clock, new_id=context.new_id
    )
    review = received.round.review
    status = "accepted" if received.accepted else "duplicate"
    log.info(
        "notification",
        crew=crew,
        execution=review.execution_id,
        task=review.task_id,
        round=received.round.number,
        status=status,
    )
    answer = {"review": review.id, "round": received.round.number, "status": status}
    return web.json_response(answer, status=202)


async def on_event(request: web.Request, *, context: WebContext) -> web.Response:
    """A task, step or crew webhook: the execution has gone on, or has ended."""
    credentials = context.credentials_of(request)
    crew = credentials.crew
    try:
        kind = EventKind(request.match_info["kind"])
    except ValueError:
        unknown = refusal(404, "unknown_event", "Events are called task, step or crew.")
        raise RequestRefused(unknown) from None
    if not credentials.accept_event(kind, request.match_info["key"]):
        log.warning("wrong_event_key", crew=crew, kind=kind)
        raise RequestRefused(unauthorised())
    body = await read_body(request)
    parse = context.parse_update[kind]
    execution_id, update = await _parse_or_keep(request, body, parse, context)
    webhook = None
    if crew in context.forwarding:
        content_type = request.headers.get("Content-Type", "")
        webhook = ForwardedWebhook(
            context.new_id(), crew, execution_id, kind.value, content_type, body.content
        )
    await record_update(
        crew,
        execution_id,
        update,
        uow=context.uow,
        at=context.clock(),
        new_id=context.new_id,
        webhook=webhook,
    )
    return web.json_response({"status": "accepted"}, status=202)


async def _parse_or_keep(
    request: web.Request, body: Body, parse: Callable[[bytes], T], context: WebContext
) -> T:
    """Read an authenticated body, or store it as a dead letter. Raises BodyRefused."""
    try:
        if len(body.content) <= LARGE:
            return parse_body(request, body, parse)
        return await context.off_loop(parse_body, request, body, parse)
    except BodyRefused as refused:
        crew = request.match_info["crew"]
        dead_letter = await store_dead_letter(
            crew,
            body.content,
            refused.reason,
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
        raise
