"""The only place that builds adapters and wires them."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from crewgate import __version__, crews, lifecycle
from crewgate.audit.keys import open_signer
from crewgate.crewai import payloads
from crewgate.crewai.flow_requests import parse_flow_request
from crewgate.crewai.kickoff import new_kickoff, parse_execution, parse_kickoff, parse_registration
from crewgate.domain.audit import BOT, Code, Entry
from crewgate.domain.effects import goes_to_slack
from crewgate.domain.errors import CrewgateError
from crewgate.domain.people import Role, User
from crewgate.logs import set_up_logging
from crewgate.metrics import begin_at_zero, count_warning
from crewgate.network.connections import Limits
from crewgate.readiness import Readiness, Scrape, Warn
from crewgate.runtime import Runtime, open_threads
from crewgate.settings.crew import doubtful
from crewgate.settings.load import Settings
from crewgate.slack import listeners
from crewgate.slack.client.bolt import new_bolt
from crewgate.slack.client.directory import new_directory
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.web_api import keep_connections, new_client, time_told
from crewgate.slack.context import SlackContext
from crewgate.slack.messenger import SlackMessenger
from crewgate.slack.reviews.people import People
from crewgate.store.engine import log_statements, scrub
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.audit import Linking
from crewgate.usecases.delivery.context import DeliveryContext, Trace
from crewgate.usecases.delivery.heartbeat import Heartbeat
from crewgate.usecases.delivery.reports import plan_digests
from crewgate.usecases.delivery.worker import Worker
from crewgate.usecases.empty import EmptyLists
from crewgate.usecases.fetch import Fetches
from crewgate.usecases.installations import Installations, owner_of
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.base import Changes, Wakeup, ending_turns
from crewgate.usecases.removal import RemovalLoop
from crewgate.usecases.teaching import Teaching
from crewgate.web import health, routes, slack_events
from crewgate.web.context import WebContext, explain_failures
from crewgate.web.credentials import EventKind, prove
from crewgate.web.health import CheckHealth, is_local, may_see_details

if TYPE_CHECKING:
    from crewgate.slack.client.socket_mode import SocketMode

log = structlog.get_logger(__name__)

#: The seconds that a stopping bot waits for kickoffs that their crew has not answered yet.
STOP_KICKOFFS_SECONDS = 4
#: The seconds that the bot waits, after these kickoffs, for listeners at work on Slack's requests.
STOP_LISTENERS_SECONDS = 1
#: The most connections to METRICS_PORT, where anybody may ask: each connection takes an open file,
#: and the connections of crews need files too.
METRICS_CONNECTIONS = 20


class NoOpenTelemetry(CrewgateError):
    """Traces are configured, but their exporter is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A running bot: its address and its health."""

    address: str
    check_health: CheckHealth


@asynccontextmanager
async def running(settings: Settings, runtime: Runtime | None = None) -> AsyncIterator[Bot]:
    """Run the bot during the body of the `async with`, then finish the work under way.

    Only the database must be reachable at the start. Raises StoreUnavailable, SecretKeysRefused,
    CannotListen and NoOpenTelemetry.
    """
    async with AsyncExitStack() as stack:
        bot = _Assembly(settings, runtime or Runtime(), stack)
        bot.warn_of_rules()
        await bot.open_store()
        await bot.open_clients()
        await bot.build_slack()
        await bot.build_deliveries()
        bot.build_kickoffs()
        bot.register_listeners()
        await bot.build_readiness()
        address = await bot.listen()
        await bot.work()
        log.info(
            "started",
            version=__version__,
            address=address,
            public_url=settings.public_url,
            mode="http" if bot.socket is None else "socket",
            database=_without_credentials(settings.database_url),
            crews=list(bot.crews),
        )
        yield Bot(address=address, check_health=bot.readiness.check_health)
        log.info("stopping")
    log.info("stopped")


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme.partition('+')[0]}://{parts.hostname or ''}{parts.path}"


class _Assembly:
    """The parts of one bot, built in steps, each from earlier parts."""

    def __init__(self, settings: Settings, runtime: Runtime, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.runtime = runtime
        self.stack = stack
        self.stepping = runtime.stepping()
        self.crews = crews.build_crews(settings)
        self.redactors = crews.build_redactors(settings)
        self.saved, self.unheard = Changes(), Wakeup()
        self.refused_requests = slack_events.RefusedRequests()
        self.sleep = ending_turns(runtime.sleep)
        self.workers: Mapping[str, Worker] = {}
        """Empty until `build_deliveries`, and read by earlier parts when they wake a worker."""

    def warn_of_rules(self) -> None:
        for crew in self.settings.crews.values():
            for place, why in doubtful(crew):
                log.warning("rule_doubtful", rule=place, why=why)

    async def open_store(self) -> None:
        runtime = self.runtime
        url, keys = self.settings.database_url, self.settings.secret_keys
        engines = await self.stack.enter_async_context(lifecycle.open_database(url, keys))
        self.signer = open_signer(self.settings, make=True)
        due_at = runtime.clock() + runtime.grace
        self.outbox = await lifecycle.open_outbox(engines, due_at=due_at, crews=self.crews)
        self.uow = UnitOfWork(
            engines,
            wake=self._wake,
            changed=self.saved.of,
            clock=runtime.clock,
            masking={name: crew.redact for name, crew in self.crews.items()},
        )
        self.fetches = Fetches(
            self.uow, payloads.decision_body, clock=runtime.clock, new_id=runtime.new_id
        )
        # The `repr` of settings leaves out secrets, so nobody can guess a secret by this digest.
        digest = sha256(repr(self.settings).encode()).hexdigest()
        data = {"version": __version__, "settings": digest}
        async with self.uow.begin() as tx:
            for name, crew in self.crews.items():
                own = [*map(str, crew.permitted(Role.REVIEWER))]
                tx.audit.add(Entry(Code.STARTED, BOT, {**data, "reviewers": own}), crew=name)
            await plan_digests(self.crews, tx, at=runtime.clock())

    async def open_clients(self) -> None:
        self.off_loop = self.stack.enter_context(open_threads())
        enter, clock, off_loop = self.stack.enter_async_context, self.runtime.clock, self.off_loop
        self.clients = await enter(
            crews.connect_crews(self.settings, self.redactors, clock=clock, off_loop=off_loop)
        )
        self.teaching = Teaching(self.uow, self.clients, clock=clock)
        self.forwarder = await enter(crews.open_forwarder(self.settings))
        self.flows = await enter(
            crews.open_flow_answers(self.settings, self.redactors, clock=clock, off_loop=off_loop)
        )

    async def build_slack(self) -> None:
        settings, runtime = self.settings, self.runtime
        session = await self.stack.enter_async_context(keep_connections())
        new_slack_client = partial(
            new_client,
            token=settings.slack_bot_token,
            base_url=settings.slack_api_url,
            session=session,
        )
        self.identity = Identity(
            new_slack_client(),
            sleep=self.sleep,
            installations=Installations(self.uow, settings.slack_bot_token),
            team=settings.slack_team,
        )
        await self.identity.recall()
        self.directory = new_directory(
            self.identity,
            self.crews,
            rules=await self.uow.read.rules(self.crews),
            owner_of=partial(owner_of, uow=self.uow),
            clock=runtime.steady,
        )
        self.empty_lists = EmptyLists(
            uow=self.uow.for_outbox(),
            crews=self.crews,
            directory=self.directory,
            clock=runtime.clock,
            asked=self.directory.asked,
        )
        self.bolt = new_bolt(new_slack_client())
        self.socket: SocketMode | None = None
        if settings.slack_app_token:
            from crewgate.slack.client.socket_mode import SocketMode  # noqa: PLC0415  # over HTTP no socket is opened

            self.socket = SocketMode(
                self.bolt,
                settings.slack_app_token,
                ping=runtime.ping,
                on_gap=self.unheard.set,
                is_alone=lambda: self.outbox.is_alone(runtime.clock()),
            )

    async def build_deliveries(self) -> None:
        runtime = self.runtime
        people = People(self.crews, self.directory, runtime.clock)
        self.deliveries = DeliveryContext(
            uow=self.uow.for_outbox(),
            messenger=SlackMessenger(
                self.identity, people, clock=runtime.clock, off_loop=self.off_loop
            ),
            directory=self.directory,
            forwarder=self.forwarder,
            flows=self.flows,
            clients=self.clients,
            teaching=self.teaching,
            crews=self.crews,
            clock=runtime.clock,
            new_id=runtime.new_id,
            off_loop=self.off_loop,
            jitter=runtime.jitter,
            retry=runtime.retry,
            grace=runtime.grace,
            start_grace=runtime.start_grace,
            trace=await self._open_traces(),
            share_grace=runtime.share_grace,
            mentioned_each=runtime.mentioned_each,
        )
        self.linking = Linking(
            self.uow.for_outbox(),
            sign=self.signer,
            channel=self.settings.audit_channel,
            clock=runtime.clock,
            sleep=self.sleep,
        )
        # The linking of audit entries ends after the workers, which add entries to the last, and
        # before the database is closed.
        self.stack.push_async_callback(self.linking.finish)
        self.heartbeat = Heartbeat(
            self.outbox.note_alive,
            clock=runtime.clock,
            steady=runtime.steady,
            sleep=self.sleep,
            stepped=self.stepping.watch,
            away=lambda: self.stepping.is_in_doubt or self._is_slack_away(),
            on_lost=self.unheard.set,
        )
        self.workers = lifecycle.build_workers(
            self.outbox,
            self.deliveries,
            runtime.pace,
            post_rate=runtime.post_rate,
            update_rate=runtime.update_rate,
            steady=runtime.steady,
            time_counts=self.heartbeat.counts,
        )

    async def _open_traces(self) -> Trace:
        endpoint = self.settings.otel_exporter_otlp_endpoint
        if endpoint is None:
            return lambda *_: None
        try:
            from crewgate.traces import open_traces  # noqa: PLC0415  # an optional dependency, and slow to import
        except ImportError as error:
            hint = "install Crewgate with its extra “otel”, or take it out"
            raise NoOpenTelemetry(f"OTEL_EXPORTER_OTLP_ENDPOINT: {hint}") from error
        return await self.stack.enter_async_context(open_traces(endpoint))

    def build_kickoffs(self) -> None:
        self.kickoffs = Kickoffs(
            uow=self.uow,
            crews=self.crews,
            clients=self.clients,
            clock=self.runtime.clock,
            new_id=self.runtime.new_id,
            redactors=self.redactors,
            teaching=self.teaching,
        )

    def register_listeners(self) -> None:
        # Callbacks run from the last to the first: kickoffs end before the listeners that wait for
        # them.
        self.stack.push_async_callback(self.bolt.finish, within=STOP_LISTENERS_SECONDS)
        self.stack.push_async_callback(self.kickoffs.finish, within=STOP_KICKOFFS_SECONDS)
        context = SlackContext(
            uow=self.uow.for_people(),
            crews=self.crews,
            directory=self.directory,
            clock=self.runtime.clock,
            identity=self.identity,
            clients=self.clients,
            kickoffs=self.kickoffs,
            new_kickoff=new_kickoff,
            saved=self.saved,
            unheard=self.unheard,
            new_id=self.runtime.new_id,
            sleep=self.sleep,
            off_loop=self.off_loop,
            redactors=self.redactors,
        )
        self.loops = listeners.register(self.bolt, context)

    async def build_readiness(self) -> None:
        orphaned = await lifecycle.find_orphaned_destinations(self.outbox, self.workers)
        self.supervisor = lifecycle.Supervisor(
            clock=self.runtime.steady, restart=self.runtime.restart
        )
        warnings: list[Warn] = [
            *self._slack_warnings(),
            lambda: self.socket.others.warning if self.socket is not None else None,
            lambda: self.directory.warning,
            lambda: self.directory.moved_warning,
            lambda: self.stepping.warning,
            lambda: self.refused_requests.warning(self.runtime.clock().timestamp()),
            self._alone_as_reviewer,
            lambda: self.empty_lists.warning,
            *(partial(str, destination) for destination in orphaned),
        ]
        self.readiness = Readiness(
            probe=self.uow.probe,
            count_set_aside=self.outbox.count_set_aside,
            supervisor=self.supervisor,
            workers=self.workers,
            warnings=warnings,
            clock=self.runtime.steady,
        )

    async def listen(self) -> str:
        """Accept requests from now on; return the address."""
        settings = self.settings
        context = WebContext(
            credentials=crews.build_credentials(settings),
            uow=self.uow,
            crews=self.crews,
            clock=self.runtime.clock,
            machine=self.stepping.machine,
            new_id=self.runtime.new_id,
            off_loop=self.off_loop,
            kickoffs=self.kickoffs,
            fetches=self.fetches,
            check_health=self.readiness.check_health,
            redactors=self.redactors,
            prove=partial(prove, crews.identity_of(settings)),
            status_token=settings.status_token,
            public_url=settings.public_url,
            parse_notification=payloads.parse_notification,
            parse_flow_request=parse_flow_request,
            may_answer=self.flows.may_answer,
            parse_update={
                EventKind.TASK: payloads.parse_task,
                EventKind.STEP: payloads.parse_step,
                EventKind.CREW: payloads.parse_crew,
            },
            parse_kickoff=parse_kickoff,
            parse_registration=parse_registration,
            parse_execution=parse_execution,
            forwarding=frozenset(name for name, crew in self.crews.items() if crew.forward),
        )
        application = routes.build(context)
        # In Socket Mode Slack sends its requests over a socket that the bot opened, so there is no
        # route for them; a request to a route proves by its signature that Slack sent it.
        if self.socket is None:
            slack_events.add_routes(
                application,
                self.bolt,
                signing_secrets=settings.signing_secrets,
                refused=self.refused_requests,
            )
        address = await self._listen(application)
        self.deliveries.listening.since = self.runtime.clock()
        return address

    async def _listen(self, application: web.Application) -> str:
        """Serve `application`, and `/metrics` with it or on METRICS_PORT; return the address."""
        settings, enter = self.settings, self.stack.enter_async_context
        begin_at_zero(self.crews)
        scrape = Scrape(
            read_backlog=self.uow.read.backlog,
            crews=self.crews,
            supervisor=self.supervisor,
            workers=self.workers,
            clock=self.runtime.clock,
            steady=self.runtime.steady,
        )
        if settings.metrics_port is None:
            allows = partial(
                may_see_details,
                status_token=settings.status_token,
                local=is_local(settings.public_url),
            )
            health.add_route(application, scrape.render, allows=allows)
        else:
            alone = web.Application(middlewares=[explain_failures])
            health.add_route(alone, scrape.render, allows=lambda _request: True)
            limits = Limits(connections=METRICS_CONNECTIONS)
            await enter(
                lifecycle.serve_http(alone, settings.host, settings.metrics_port, limits=limits)
            )
        return await enter(lifecycle.serve_http(application, settings.host, settings.port))

    async def work(self) -> None:
        loops = self.loops | {
            "identity": self.identity.run,
            "directory": self.directory.run,
            "empty_lists": self.empty_lists.run,
            "heartbeat": self.heartbeat.run,
            "audit": self.linking.run,
        }
        if any(crew.retention for crew in self.crews.values()):
            loops["removal"] = RemovalLoop(
                self.uow.for_outbox(),
                crews=self.crews,
                clock=self.runtime.clock,
                slack_time=partial(time_told, self.identity.client),
                sleep=self.sleep,
                scrub=partial(scrub, self.settings.database_url),
            ).run
        if self.socket is not None:
            loops["socket"] = self.socket.run
        await self.stack.enter_async_context(
            lifecycle.run_workers(
                self.workers, loops, self.supervisor, ready=self.directory.wait_until_asked
            )
        )

    def _wake(self, destination: str) -> None:
        if destination in self.workers:
            self.workers[destination].wake()
            self.fetches.wake(destination)

    def _slack_warnings(self) -> list[Warn]:
        identity, socket = self.identity, self.socket
        found: list[Warn] = [lambda: identity.warning]
        return found if socket is None else [*found, lambda: socket.warning]

    def _is_slack_away(self) -> bool:
        posting = (worker for name, worker in self.workers.items() if goes_to_slack(name))
        warnings = (warn() for warn in self._slack_warnings())
        return any(warnings) or any(worker.is_away for worker in posting)

    def _alone_as_reviewer(self) -> str | None:
        """Return a warning of crews whose only reviewer is this bot, which cannot decide."""
        bot = (User(self.identity.user or ""),)
        alone = [name for name, crew in self.crews.items() if crew.reviewers == bot]
        if not alone:
            return None
        return f"the only reviewer of {', '.join(alone)} is this bot, which decides nothing"


async def serve(settings: Settings, runtime: Runtime | None = None) -> int:
    """Run the bot until SIGTERM or SIGINT. Raises as `running` does."""
    redactor = crews.build_log_redactor(settings)
    set_up_logging(
        settings.log_format, settings.log_level, redact=redactor.text, count=count_warning
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    statements = log_statements() if settings.log_level == "debug" else nullcontext()
    with statements:
        async with running(settings, runtime):
            # Objects built by now live until the end: searches for garbage skip them, saving 10 ms.
            gc.freeze()
            await stop.wait()
    return 0
