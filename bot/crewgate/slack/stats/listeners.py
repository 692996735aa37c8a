"""`/crew stats`: parse, count, answer; and the buttons of the answer."""

from collections.abc import Callable
from functools import partial
from tempfile import TemporaryFile
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.stats import SPANS
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.client.posting import upload_private
from crewgate.slack.client.replies import Respond, send_ephemeral
from crewgate.slack.client.web_api import CallFailed
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors
from crewgate.slack.payloads import Command
from crewgate.slack.press import parse_press
from crewgate.slack.stats import strings
from crewgate.slack.stats.csv_file import write_csv
from crewgate.slack.stats.messages import render_posted, render_stats
from crewgate.usecases.stats import decisions, stats

log = structlog.get_logger(__name__)

_SPANS: Final = {f"{days}d": days for days in SPANS}
_USUAL: Final = 30


def register(app: AsyncApp, context: SlackContext) -> None:
    """Put the buttons on the app; the command is one of `/crew`."""
    app.action(ids.POST_STATS)(partial(on_post, context=context))
    app.action(ids.STATS_CSV)(partial(on_csv, context=context))


async def on_stats_command(asked: Command, respond: Respond, *, context: SlackContext) -> None:
    """Answer `[crew] [7d|30d|90d]`, in either order."""
    words = asked.arguments[1:]
    spans = [word for word in words if word in _SPANS]
    crews = [word for word in words if word not in _SPANS]
    unknown_spans = [one for one in crews if one[:-1].isdigit() and one not in context.crews]
    if len(spans) > 1 or len(crews) > 1 or unknown_spans:
        await send_ephemeral(respond, strings.USAGE)
        return
    days, crew = _SPANS[spans[0]] if spans else _USUAL, crews[0] if crews else None
    value = " ".join((str(days), *crews))
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=asked.by):
        found = await stats(asked.by.id, crew=crew, days=days, context=context)
        await _send(respond, partial(render_stats, found, asked=value, now=context.clock()))


async def on_post(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    """Show the team's numbers to the channel where they were asked for."""
    await ack()
    press = parse_press(body)
    days, crew = _asked(press.value)
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=press.by):
        found = await stats(press.by.id, crew=crew, days=days, context=context)
        if not found.crews:  # they may read none any longer
            await send_ephemeral(respond, strings.NOTHING_READABLE)
            return
        await _send(
            respond, partial(render_posted, found, press.by, now=context.clock()), to_all=True
        )


async def on_csv(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    """Send what the numbers are made of, in private."""
    await ack()
    press = parse_press(body)
    days, crew = _asked(press.value)
    name = "-".join(("crewgate", *filter(None, (crew,)), f"{days}d.csv"))
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=press.by):
        found = decisions(press.by.id, crew=crew, days=days, context=context)
        try:
            with TemporaryFile() as file:
                await write_csv(found, file)
                await upload_private(context.client, press.by.id, file, name=name)
        except CallFailed:
            said = strings.CSV_NOT_SENT
        except OSError as error:
            log.warning("csv_not_made", why=error.strerror)
            said = strings.CSV_NOT_MADE
        else:
            said = strings.CSV_SENT
        await send_ephemeral(respond, said)


def _asked(value: str) -> tuple[int, str | None]:
    """Return the days and the crew that a button's value names."""
    days, _, crew = value.partition(" ")
    return int(days), crew or None


async def _send(respond: Respond, render: Callable[..., Message], *, to_all: bool = False) -> None:
    """Answer with charts, else with bars of text: two of the five answers that Slack takes."""
    if not await send_ephemeral(respond, render(charts=True), to_all=to_all):
        await send_ephemeral(respond, render(charts=False), to_all=to_all)
