"""Requests to be away: typed behind the command, or filled into the form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final

from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.payloads import parse_person, raises_malformed


class Unclear(StrEnum):
    """The part of a command that cannot be understood."""

    WORDS = "words"
    """It is neither a day nor a person."""
    DAY = "day"
    PERSON = "person"
    """Slack did not name them by an id: names are not unique, and people change theirs."""


class RequestUnclear(Exception):
    """A command cannot be understood; carries the part, and what was typed there."""

    def __init__(self, what: Unclear, typed: str) -> None:
        super().__init__(what.value)
        self.what = what
        self.typed = typed


@dataclass(frozen=True, slots=True)
class AwayRequest:
    """A request as typed, perhaps in part."""

    until: date | None = None
    """The last day, where the person is."""
    delegate: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayForm:
    """The form, sent."""

    by: Person
    until: date
    delegate: Person


#: A mention is one word, whatever is in its label.
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
                raise RequestUnclear(Unclear.WORDS, name)
    return AwayRequest(until, delegate)


def _read_day(word: str, today: date) -> date:
    """Read a date, `today`, `tomorrow` or the next day of the week with that name."""
    ahead = [today + timedelta(days=days) for days in range(8)]
    named = {f"{day:%A}".lower(): day for day in ahead[1:]}
    named |= {"today": ahead[0], "tomorrow": ahead[1]}
    if word.lower() in named:
        return named[word.lower()]
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise RequestUnclear(Unclear.DAY, word) from None


def _read_mention(word: str) -> Person:
    found = _MENTION.fullmatch(word)
    if found is None:
        raise RequestUnclear(Unclear.PERSON, word)
    return Person(found[1], found[2] or found[1])


@raises_malformed
def parse_away_form(body: Mapping[str, Any]) -> AwayForm:
    """A `view_submission` payload of the form."""
    values = body["view"]["state"]["values"]
    delegate = str(values[ids.AWAY_DELEGATE][ids.AWAY_DELEGATE]["selected_user"])
    return AwayForm(
        by=parse_person(body["user"]),
        until=date.fromisoformat(values[ids.AWAY_UNTIL][ids.AWAY_UNTIL]["selected_date"]),
        delegate=Person(delegate, delegate),
    )
