"""Going away and coming back: `/crew away` and `/crew back`, by the command alone or by a form."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import zip_longest
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.errors import AbsenceProblem, AbsenceRefused
from crewgate.domain.rules.absence import Absence, end_of_day, last_day
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.client.people import time_zone_of
from crewgate.slack.client.replies import Respond, open_modal, send_ephemeral
from crewgate.slack.client.web_api import CallFailed, call, text_at
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors, render_notice
from crewgate.slack.ids import COMMAND
from crewgate.slack.payloads import Command, parse_person, raises_malformed
from crewgate.slack.words import names
from crewgate.usecases.away import CARDS, come_back, go_away

log = structlog.get_logger(__name__)


class RequestUnclear(Exception):
    """A command with a part that cannot be understood; the message names the part."""


@dataclass(frozen=True, slots=True)
class AwayRequest:
    """A request typed as `/crew away …`; the day or the person may be missing."""

    until: date | None = None
    delegate: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayForm:
    """The form about an absence, as a person sent it."""

    by: Person
    until: date
    delegate: Person


#: The most characters of an unclear word that the refusal repeats.
_TYPED_SHOWN: Final = 40
#: A mention is one word, even with spaces in its label.
_WORD: Final = re.compile(r"<[^<>]*>|\S+")
_MENTION: Final = re.compile(r"<@([UW][A-Z0-9]+)(?:\|([^<>]*))?>")


def parse_request(text: str, today: date) -> AwayRequest:
    """Parse `away until tomorrow for @Ben`; each half may be left out. Raises RequestUnclear.

    `today` is the date where the person is.
    """
    until, delegate = None, None
    words = _WORD.findall(text)[1:]
    for name, value in zip_longest(words[::2], words[1::2]):
        match name.lower():
            case "until" if until is None:
                until = value and _read_day(value, today)
            case "for" if delegate is None:
                delegate = value and _read_mention(value)
            case _:
                raise RequestUnclear(
                    f"I do not understand {_quoted(name)}: write `{COMMAND} away until YYYY-MM-DD"
                    " for @Ben`."
                )
    return AwayRequest(until, delegate)


def _read_day(word: str, today: date) -> date:
    ahead = [today + timedelta(days=days) for days in range(8)]
    named = {f"{day:%A}".lower(): day for day in ahead[1:]}
    named |= {"today": ahead[0], "tomorrow": ahead[1]}
    if word.lower() in named:
        return named[word.lower()]
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise RequestUnclear(
            f"{_quoted(word)} is no day that I can read: write `until Friday` or"
            " `until YYYY-MM-DD`."
        ) from None


def _read_mention(word: str) -> Person:
    found = _MENTION.fullmatch(word)
    if found is None:
        # Two people may have one name, and a name may change, so a person is named by account.
        raise RequestUnclear(
            f"I cannot tell who {_quoted(word)} is: Slack gave me a name and no account."
        )
    return Person(found[1], found[2] or found[1])


def _quoted(typed: str) -> str:
    return f"“{one_line(typed, _TYPED_SHOWN)}”"


@raises_malformed
def parse_away_form(body: Mapping[str, Any]) -> AwayForm:
    values = body["view"]["state"]["values"]
    delegate = str(values[ids.AWAY_DELEGATE][ids.AWAY_DELEGATE]["selected_user"])
    return AwayForm(
        by=parse_person(body["user"]),
        until=date.fromisoformat(values[ids.AWAY_UNTIL][ids.AWAY_UNTIL]["selected_date"]),
        delegate=Person(delegate, delegate),
    )


TITLE: Final = "While you are away"

WHAT_IT_DOES: Final = (
    "Your stand-in may decide what you may, and cannot pass it on. You still may, too. Some rules "
    f"forbid stand-ins: see `{COMMAND} rules`."
)


def render_form(*, until: date | None, delegate: Person | None, above: str = "") -> Block:
    """Render the form with the known values; `above` is a sentence on top."""
    user = None if delegate is None else delegate.id
    return blocks.modal(
        TITLE,
        blocks.present(
            blocks.section(above) if above else None,
            blocks.date_field("Last day", name=ids.AWAY_UNTIL, day=until),
            blocks.person_field("Who decides for you", name=ids.AWAY_DELEGATE, user=user),
            blocks.context(WHAT_IT_DOES),
        ),
        callback_id=ids.AWAY_FORM,
        submit="Save",
    )


def is_set(absence: Absence, day: date, zone: ZoneInfo | None) -> str:
    delegate, away = names.person(absence.delegate), names.person(absence.away)
    return (
        f"{_decides(absence, day, zone)} Cards say “{delegate} for {away}”.\n"
        f"{WHAT_IT_DOES}\n"
        f"{delegate} gets a private message, and counts once, even as a reviewer.\n"
        f"`{COMMAND} back` ends it sooner, `{COMMAND} away` changes it."
    )


def is_told(absence: Absence, day: date, zone: ZoneInfo | None, waiting: int) -> str:
    """Render the private message to the delegate; `waiting` counts reviews up to CARDS."""
    decides = f"You decide for {names.person(absence.away)} {_until(day, zone)}."
    if not waiting:
        return decides
    more = "+" if waiting == CARDS else ""
    wait = "1 review waits" if waiting == 1 else f"{waiting}{more} reviews wait"
    return f"{decides} {wait}: see the app's Home."


def _decides(absence: Absence, day: date, zone: ZoneInfo | None) -> str:
    why = "" if zone else ", because Slack does not say in which time zone you are"
    return f"{names.person(absence.delegate)} decides for you {_until(day, zone)}{why}."


def _until(day: date, zone: ZoneInfo | None) -> str:
    last = f"until the end of {day.day} {day:%B %Y}"
    if zone is None:
        return f"{last} in UTC"
    return f"{last}, {name_of(zone)}"


def name_of(zone: ZoneInfo) -> str:
    """Return `America/New York time`; the zone `Etc/UTC` becomes `UTC time`."""
    return f"{zone.key.removeprefix('Etc/').replace('_', ' ')} time"


def refused(why: AbsenceProblem, last_day: date) -> str:
    if why is AbsenceProblem.TOO_FAR:
        return f"That is too far ahead: the last day is {last_day.isoformat()} at the latest."
    return _REFUSED[why]


_REFUSED: Final[Mapping[AbsenceProblem, str]] = {
    AbsenceProblem.PAST: "That day is in the past. Give today or a later day.",
    AbsenceProblem.THEMSELVES: "Nobody stands in for themselves. Choose somebody else.",
    AbsenceProblem.NO_COLLEAGUE: "That takes a colleague: no app, no guest and nobody of another "
    "organisation. Choose somebody else.",
    AbsenceProblem.NOT_TOLD: "Slack does not say who that is. Try again in a minute.",
}


def nothing_set(why: str) -> str:
    return f"Nothing changed. {why}"


#: The time zone of a person for whom Slack names none.
ELSE: Final = ZoneInfo("UTC")
_ABOUT_THE_DAY: Final = frozenset({AbsenceProblem.PAST, AbsenceProblem.TOO_FAR})


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence, and the form's field to correct: `wrong` is None once the absence is set."""

    sentence: str
    wrong: str | None = None
    to_delegate: str = ""


def register(app: AsyncApp, context: SlackContext) -> None:
    app.view(ids.AWAY_FORM)(partial(on_away_submitted, context=context))


async def on_away_command(command: Command, respond: Respond, *, context: SlackContext) -> None:
    """Set the absence if the command is complete; else open the form with what it names."""
    say = partial(send_ephemeral, respond)
    zone = await time_zone_of(context.identity.client, command.by.id)
    today = context.clock().astimezone(zone or ELSE).date()
    try:
        asked = parse_request(command.text, today)
    except RequestUnclear as error:
        await say(nothing_set(f"{error} Type `{COMMAND} away` alone for a form."))
        return
    if asked.until is not None and asked.delegate is not None:
        answer = await _set(command.by, asked.until, asked.delegate, context)
        await say(nothing_set(answer.sentence) if answer.wrong else answer.sentence)
        await _tell(context, asked.delegate, answer.to_delegate)
        return
    form = await _form(command.by, asked, context)
    if await open_modal(context.identity, command.trigger_id, form) is None:
        await say(f"Slack did not open the form in time. Type `{COMMAND} away` again.")


async def answer_back(by: Person, context: SlackContext) -> str:
    if await come_back(by, context=context):
        return "You are back: nobody decides for you any more."
    return "You were not away, so nothing changed."


async def on_away_submitted(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    form = parse_away_form(body)

    async def ask_again(warning: str) -> None:
        view = render_form(until=form.until, delegate=form.delegate, above=warning)
        await ack(response_action="update", view=view)

    async with explain_errors(ask_again, context=context, by=form.by):
        answer = await _set(form.by, form.until, form.delegate, context)
        if answer.wrong is not None:
            await ack(response_action="errors", errors={answer.wrong: answer.sentence})
        else:
            await ack(response_action="update", view=render_notice(answer.sentence, title=TITLE))
            await _tell(context, form.delegate, answer.to_delegate)


async def _set(by: Person, day: date, delegate: Person, context: SlackContext) -> Answer:
    """Set the absence. Slack is asked about both people at once: a form must be answered in 3 s."""
    zone, is_colleague = await asyncio.gather(
        time_zone_of(context.identity.client, by.id),
        context.directory.look_up_colleague(delegate.id),
    )
    here = zone or ELSE
    latest = last_day(context.clock(), here)
    if is_colleague is None:
        # The bot does not ask Slack again: the answer could come after the 3 s in which the form
        # must be acknowledged.
        return Answer(refused(AbsenceProblem.NOT_TOLD, latest), ids.AWAY_DELEGATE)
    try:
        until = end_of_day(day, here)
        absence, waiting = await go_away(by, delegate, until=until, context=context)
    except AbsenceRefused as error:
        wrong = ids.AWAY_UNTIL if error.why in _ABOUT_THE_DAY else ids.AWAY_DELEGATE
        return Answer(refused(error.why, latest), wrong)
    reply = is_told(absence, day, zone, waiting)
    return Answer(is_set(absence, day, zone), to_delegate=reply)


async def _tell(context: SlackContext, delegate: Person, sentence: str) -> None:
    if not sentence:
        return
    client = context.identity.client
    try:
        opened = await call(client, "conversations.open", users=delegate.id)
        channel = text_at(opened, "channel", "id")
        shown = [blocks.section(sentence)]
        await call(client, "chat.postMessage", channel=channel, text=sentence, blocks=shown)
    except CallFailed as error:
        log.warning("delegate_not_told", why=str(error))


async def _form(by: Person, asked: AwayRequest, context: SlackContext) -> Block:
    found = await context.uow.read.absences.find(at=context.clock(), away=by.id)
    absence = next(iter(found), None)
    if absence is None:
        return render_form(until=asked.until, delegate=asked.delegate)
    zone = await time_zone_of(context.identity.client, by.id)
    day = absence.until.astimezone(zone or ELSE).date()
    return render_form(
        until=asked.until or day,
        delegate=asked.delegate or absence.delegate,
        above=f"{_decides(absence, day, zone)} `{COMMAND} back` ends that.",
    )
