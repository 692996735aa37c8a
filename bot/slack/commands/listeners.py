"""`/crew`: help, status, pending. Answers are for the asker alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import AmbiguousExecution, CrewgateError, ExecutionNotFound
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Message
from bot.slack.client.identity import Identity
from bot.slack.commands.messages import (
    render_ambiguous,
    render_execution,
    render_help,
    render_overview,
    render_pending,
    render_unknown_execution,
)
from bot.slack.commands.status import (
    parse_refresh,
    refreshable,
    render_everything,
    replace_answer,
    with_step,
)
from bot.slack.errors import Respond, explain, tell
from bot.slack.kickoff.listeners import Counter, on_kickoff_command
from bot.slack.payloads import Command, parse_command, person_of
from bot.usecases.ports.base import Clock, Crews
from bot.usecases.ports.crew import CrewClients
from bot.usecases.ports.slack import Directory
from bot.usecases.ports.store import UnitOfWork
from bot.usecases.queries import status as look
from bot.usecases.queries.crews import overview


@dataclass(frozen=True, slots=True, kw_only=True)
class Lobby:
    """What the commands work with; built once, by the app."""

    uow: UnitOfWork
    crews: Crews
    clients: CrewClients
    directory: Directory
    identity: Identity
    clock: Clock
    counter: Counter
    """Where crews are started."""


def register(app: AsyncApp, lobby: Lobby) -> None:
    """Put the slash command on the app."""
    app.command(ids.COMMAND)(partial(on_command, lobby=lobby))
    app.action(ids.REFRESH_STATUS)(partial(on_refresh, lobby=lobby))


async def on_command(
    ack: AsyncAck,
    command: dict[str, Any],
    client: AsyncWebClient,
    respond: Respond,
    *,
    lobby: Lobby,
) -> None:
    """Acknowledge first: a crew may take its 2 s to answer, and there is nothing to lose."""
    await ack()
    asked = parse_command(command)
    if asked.words[:1] == ("kickoff",):
        trigger_id = str(command.get("trigger_id", ""))
        await on_kickoff_command(asked, trigger_id, client, respond, counter=lobby.counter)
        return
    try:
        answer = await _answer(asked, lobby)
    except CrewgateError as error:
        answer = Message(explain(error, crews=lobby.crews, now=lobby.clock()), [])
    await tell(respond, answer)


async def _answer(command: Command, lobby: Lobby) -> Message:
    match command.words:
        case [] | ["help"]:
            return render_help()
        case ["pending"]:
            return await _pending(None, lobby)
        case ["pending", "mine"]:
            return await _pending(command.by.id, lobby)
        case ["status"]:
            return await _overview(lobby)
        case ["status", prefix]:
            return await _status(prefix.strip("`"), lobby)
        case _:
            return Message(shared.NOT_UNDERSTOOD, [])


async def _pending(mine: str | None, lobby: Lobby) -> Message:
    waiting = await look.pending(
        mine=mine, uow=lobby.uow, crews=lobby.crews, directory=lobby.directory
    )
    return render_pending(
        waiting, now=lobby.clock(), mine=mine is not None, link=lobby.identity.link
    )


async def _status(prefix: str, lobby: Lobby) -> Message:
    try:
        view = await look.execution(prefix, uow=lobby.uow, clients=lobby.clients)
    except ExecutionNotFound:
        return render_unknown_execution(prefix)
    except AmbiguousExecution as error:
        return render_ambiguous(prefix, error.candidates)
    now = lobby.clock()
    shown = render_execution(view, now=now, link=lobby.identity.link)
    shown = with_step(shown, view.execution)
    return refreshable(shown, now=now, value=view.execution.execution_id)


async def _overview(lobby: Lobby) -> Message:
    seen = await overview(clients=lobby.clients, uow=lobby.uow, clock=lobby.clock)
    lines = await look.unsettled(uow=lobby.uow)
    now = lobby.clock()
    unsettled = render_overview(lines, now=now, link=lobby.identity.link)
    return render_everything(unsettled, seen, now=now)


async def on_refresh(
    ack: AsyncAck, body: dict[str, Any], respond: Respond, *, lobby: Lobby
) -> None:
    """Bring a status answer up to date where it stands."""
    await ack()
    asked = Command(parse_refresh(body).words, person_of(body["user"]))
    try:
        answer = await _answer(asked, lobby)
    except CrewgateError as error:
        await tell(respond, explain(error, crews=lobby.crews, now=lobby.clock()))
        return
    await replace_answer(respond, answer)
