"""`/crew away` and `/crew back`: by the command alone, or by a form."""

import asyncio
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.errors import AbsenceProblem, AbsenceRefused
from crewgate.domain.rules.absence import end_of_day, last_day
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.away import forms
from crewgate.slack.away.forms import render_form
from crewgate.slack.away.request import AwayRequest, RequestUnclear, parse_away_form, parse_request
from crewgate.slack.blockkit.blocks import Block, section
from crewgate.slack.client.people import time_zone_of
from crewgate.slack.client.replies import Respond, open_modal, send_ephemeral
from crewgate.slack.client.web_api import CallFailed, call, text_at
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors, render_notice
from crewgate.slack.payloads import Command
from crewgate.usecases.away import come_back, go_away

log = structlog.get_logger(__name__)

#: The time zone of people for whom Slack tells none.
ELSE: Final = ZoneInfo("UTC")
_ABOUT_THE_DAY: Final = frozenset({AbsenceProblem.PAST, AbsenceProblem.TOO_FAR})


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence, and the field of the form that is wrong; None once the absence is set."""

    sentence: str
    wrong: str | None = None
    to_delegate: str = ""


def register(app: AsyncApp, context: SlackContext) -> None:
    """Put the form's listener on the app; the commands are among the other commands."""
    app.view(ids.AWAY_FORM)(partial(on_away_submitted, context=context))


async def on_away_command(
    command: Command, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Set the absence if the command is complete; else open the form with the rest."""
    say = partial(send_ephemeral, respond)
    async with explain_errors(say, context=context, by=command.by):
        zone = await time_zone_of(client, command.by.id)
        today = context.clock().astimezone(zone or ELSE).date()
        try:
            asked = parse_request(command.text, today)
        except RequestUnclear as unclear:
            await say(forms.unclear(unclear))
            return
        if asked.until is not None and asked.delegate is not None:
            answer = await _set(command.by, asked.until, asked.delegate, client, context)
            wrong = answer.wrong is not None
            await say(forms.nothing_set(answer.sentence) if wrong else answer.sentence)
            await _tell(client, asked.delegate, answer.to_delegate)
            return
        form = await _form(command.by, asked, client, context)
        if await open_modal(client, command.trigger_id, form) is None:
            await say(forms.NOT_OPENED)


async def on_back_command(by: Person, respond: Respond, *, context: SlackContext) -> None:
    say = partial(send_ephemeral, respond)
    async with explain_errors(say, context=context, by=by):
        was_away = await come_back(by, context=context)
        await say(forms.BACK if was_away else forms.NOT_AWAY)


async def on_away_submitted(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Set the absence, or show below the field what is wrong with it."""
    form = parse_away_form(body)

    async def ask_again(warning: str) -> None:
        view = render_form(until=form.until, delegate=form.delegate, above=warning)
        await ack(response_action="update", view=view)

    async with explain_errors(ask_again, context=context, by=form.by):
        answer = await _set(form.by, form.until, form.delegate, client, context)
        if answer.wrong is not None:
            await ack(response_action="errors", errors={answer.wrong: answer.sentence})
        else:
            await ack(
                response_action="update", view=render_notice(answer.sentence, title=forms.TITLE)
            )
            await _tell(client, form.delegate, answer.to_delegate)


async def _set(
    by: Person, day: date, delegate: Person, client: AsyncWebClient, context: SlackContext
) -> Answer:
    """Set the absence. Slack gets both questions at once: it waits 3 s for the answer to a form."""
    zone, is_colleague = await asyncio.gather(
        time_zone_of(client, by.id), context.directory.look_up_colleague(delegate.id)
    )
    here = zone or ELSE
    latest = last_day(context.clock(), here)
    if is_colleague is None:
        # Slack is not asked again: that could take longer than it waits.
        return Answer(forms.refused(AbsenceProblem.NOT_TOLD, latest), ids.AWAY_DELEGATE)
    try:
        until = end_of_day(day, here)
        absence, waiting = await go_away(by, delegate, until=until, context=context)
    except AbsenceRefused as error:
        wrong = ids.AWAY_UNTIL if error.why in _ABOUT_THE_DAY else ids.AWAY_DELEGATE
        return Answer(forms.refused(error.why, latest), wrong)
    told = forms.is_told(absence, day, zone, waiting)
    return Answer(forms.is_set(absence, day, zone), to_delegate=told)


async def _tell(client: AsyncWebClient, delegate: Person, sentence: str) -> None:
    """Tell a delegate in private; the cards that wait and Home tell it, too."""
    if not sentence:
        return
    try:
        opened = await call(client, "conversations.open", users=delegate.id)
        channel = text_at(opened, "channel", "id")
        blocks = [section(sentence)]
        await call(client, "chat.postMessage", channel=channel, text=sentence, blocks=blocks)
    except CallFailed as error:
        log.warning("delegate_not_told", why=str(error))


async def _form(
    by: Person, asked: AwayRequest, client: AsyncWebClient, context: SlackContext
) -> Block:
    """The form with what was typed, else with the present absence."""
    found = await context.uow.read.absences.find(at=context.clock(), away=by.id)
    absence = next(iter(found), None)
    if absence is None:
        return render_form(until=asked.until, delegate=asked.delegate)
    zone = await time_zone_of(client, by.id)
    day = absence.until.astimezone(zone or ELSE).date()
    return render_form(
        until=asked.until or day,
        delegate=asked.delegate or absence.delegate,
        above=forms.is_away(absence, day, zone),
    )
