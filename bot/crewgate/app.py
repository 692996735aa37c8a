"""The only place that builds adapters and wires them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.crewai.flow_requests import parse_flow_request
from crewgate.crewai.kickoff import new_kickoff, parse_execution, parse_kickoff, parse_registration
from crewgate.crewai.payloads import parse_notification
from crewgate.crewai.stream import parse_events
from crewgate.crewai.updates import parse_crew, parse_step, parse_task
from crewgate.crews import (
    build_credentials,
    build_crews,
    build_redactors,
    connect_crews,
    open_flow_answers,
    open_forwarder,
)
from crewgate.domain.crew import Crew
from crewgate.domain.effects import goes_to_slack
from crewgate.domain.people import User
from crewgate.lifecycle import (
    Supervisor,
    build_workers,
    find_orphaned_destinations,
    open_database,
    open_outbox,
    posts_of_gone_crews,
    run_workers,
    serve_http,
)
from crewgate.readiness import Readiness, Warn
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings
from crewgate.settings.rules import doubtful
from crewgate.slack import adapters, listeners
from crewgate.slack.client.bolt import new_bolt
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.socket_mode import SocketMode
from crewgate.slack.client.web_api import new_client
from crewgate.slack.context import SlackContext
from crewgate.store.unit_of_work import SqlUnitOfWork
from crewgate.threads import open_threads
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.heartbeat import Heartbeat
from crewgate.usecases.delivery.worker import Worker
from crewgate.usecases.emails import owner_of
from crewgate.usecases.installations import Installations
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.wakeup import Wakeup
from crewgate.web import routes, slack_events
from crewgate.web.context import WebContext
from crewgate.web.credentials import EventKind
from crewgate.web.health import CheckHealth
from crewgate.web.proof import prove

log = structlog.get_logger(__name__)

#: How long a stop waits for kickoffs whose answer is still on its way, in seconds.
STOP_KICKOFFS_SECONDS = 4
#: How long it waits, after that, for what Slack's requests began, in seconds.
STOP_LISTENERS_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A running bot: where it listens, and how it is."""

    address: str
    check_health: CheckHealth


@asynccontextmanager
async def running(settings: Settings, runtime: Runtime | None = None) -> AsyncIterator[Bot]:
    """Run the bot for as long as the block lasts, then finish what is under way.

    Only the database must be there at the start: Slack and the crews may come later. Raises
    StoreUnavailable, or OSError when the port is taken.
    """
    runtime = runtime or Runtime()
    clock = runtime.clock
    async with AsyncExitStack() as stack:
        engines = await stack.enter_async_context(open_database(settings.database_url))
        crews = build_crews(settings)
        _warn_of_rules(settings)
        outbox = await open_outbox(engines, due_at=clock() + runtime.grace, crews=crews)
        workers: dict[str, Worker] = {}
        saved = Wakeup()
        uow = SqlUnitOfWork(engines, wake=partial(_wake, workers, saved))
        off_loop = stack.enter_context(open_threads())
        redactors = build_redactors(settings)
        clients = await stack.enter_async_context(
            connect_crews(settings, redactors, clock=clock, off_loop=off_loop)
        )
        identity = Identity(
            _new_slack(settings),
            sleep=runtime.sleep,
            installations=Installations(uow, settings.slack_bot_token),
        )
        await identity.recall()
        slack = adapters.build(
            crews.values(),
            identity=identity,
            clock=clock,
            steady=runtime.steady,
            owner_of=partial(owner_of, uow=uow),
            off_loop=off_loop,
            redactors=redactors,
            rules=await uow.read.rules(crews),
        )
        delivery_context = DeliveryContext(
            uow=uow.for_outbox(),
            messenger=slack.messenger,
            directory=slack.directory,
            forwarder=await stack.enter_async_context(open_forwarder(settings)),
            flows=(
                flows := await stack.enter_async_context(
                    open_flow_answers(settings, redactors, clock=clock, off_loop=off_loop)
                )
            ),
            clients=clients,
            crews=crews,
            clock=clock,
            jitter=runtime.jitter,
            retry=runtime.retry,
            grace=runtime.grace,
            start_grace=runtime.start_grace,
        )
        slack_warnings: list[Warn] = [lambda: identity.warning]
        heartbeat = Heartbeat(
            outbox.note_alive,
            clock=clock,
            steady=runtime.steady,
            sleep=runtime.sleep,
            stepped=runtime.clock_stepped,
            away=lambda: runtime.clock_in_doubt or _is_away(workers, slack_warnings),
        )
        workers |= build_workers(
            outbox,
            delivery_context,
            runtime.pace,
            post_rate=runtime.post_rate,
            update_rate=runtime.update_rate,
            gone=await posts_of_gone_crews(outbox, crews),
            steady=runtime.steady,
            time_counts=heartbeat.counts,
        )
        kickoffs = Kickoffs(
            uow=uow,
            crews=crews,
            clients=clients,
            clock=clock,
            new_id=runtime.new_id,
            redactors=redactors,
        )

        # Nothing is verified over a socket: Slack is at its other end.
        signing_secret = None if settings.slack_app_token else settings.slack_signing_secret
        bolt = new_bolt(_new_slack(settings), signing_secret=signing_secret)
        # The kickoffs first: a listener waits for the one that its form began.
        stack.push_async_callback(bolt.finish, within=STOP_LISTENERS_SECONDS)
        stack.push_async_callback(kickoffs.finish, within=STOP_KICKOFFS_SECONDS)
        slack_context = SlackContext(
            uow=uow,
            crews=crews,
            directory=slack.directory,
            clock=clock,
            client=identity.client,
            identity=identity,
            clients=clients,
            kickoffs=kickoffs,
            new_kickoff=new_kickoff,
            saved=saved,
            sleep=runtime.sleep,
            off_loop=off_loop,
        )
        background = listeners.register(bolt, slack_context) | {
            "identity": identity.run,
            "directory": slack.directory.run,
            "heartbeat": heartbeat.run,
        }
        if settings.slack_app_token:
            socket = SocketMode(bolt, settings.slack_app_token, ping=runtime.ping)
            background["socket"] = socket.run
            slack_warnings.append(lambda: socket.warning)

        supervisor = Supervisor(clock=runtime.steady, restart=runtime.restart)
        warnings: list[Warn] = [
            *slack_warnings,
            lambda: slack.directory.warning,
            lambda: slack.directory.moved_warning,
            lambda: runtime.clock_warning,
            partial(_alone_as_reviewer, crews, identity),
        ]
        readiness = Readiness(
            probe=uow.probe,
            count_set_aside=outbox.count_set_aside,
            supervisor=supervisor,
            workers=workers,
            warnings=warnings,
            clock=runtime.steady,
        )
        web_context = WebContext(
            credentials=build_credentials(settings),
            uow=uow,
            crews=crews,
            clock=clock,
            new_id=runtime.new_id,
            off_loop=off_loop,
            kickoffs=kickoffs,
            check_health=readiness.check_health,
            redactors=redactors,
            prove=partial(prove, settings.slack_bot_token),
            status_token=settings.status_token,
            public_url=settings.public_url,
            parse_notification=parse_notification,
            parse_flow_request=parse_flow_request,
            may_answer=flows.may_answer,
            parse_update={
                EventKind.TASK: parse_task,
                EventKind.STEP: parse_step,
                EventKind.CREW: parse_crew,
            },
            parse_events=parse_events,
            parse_kickoff=parse_kickoff,
            parse_registration=parse_registration,
            parse_execution=parse_execution,
            forwarding=frozenset(name for name, crew in crews.items() if crew.forward),
        )
        application = routes.build(web_context)
        if signing_secret:
            slack_events.add_routes(application, bolt, signing_secret=signing_secret)
        address = await stack.enter_async_context(
            serve_http(application, settings.host, settings.port)
        )
        delivery_context.listening.since = clock()
        await stack.enter_async_context(
            run_workers(workers, background, supervisor, ready=slack.directory.wait_until_asked)
        )
        orphaned = await find_orphaned_destinations(outbox, workers)
        warnings.extend(partial(str, destination) for destination in orphaned)
        log.info(
            "started", address=address, crews=list(crews), socket=bool(settings.slack_app_token)
        )
        yield Bot(address=address, check_health=readiness.check_health)
        log.info("stopping")


def _wake(workers: Mapping[str, Worker], saved: Wakeup, destination: str) -> None:
    if destination in workers:
        workers[destination].wake()
    saved.set()


def _warn_of_rules(settings: Settings) -> None:
    for crew in settings.crews.values():
        for place, why in doubtful(crew):
            log.warning("rule_doubtful", rule=place, why=why)


def _alone_as_reviewer(crews: Mapping[str, Crew], identity: Identity) -> str | None:
    """A warning of crews whose only reviewer is this bot, for it decides nothing."""
    alone = [name for name, crew in crews.items() if crew.reviewers == (User(identity.user or ""),)]
    if not alone:
        return None
    return f"the only reviewer of {', '.join(alone)} is this bot, which decides nothing"


def _is_away(workers: Mapping[str, Worker], warnings: Sequence[Warn]) -> bool:
    """True while Slack warns of something, or takes no messages."""
    posting = (worker for name, worker in workers.items() if goes_to_slack(name))
    return any(warn() for warn in warnings) or any(worker.is_away for worker in posting)


def _new_slack(settings: Settings) -> AsyncWebClient:
    return new_client(token=settings.slack_bot_token, base_url=settings.slack_api_url)
