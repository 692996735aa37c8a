"""`/crew` and what is typed behind it. Answers are for the asker alone."""

from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.errors import AmbiguousExecution, ExecutionNotFound
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.away.listeners import on_away_command, on_back_command
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.client.replies import Respond, send_ephemeral
from crewgate.slack.commands.messages import (
    render_ambiguous,
    render_execution,
    render_help,
    render_overview,
    render_pending,
    render_unknown_execution,
)
from crewgate.slack.commands.rule_messages import render_rules
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors
from crewgate.slack.kickoff.listeners import on_kickoff_command
from crewgate.slack.payloads import Command, parse_command
from crewgate.slack.press import parse_press
from crewgate.slack.stats.listeners import on_stats_command
from crewgate.usecases.queries import status
from crewgate.usecases.queries.crews import overview
from crewgate.usecases.queries.rules import rules_of


def register(app: AsyncApp, context: SlackContext) -> None:
    app.command(ids.COMMAND)(partial(on_command, context=context))
    app.action(ids.REFRESH_STATUS)(partial(on_refresh, context=context))


async def on_command(
    ack: AsyncAck, command: Body, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Acknowledge first, since a crew may take 2 s to answer; then answer."""
    await ack()
    asked = parse_command(command)
    match asked.arguments:
        case ["kickoff", *_]:
            await on_kickoff_command(asked, client, respond, context=context)
        case ["away", *_]:
            await on_away_command(asked, client, respond, context=context)
        case ["stats", *_]:
            await on_stats_command(asked, respond, context=context)
        case ["back"]:
            await on_back_command(asked.by, respond, context=context)
        case _:
            async with explain_errors(
                partial(send_ephemeral, respond), context=context, by=asked.by
            ):
                await send_ephemeral(respond, await _answer(asked, context))


async def on_refresh(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    await ack()
    press = parse_press(body)
    of = () if press.value == ids.REFRESH_STATUS else (press.value,)
    asked = Command(("status", *of), by=press.by)
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=asked.by):
        await send_ephemeral(respond, await _answer(asked, context), replace=True)


async def _answer(command: Command, context: SlackContext) -> Message:  # noqa: PLR0911  # a table
    match command.arguments:
        case [] | ["help"]:
            return render_help()
        case ["pending"]:
            return await _pending(command.by, context, mine=False)
        case ["pending", "mine"]:
            return await _pending(command.by, context, mine=True)
        case ["rules"]:
            return await _rules(command.by, context)
        case ["status"]:
            return await _overview(command.by, context)
        case ["status", prefix]:
            return await _execution(prefix.strip("`"), command.by, context)
        case _:
            return Message(shared.NOT_UNDERSTOOD, [])


async def _rules(by: Person, context: SlackContext) -> Message:
    found = await rules_of(by.id, context=context)
    return render_rules(found, in_slack=context.directory.in_slack)


async def _pending(by: Person, context: SlackContext, *, mine: bool) -> Message:
    waiting = await status.pending(by.id, mine=mine, context=context)
    return render_pending(
        waiting,
        now=context.clock(),
        mine=mine,
        link=context.identity.link,
        deciders=context.deciders,
    )


async def _execution(prefix: str, by: Person, context: SlackContext) -> Message:
    try:
        view = await status.execution(prefix, by=by.id, context=context, clients=context.clients)
    except ExecutionNotFound:
        return render_unknown_execution(prefix)
    except AmbiguousExecution as error:
        return render_ambiguous(prefix, error.candidates)
    return render_execution(view, now=context.clock(), link=context.identity.link)


async def _overview(by: Person, context: SlackContext) -> Message:
    seen = await overview(by.id, clients=context.clients, context=context)
    return render_overview(
        seen,
        now=context.clock(),
        link=context.identity.link,
        deciders=context.deciders,
    )
