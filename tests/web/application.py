"""The routes over a real store, between stand-ins."""

import asyncio
from dataclasses import replace

from aiohttp import web

from crewgate.crewai.flow_requests import parse_flow_request
from crewgate.crewai.kickoff import parse_execution, parse_kickoff, parse_registration
from crewgate.crewai.payloads import (
    decision_body,
    parse_crew,
    parse_notification,
    parse_step,
    parse_task,
)
from crewgate.domain.redaction import Redactor
from crewgate.usecases.fetch import Fetches
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.base import Clock
from crewgate.web import routes
from crewgate.web.context import WebContext
from crewgate.web.credentials import Credentials, EventKind
from crewgate.web.health import Health
from tests.builders import webhook_urls
from tests.usecases.world import World

CREDENTIALS = Credentials("research", ("the-secret",), "the-token", ("whsec_the-flow-secret",))


def an_application(
    world: World,
    *,
    forward: bool,
    machine: Clock | None = None,
) -> web.Application:
    """The routes, for one crew; the crew's settings name URLs to forward to."""
    world.crews["research"] = replace(
        world.crews["research"],
        own=webhook_urls("ours"),
        configured=replace(webhook_urls("theirs"), human_input=None),
        forward=forward,
    )

    async def healthy() -> Health:
        return Health((), ())

    context = WebContext(
        credentials={"research": CREDENTIALS},
        uow=world.uow,
        crews=world.crews,
        clock=world.clock,
        machine=machine or world.clock,
        new_id=world.new_id,
        off_loop=asyncio.to_thread,
        fetches=Fetches(world.uow, decision_body, clock=world.clock, new_id=world.new_id),
        kickoffs=Kickoffs(
            uow=world.uow,
            crews=world.crews,
            clients={"research": world.crew},
            clock=world.clock,
            new_id=world.new_id,
            redactors={"research": Redactor()},
            teaching=world.teaching,
        ),
        check_health=healthy,
        redactors={"research": Redactor([CREDENTIALS.webhook_secrets[0], "whsec_the-flow-secret"])},
        prove=lambda nonce: f"proof of {nonce}",
        status_token=None,
        public_url=None,
        parse_notification=parse_notification,
        parse_flow_request=parse_flow_request,
        may_answer=lambda _crew, _url: True,
        parse_update={
            EventKind.TASK: parse_task,
            EventKind.STEP: parse_step,
            EventKind.CREW: parse_crew,
        },
        parse_kickoff=parse_kickoff,
        parse_registration=parse_registration,
        parse_execution=parse_execution,
        forwarding=frozenset({"research"} if forward else ()),
    )
    return routes.build(context)
