"""The addresses crews call. Slack's own address is Bolt's; `app` adds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from aiohttp import web

from bot.domain.errors import Malformed, StoreUnavailable
from bot.domain.execution import ExecutionUpdate
from bot.domain.notification import Notification
from bot.usecases.ports.base import Clock, NewId
from bot.usecases.ports.store import UnitOfWork
from bot.usecases.read_models import ForwardedWebhook
from bot.usecases.receive import receive_notification, store_dead_letter
from bot.usecases.track import record_update
from bot.web import error_responses as answers
from bot.web.credentials import Credentials, EventKind
from bot.web.request_body import LIMIT, Body, BodyNotReceived, is_json, read_body

log = structlog.get_logger(__name__)

Read = TypeVar("Read")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What the routes work with; built once, by the app."""

    credentials: Mapping[str, Credentials]
    uow: UnitOfWork
    clock: Clock
    new_id: NewId
    parse_notification: Callable[[bytes], Notification]
    """Raises Malformed."""
    parse_update: Mapping[str, Callable[[bytes], tuple[str, ExecutionUpdate]]]
    """Whom a task, step or crew webhook is about, and what it says. Each raises Malformed."""
    forwarding: frozenset[str] = frozenset()
    """Crews whose webhooks are handed on to their callers."""


def add_routes(app: web.Application, inbox: Inbox) -> None:
    """Put the crews' addresses on the application."""
    app.router.add_post("/crews/{crew}/human-input", partial(on_human_input, inbox=inbox))
    app.router.add_post("/crews/{crew}/events/{kind}/{key}", partial(on_event, inbox=inbox))


async def on_human_input(request: web.Request, *, inbox: Inbox) -> web.Response:
    """A crew paused. 202 only once the notification is stored: the crew never repeats it."""
    crew = request.match_info["crew"]
    credentials = inbox.credentials.get(crew)
    if credentials is None:
        return answers.unknown_crew(crew)
    if not credentials.accept(request.headers.get("Authorization")):
        log.warning("wrong_credentials", crew=crew)
        return answers.unauthorised()
    body = await read_body(request)
    try:
        notification = _understood(request, body, inbox.parse_notification)
    except _NotUnderstood as error:
        await _keep(crew, body, error, inbox)
        return error.answer
    received = await receive_notification(
        crew, notification, uow=inbox.uow, clock=inbox.clock, new_id=inbox.new_id
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


async def on_event(request: web.Request, *, inbox: Inbox) -> web.Response:
    """A task, step or crew webhook: a sign that the execution has gone on, or has ended."""
    crew = request.match_info["crew"]
    credentials = inbox.credentials.get(crew)
    if credentials is None:
        return answers.unknown_crew(crew)
    try:
        kind = EventKind(request.match_info["kind"])
    except ValueError:
        return answers.refusal(404, "unknown_event", "Events are called task, step or crew.")
    if not credentials.accept_event(kind, request.match_info["key"]):
        log.warning("wrong_event_key", crew=crew, kind=kind)
        return answers.unauthorised()
    body = await read_body(request)
    try:
        execution_id, news = _understood(request, body, inbox.parse_update[kind.value])
    except _NotUnderstood as error:
        await _keep(crew, body, error, inbox)
        return error.answer
    webhook = None
    if crew in inbox.forwarding:
        content_type = request.headers.get("Content-Type", "")
        webhook = ForwardedWebhook(
            inbox.new_id(), crew, execution_id, kind.value, content_type, body.content
        )
    await record_update(
        crew,
        execution_id,
        news,
        uow=inbox.uow,
        at=inbox.clock(),
        new_id=inbox.new_id,
        webhook=webhook,
    )
    return web.json_response({"status": "accepted"}, status=202)


class _NotUnderstood(Exception):
    """An authenticated body that cannot be read: kept as it came, and refused with `answer`."""

    def __init__(self, reason: str, answer: web.Response) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer


def _understood(request: web.Request, body: Body, parse: Callable[[bytes], Read]) -> Read:
    if body.too_large:
        raise _NotUnderstood(f"over {LIMIT:,} bytes", answers.too_large(LIMIT))
    if body.odd_encoding:
        reason = f"its Content-Encoding {body.odd_encoding[:40]!r} cannot be unpacked"
        raise _NotUnderstood(reason, answers.malformed("The body cannot be unpacked.", [reason]))
    if not is_json(request):
        content_type = request.headers.get("Content-Type", "")
        raise _NotUnderstood("not sent as JSON", answers.not_json(content_type))
    try:
        return parse(body.content)
    except Malformed as error:
        reason = "; ".join((str(error), *error.details))
        raise _NotUnderstood(reason, answers.malformed(str(error), error.details)) from error


async def _keep(crew: str, body: Body, error: _NotUnderstood, inbox: Inbox) -> None:
    dead_letter = await store_dead_letter(
        crew, body.content, error.reason, uow=inbox.uow, clock=inbox.clock, new_id=inbox.new_id
    )
    log.warning("not_understood", crew=crew, dead_letter=dead_letter.id, status=error.answer.status)


@web.middleware
async def explain_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as JSON; what nobody foresaw is logged with its traceback."""
    try:
        return await handler(request)
    except StoreUnavailable as error:
        log.warning("store_unavailable", path=request.match_info.route.name, why=str(error))
        return answers.unavailable()
    except BodyNotReceived:
        return answers.malformed("The body did not arrive in full.")
    except web.HTTPException as error:
        return answers.refusal(error.status, error.reason.lower().replace(" ", "_"), error.reason)
