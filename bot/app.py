"""The only place that builds adapters and wires them."""

from __future__ import annotations

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

from bot.crewai.client import HttpCrew
from bot.crewai.kickoff import new_kickoff, parse_execution, parse_kickoff, parse_registration
from bot.crewai.payloads import parse_notification
from bot.crewai.transport import Timeouts, open_client
from bot.crewai.updates import parse_crew, parse_step, parse_task
from bot.crewai.webhook_forwarder import HttpWebhookForwarder, is_private
from bot.domain.crew import Crew
from bot.domain.effects import SLACK, crew_destination, forward_destination
from bot.domain.errors import StoreUnavailable
from bot.domain.notification import HumanInputWebhook, WebhookUrls
from bot.domain.retry import Retry
from bot.lifecycle import run_workers, serve_http
from bot.settings.load import CrewSettings, Settings
from bot.slack.client.bolt import new_bolt
from bot.slack.client.directory import SlackDirectory
from bot.slack.client.identity import Identity
from bot.slack.client.posting import Poster
from bot.slack.client.rate_limit import Rate
from bot.slack.client.socket_mode import SocketMode
from bot.slack.client.web_api import new_client
from bot.slack.commands import listeners as commands
from bot.slack.context import SlackContext
from bot.slack.executions.messenger import SlackExecutionMessenger
from bot.slack.home import listeners as home
from bot.slack.home.listeners import Homes
from bot.slack.kickoff import listeners as starting
from bot.slack.messenger import SlackMessenger
from bot.slack.notes import listeners as notes
from bot.slack.reviews import listeners
from bot.slack.reviews import reader_listeners as reviewing
from bot.store.engine import Engines, open_engines
from bot.store.failures import translate_errors
from bot.store.migrate import migrate
from bot.store.outbox import SqlOutbox
from bot.store.unit_of_work import SqlUnitOfWork
from bot.usecases.delivery.context import GRACE, DeliveryContext
from bot.usecases.delivery.dispatch import deliver
from bot.usecases.delivery.worker import Pace, Worker
from bot.usecases.kickoff import Kickoffs
from bot.usecases.ports.base import Crews
from bot.usecases.ports.crew import CrewClients
from bot.web import health, slack_events
from bot.web import kickoff as callers
from bot.web import webhooks as routes
from bot.web.credentials import Credentials, EventKind
from bot.web.request_body import LIMIT

log = structlog.get_logger(__name__)

#: How long a stop waits for kickoffs whose answer is still on its way, in seconds.
STOP_KICKOFFS_SECONDS = 4
#: A worker that has not gone round for this long does not work on the outbox.
STALL_TIMEOUT = timedelta(seconds=30)


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Clock, ids, chance and pace: what tests replace."""

    clock: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(12))
    jitter: Callable[[], float] = random.random
    retry: Retry = field(default_factory=Retry)
    grace: timedelta = GRACE
    pace: Pace = field(default_factory=Pace)
    rate: Rate = field(default_factory=Rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A running bot: where it listens, and how it is."""

    address: str
    check_health: Callable[[], Coroutine[Any, Any, health.Health]]


@asynccontextmanager
async def running(settings: Settings, runtime: Runtime | None = None) -> AsyncIterator[Bot]:
    """Run the bot for as long as the block lasts, then finish what is under way.

    Only the database must be there at the start: Slack and the crews may come later. Raises
    StoreUnavailable, or OSError when the port is taken.
    """
    runtime = runtime or Runtime()
    async with AsyncExitStack() as stack:
        engines = await stack.enter_async_context(_database(settings.database_url))
        outbox = await _outbox(engines, runtime)
        workers: dict[str, Worker] = {}
        homes: list[Homes] = []

        def wake(destination: str) -> None:
            _call(workers.get(destination))
            for shown in homes:
                shown.call()

        uow = SqlUnitOfWork(engines, wake=wake)
        crews = {name: _crew(crew, settings.public_url) for name, crew in settings.crews.items()}
        clients = await _clients(settings, stack, runtime)
        slack = _new_slack(settings)
        identity = Identity(slack)
        directory = SlackDirectory(
            slack,
            (ref for crew in crews.values() for ref in (*crew.reviewers, *crew.starters)),
            clock=runtime.clock,
        )
        poster = Poster(slack, clock=runtime.clock, rate=runtime.rate)
        private_crews = (name for name, crew in settings.crews.items() if is_private(crew.url))
        context = DeliveryContext(
            uow=uow,
            messenger=SlackMessenger(slack, poster, clock=runtime.clock),
            execution_messenger=SlackExecutionMessenger(poster),
            directory=directory,
            forwarder=HttpWebhookForwarder(
                await stack.enter_async_context(open_client()),
                private_crews=frozenset(private_crews),
            ),
            clients=clients,
            crews=crews,
            clock=runtime.clock,
            jitter=runtime.jitter,
            retry=runtime.retry,
            grace=runtime.grace,
        )
        workers |= _workers(outbox, context, runtime.pace)
        kickoffs = _kickoffs(stack, uow, crews, clients, runtime)
        bolt = new_bolt(_new_slack(settings), signing_secret=_signing_secret(settings))
        counter = starting.Counter(kickoffs=kickoffs, directory=directory, new_kickoff=new_kickoff)
        lobby = commands.Lobby(
            uow=uow,
            crews=crews,
            clients=clients,
            directory=directory,
            identity=identity,
            clock=runtime.clock,
            counter=counter,
        )
        slack_context = SlackContext(uow=uow, crews=crews, directory=directory, clock=runtime.clock)
        homes.append(Homes(slack, slack_context, identity.link))
        for feature in (listeners, reviewing, notes):
            feature.register(bolt, slack_context)
        starting.register(bolt, counter)
        commands.register(bolt, lobby)
        home.register(bolt, homes[0])
        background = [identity.run, directory.run, homes[0].run]
        warnings: list[Callable[[], str | None]] = [lambda: identity.warning]
        if settings.slack.app_token:
            socket = SocketMode(bolt, settings.slack.app_token)
            background.append(socket.run)
            warnings.append(lambda: socket.warning)

        async def check_health() -> health.Health:
            return await _check_health(uow, workers, warnings, runtime)

        application = _application(settings, runtime, uow=uow, crews=crews, kickoffs=kickoffs)
        health.add_routes(application, check_health)
        if signing_secret := _signing_secret(settings):
            slack_events.add_routes(application, bolt, signing_secret=signing_secret)
        address = await stack.enter_async_context(
            serve_http(application, settings.host, settings.port)
        )
        await stack.enter_async_context(run_workers(workers, background))
        await _warn_of_strangers(outbox, workers)
        log.info(
            "started", address=address, crews=list(crews), socket=bool(settings.slack.app_token)
        )
        yield Bot(address=address, check_health=check_health)
        log.info("stopping")


async def _outbox(engines: Engines, runtime: Runtime) -> SqlOutbox:
    outbox = SqlOutbox(engines)
    if engines.is_sqlite:
        # The file is ours alone, so whatever is leased belonged to a process that crashed.
        await outbox.release(due_at=runtime.clock() + runtime.grace)
    return outbox


def _workers(outbox: SqlOutbox, context: DeliveryContext, pace: Pace) -> dict[str, Worker]:
    """One for each destination: Slack, each crew, and where crews' webhooks are handed on to."""
    forwarding = (name for name, crew in context.crews.items() if crew.forward)
    destinations = (
        SLACK,
        *map(crew_destination, context.crews),
        *map(forward_destination, forwarding),
    )
    return {
        destination: Worker(destination, outbox=outbox, deliver=deliver, context=context, pace=pace)
        for destination in destinations
    }


def _application(
    settings: Settings, runtime: Runtime, *, uow: SqlUnitOfWork, crews: Crews, kickoffs: Kickoffs
) -> web.Application:
    """The addresses that crews and callers use."""
    application = web.Application(client_max_size=LIMIT, middlewares=[routes.explain_failures])
    inbox = routes.Inbox(
        credentials={name: _credentials(crew) for name, crew in settings.crews.items()},
        uow=uow,
        clock=runtime.clock,
        new_id=runtime.new_id,
        parse_notification=parse_notification,
        parse_update={"task": parse_task, "step": parse_step, "crew": parse_crew},
        forwarding=frozenset(name for name, crew in crews.items() if crew.forward),
    )
    routes.add_routes(application, inbox)
    gate = callers.Gate(
        tokens={name: crew.token for name, crew in settings.crews.items()},
        kickoffs=kickoffs,
        parse_kickoff=parse_kickoff,
        parse_registration=parse_registration,
        parse_execution=parse_execution,
    )
    callers.add_routes(application, gate)
    return application


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[Engines]:
    """The database, migrated. Raises StoreUnavailable, naming the setting."""
    try:
        engines = open_engines(url)
        with translate_errors():
            await migrate(engines.write)
    except StoreUnavailable as error:
        raise StoreUnavailable(f"DATABASE_URL: the database cannot be used: {error}") from error
    try:
        yield engines
    finally:
        await engines.dispose()


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


async def _clients(
    settings: Settings, stack: AsyncExitStack, runtime: Runtime
) -> dict[str, HttpCrew]:
    """One for each crew; they share connections, save those for kickoffs."""
    http = await stack.enter_async_context(open_client())
    return {
        name: HttpCrew(
            http,
            crew.url,
            crew.token,
            clock=runtime.clock,
            timeouts=Timeouts(resume=45),
            kickoff_http=await stack.enter_async_context(open_client()),
        )
        for name, crew in settings.crews.items()
    }


def _crew(crew: CrewSettings, public_url: str | None) -> Crew:
    return Crew(
        name=crew.name,
        channel=crew.channel,
        reviewers=crew.reviewers,
        configured=WebhookUrls(
            task=crew.task_webhook_url, step=crew.step_webhook_url, crew=crew.crew_webhook_url
        ),
        own=_own_webhooks(crew, public_url) if public_url else WebhookUrls(),
        resend_human_input=crew.resend_human_input_webhook,
        starters=crew.starters,
        forward=crew.forward,
    )


def _own_webhooks(crew: CrewSettings, public_url: str) -> WebhookUrls:
    here = f"{public_url}/crews/{crew.name}"
    key = _credentials(crew).event_key
    return WebhookUrls(
        task=f"{here}/events/task/{key(EventKind.TASK)}",
        step=f"{here}/events/step/{key(EventKind.STEP)}",
        crew=f"{here}/events/crew/{key(EventKind.CREW)}",
        human_input=HumanInputWebhook(
            url=f"{here}/human-input", strategy="bearer", token=crew.webhook_secret
        ),
    )


def _credentials(crew: CrewSettings) -> Credentials:
    return Credentials(crew.name, crew.webhook_secret)


def _new_slack(settings: Settings) -> AsyncWebClient:
    return new_client(token=settings.slack.bot_token, base_url=settings.slack.api_url)


def _signing_secret(settings: Settings) -> str | None:
    """Nothing is verified over a socket: Slack is at its other end."""
    return None if settings.slack.app_token else settings.slack.signing_secret


def _call(worker: Worker | None) -> None:
    if worker is not None:
        worker.call()


async def _check_health(
    uow: SqlUnitOfWork,
    workers: dict[str, Worker],
    warnings: list[Callable[[], str | None]],
    runtime: Runtime,
) -> health.Health:
    failures = []
    try:
        await uow.probe()
    except StoreUnavailable as error:
        failures.append(f"the database cannot be used: {error}")
    now = runtime.clock()
    failures += [
        f"the outbox for {name} is not being worked"
        for name, worker in workers.items()
        if now - worker.last_polled_at > STALL_TIMEOUT
    ]
    found = [warning for check in warnings if (warning := check())]
    found += [
        f"{name}: {warning}" for name, worker in workers.items() for warning in worker.warnings
    ]
    return health.Health(tuple(failures), tuple(found))


async def _warn_of_strangers(outbox: SqlOutbox, workers: dict[str, Worker]) -> None:
    for destination in await outbox.orphaned_destinations(list(workers)):
        log.warning("nobody_works_on", destination=destination, hint="was this crew renamed?")
