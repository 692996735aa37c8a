"""The form of somebody who goes away, and what is said to them."""

from collections.abc import Mapping
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from crewgate.domain.errors import AbsenceProblem
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.away.request import RequestUnclear, Unclear
from crewgate.slack.blockkit.blocks import Block, context, date_field, modal, person_field, section
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.ids import COMMAND
from crewgate.usecases.away import CARDS

TITLE: Final = "While you are away"
#: What is shown of a word that was typed, in characters.
_TYPED_SHOWN: Final = 40

WHAT_IT_DOES: Final = (
    "Your stand-in may decide what you may, and cannot pass it on. You still may, too. Some rules "
    f"forbid stand-ins: see `{COMMAND} rules`."
)
NOT_OPENED: Final = f"Slack did not open the form in time. Type `{COMMAND} away` again."
BACK: Final = "You are back: nobody decides for you any more."
NOT_AWAY: Final = "You were not away, so nothing changed."
_COME_BACK: Final = f"`{COMMAND} back` ends it sooner, `{COMMAND} away` changes it."
_FORM: Final = f"Type `{COMMAND} away` alone for a form."


def render_form(*, until: date | None, delegate: Person | None, above: str = "") -> Block:
    """The form with the values that are set or were typed already; `above` is said first."""
    return modal(
        TITLE,
        [
            *([section(above)] if above else []),
            date_field("Last day", block_id=ids.AWAY_UNTIL, action_id=ids.AWAY_UNTIL, day=until),
            person_field(
                "Who decides for you",
                block_id=ids.AWAY_DELEGATE,
                action_id=ids.AWAY_DELEGATE,
                user=delegate.id if delegate is not None else None,
            ),
            context(WHAT_IT_DOES),
        ],
        callback_id=ids.AWAY_FORM,
        submit="Save",
    )


def is_set(absence: Absence, day: date, zone: ZoneInfo | None) -> str:
    """The delegate, until when, and how to come back."""
    delegate, away = shared.person(absence.delegate), shared.person(absence.away)
    return (
        f"{_decides(absence, day, zone)} Cards say “{delegate} for {away}”.\n"
        f"{WHAT_IT_DOES}\n"
        f"{delegate} gets a private message, and counts once, even as a reviewer.\n{_COME_BACK}"
    )


def is_told(absence: Absence, day: date, zone: ZoneInfo | None, waiting: int) -> str:
    """The private message to the delegate; `waiting` counts reviews up to CARDS."""
    decides = f"You decide for {shared.person(absence.away)} {_until(day, zone)}."
    if not waiting:
        return decides
    more = "+" if waiting == CARDS else ""
    wait = "1 review waits" if waiting == 1 else f"{waiting}{more} reviews wait"
    return f"{decides} {wait}: see the app's Home."


def is_away(absence: Absence, day: date, zone: ZoneInfo | None) -> str:
    """Above the form of somebody who is away."""
    return f"{_decides(absence, day, zone)} `{COMMAND} back` ends that."


def _decides(absence: Absence, day: date, zone: ZoneInfo | None) -> str:
    why = "" if zone else ", because Slack does not say in which time zone you are"
    return f"{shared.person(absence.delegate)} decides for you {_until(day, zone)}{why}."


def _until(day: date, zone: ZoneInfo | None) -> str:
    last = f"until the end of {day.day} {day:%B %Y}"
    return f"{last} in UTC" if zone is None else f"{last}, {_zone(zone)} time"


def _zone(zone: ZoneInfo) -> str:
    """`America/New York`; what some call `Etc/UTC` is UTC."""
    return zone.key.removeprefix("Etc/").replace("_", " ")


def refused(why: AbsenceProblem, last_day: date) -> str:
    """Tell why somebody cannot be away like this; plain, for the form too."""
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


def unclear(error: RequestUnclear) -> str:
    """Tell which word of the command was not understood, and what to type."""
    typed = f"“{one_line(error.typed, _TYPED_SHOWN)}”"
    match error.what:
        case Unclear.DAY:
            why = f"{typed} is no day that I can read: write `until Friday` or `until YYYY-MM-DD`."
        case Unclear.PERSON:
            why = f"I cannot tell who {typed} is: Slack gave me a name and no account."
        case _:
            why = f"I do not understand {typed}: write `{COMMAND} away until YYYY-MM-DD for @Ben`."
    return nothing_set(f"{why} {_FORM}")
