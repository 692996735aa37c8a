"""A caller's inputs at kickoff: a few short values for people, and further values for rules."""

import json
from itertools import islice
from typing import Final

from crewgate.crewai.fields import clean
from crewgate.crewai.wire import WEBHOOK_NAMES
from crewgate.domain.execution import STARTED_BY
from crewgate.domain.notification import UNKNOWN, CallerValues, HiddenValue
from crewgate.domain.redaction import hide_credentials, is_called_secret, is_of_a_person

GIVEN_LIMIT: Final = 10
#: The most characters of a value's name: a value with a longer name is not shown.
NAME_LIMIT: Final = 60
#: The longest value that is shown, in characters. A longer value is not shown at all rather than
#: cut: half a secret would not be recognised.
VALUE_LIMIT: Final = 200
#: The longest name of an input that a rule can test, in characters.
ASKED_NAME_LIMIT: Final = 200
#: The longest value that is stored for rules, in characters.
ASKED_VALUE_LIMIT: Final = 2_000
#: The most inputs stored for rules besides the shown ones: of a larger number, none is stored.
NAMES_LIMIT: Final = 500


def read_given(value: object, *, leave_out: str = "") -> CallerValues:
    """Read an object such as a kickoff's `inputs` or `meta`, or its JSON text; never raises.

    Only short top-level values are shown. Nested values, credentials (by name or form), webhook
    addresses and unguessable addresses, which their holder may call, are neither shown nor given to
    rules. The starter takes the last shown place if the limit would leave it off.
    """
    if not value:
        return ()
    fields = _fields(value)
    if fields is None:
        return UNKNOWN
    pairs = [
        (clean(str(name)), _text(one))
        for name, one in fields.items()
        if one is not None and name != leave_out and 0 < len(str(name)) <= ASKED_NAME_LIMIT
    ]
    # The search for credentials is slow, so it stops once enough values are found.
    fit = ((name, text) for name, text in pairs if text and _is_shown(name, text))
    first = list(islice(fit, GIVEN_LIMIT))
    for name, text in pairs:
        if name == STARTED_BY and text and _is_shown(name, text) and (name, text) not in first:
            first[-1] = name, text
    names = {name for name, _ in first}
    others = [(name, text) for name, text in pairs if name not in names]
    if len(others) > NAMES_LIMIT:
        return (*first, *UNKNOWN)
    return (*first, *((name, _hidden(name, text)) for name, text in others))


def _fields(value: object) -> dict[object, object] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    match value:
        case str():
            return clean(value.strip())
        case bool() | int() | float():
            return json.dumps(value)
    return None


def _is_shown(name: str, text: str) -> bool:
    return len(name) <= NAME_LIMIT and len(text) <= VALUE_LIMIT and not is_secret(name, text)


def _hidden(name: str, text: str | None) -> HiddenValue:
    if text is None or len(text) > ASKED_VALUE_LIMIT or is_secret(name, text):
        return HiddenValue()
    return HiddenValue(text)


def is_secret(name: str, text: str) -> bool:
    """Return True for a credential or a proof of identity, by name or form, or a secret address."""
    if name in WEBHOOK_NAMES or is_called_secret(name) or hide_credentials(text) != text:
        return True
    if is_of_a_person(name):
        return True
    return "://" in text and ("?" in text or "@" in text)
