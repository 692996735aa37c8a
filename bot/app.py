"""The only place that builds adapters and wires them."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.crewai.addresses import is_private_url
from bot.crewai.kickoff import new_kickoff, parse_execution, parse_kickoff, parse_registration
from bot.crewai.lookups import Lookups
from bot.crewai.payloads import parse_notification
from bot.crewai.transport import open_client
from bot.crewai.updates import parse_crew, parse_step, parse_task
from bot.crewai.webhook_forwarder import HttpWebhookForwarder
from bot.crews import build_credentials, build_crews, connect_crews
from bot.domain.retry import Retry
from bot.lifecycle import (
    RESTART,
    Supervisor,
    build_workers,
    open_database,
    open_outbox,
    run_workers,
    serve_http,
    warn_of_orphaned_destinations,
)
from bot.readiness import Readiness, Warn
from bot.settings.load import Settings
from bot.slack import listeners as slack_listeners
from bot.slack.client.bolt import new_bolt
from bot.slack.client.directory import SlackDirectory
from bot.slack.client.identity import Identity
from bot.slack.client.posting import Poster
from bot.slack.client.rate_limit import Rate
from bot.slack.client.socket_mode import PING, SocketMode
from bot.slack.client.web_api import new_client
from bot.slack.context import SlackContext
from bot.slack.executions.messenger import SlackExecutionMessenger
from bot.slack.messenger import SlackMessenger
from bot.store.unit_of_work import SqlUnitOfWork
from bot.usecases.delivery.context import GRACE, DeliveryContext
from bot.usecases.delivery.worker import Pace, Worker
from bot.usecases.kickoff import Kickoffs
from bot.usecases.ports.base import Crews, Sleep
from bot.usecases.ports.crew import CrewClients
from bot.usecases.wakeup import Wakeup
from bot.web import slack_events
from bot.web.context import Health, WebContext
from bot.web.credentials import EventKind
from bot.web.error_responses import explain_failures
from bot.web.request_body import LIMIT
from bot.web.routes import add_routes

log = structlog.get_logger(__name__)

#: How long a stop waits for kickoffs whose answer is still on its way, in seconds.
STOP_KICKOFFS_SECONDS = 4


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Clock, ids, chance and pace: what tests replace."""

    clock: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(12))
    jitter: Callable[[], float] = random.random
    sleep: Sleep = asyncio.sleep
    retry: Retry = field(default_factory=Retry)
    grace: timedelta = GRACE
    pace: Pace = field(default_factory=Pace)
    rate: Rate = field(default_factory=Rate)
    restart: Retry = RESTART
    ping: float = PING
    """Seconds between two pings on the socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A running bot: where it listens, and how it is."""

    address: str
    check_health: Callable[[], Coroutine[Any, Any, Health]]


@asynccontextmanager
async def running(settings: Settings, runtime: Runtime | None = None) -> AsyncIterator[Bot]:
    """Run the bot for as long as the block lasts, then finish what is under way.

    Only the database must be there at the start: Slack and the crews may come later. Raises
    StoreUnavailable, or OSError when the port is taken.
    """
    runtime = runtime or Runtime()
    async with AsyncExitStack() as stack:
        engines = await stack.enter_async_context(open_database(settings.database_url))
        outbox = await open_outbox(engines, due_at=runtime.clock() + runtime.grace)
        workers: dict[str, Worker] = {}
        saved = Wakeup()

        def wake(destination: str) -> None:
            _call(workers.get(destination))
            saved.set()

        uow = SqlUnitOfWork(engines, wake=wake)
        crews = build_crews(settings)
        clients = await stack.enter_async_context(connect_crews(settings, clock=runtime.clock))
        slack = _new_slack(settings)
        identity = Identity(slack, sleep=runtime.sleep)
        directory = SlackDirectory(
            slack,
            (ref for crew in crews.values() for ref in (*crew.reviewers, *crew.starters)),
            clock=runtime.clock,
        )
        poster = Poster(slack, clock=runtime.clock, rate=runtime.rate)
        private_crews = (name for name, crew in settings.crews.items() if is_private_url(crew.url))
        context = DeliveryContext(
            uow=uow,
            messenger=SlackMessenger(slack, poster, clock=runtime.clock),
            execution_messenger=SlackExecutionMessenger(poster),
            directory=directory,
            forwarder=HttpWebhookForwarder(
                await stack.enter_async_context(open_client()),
                Lookups(),
                private_crews=frozenset(private_crews),
            ),
            clients=clients,
            crews=crews,
            clock=runtime.clock,
            jitter=runtime.jitter,
            retry=runtime.retry,
            grace=runtime.grace,
        )
        workers |= build_workers(outbox, context, runtime.pace)
        kickoffs = _kickoffs(stack, uow, crews, clients, runtime)
        bolt = new_bolt(_new_slack(settings), signing_secret=_signing_secret(settings))
        home = slack_listeners.register(
            bolt,
            SlackContext(
                uow=uow,
                crews=crews,
                directory=directory,
                clock=runtime.clock,
                client=slack,
                identity=identity,
                clients=clients,
                kickoffs=kickoffs,
                new_kickoff=new_kickoff,
                saved=saved,
                sleep=runtime.sleep,
            ),
        )
        background = {"identity": identity.run, "directory": directory.run, "home": home.run}
        warnings: list[Warn] = [lambda: identity.warning]
        if settings.slack.app_token:
            socket = SocketMode(bolt, settings.slack.app_token, ping=runtime.ping)
            background["socket"] = socket.run
            warnings.append(lambda: socket.warning)

        supervisor = Supervisor(clock=runtime.clock, restart=runtime.restart)
        readiness = Readiness(
            probe=uow.probe,
            supervisor=supervisor,
            workers=workers,
            warnings=warnings,
            clock=runtime.clock,
        )
        application = _application(
            settings, runtime, uow=uow, crews=crews, kickoffs=kickoffs, readiness=readiness
        )
        if signing_secret := _signing_secret(settings):
            slack_events.add_routes(application, bolt, signing_secret=signing_secret)
        address = await stack.enter_async_context(
            serve_http(application, settings.host, settings.port)
        )
        await stack.enter_async_context(run_workers(workers, background, supervisor))
        await warn_of_orphaned_destinations(outbox, workers)
        log.info(
            "started", address=address, crews=list(crews), socket=bool(settings.slack.app_token)
        )
        yield Bot(address=address, check_health=readiness.check_health)
        log.info("stopping")


def _application(
    settings: Settings,
    runtime: Runtime,
    *,
    uow: SqlUnitOfWork,
    crews: Crews,
    kickoffs: Kickoffs,
    readiness: Readiness,
) -> web.Application:
    """The addresses that crews and callers use."""
    application = web.Application(client_max_size=LIMIT, middlewares=[explain_failures])
    context = WebContext(
        credentials=build_credentials(settings),
        uow=uow,
        clock=runtime.clock,
        new_id=runtime.new_id,
        kickoffs=kickoffs,
        check_health=readiness.check_health,
        parse_notification=parse_notification,
        parse_update={
            EventKind.TASK: parse_task,
            EventKind.STEP: parse_step,
            EventKind.CREW: parse_crew,
        },
        parse_kickoff=parse_kickoff,
        parse_registration=parse_registration,
        parse_execution=parse_execution,
        forwarding=frozenset(name for name, crew in crews.items() if crew.forward),
    )
    add_routes(application, context)
    return application


def _kickoffs(
    stack: AsyncExitStack,
    uow: SqlUnitOfWork,
    crews: Crews,
    clients: CrewClients,
    runtime: Runtime,
) -> Kickoffs:
    kickoffs = Kickoffs(uow=uow, crews=crews, clients=clients, clock=runtime.clock)
    stack.push_async_callback(kickoffs.finish, within=STOP_KICKOFFS_SECONDS)
    return kickoffs


def _new_slack(settings: Settings) -> AsyncWebClient:
    return new_client(token=settings.slack.bot_token, base_url=settings.slack.api_url)


def _signing_secret(settings: Settings) -> str | None:
    """Nothing is verified over a socket: Slack is at its other end."""
    return None if settings.slack.app_token else settings.slack.signing_secret


def _call(worker: Worker | None) -> None:
    if worker is not None:
        worker.call()
