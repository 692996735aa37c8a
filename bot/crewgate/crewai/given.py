"""What a caller gave at kickoff, for people to read: a few short values, and no secrets."""

from __future__ import annotations

import json
from typing import Final

from crewgate.crewai.fields import clean
from crewgate.crewai.wire import CREW_URL, HUMAN_INPUT, HUMAN_INPUT_URL, STEP_URL, TASK_URL
from crewgate.domain.given import Given
from crewgate.domain.redaction import hide_credentials, is_called_secret, url_secrets
from crewgate.domain.rules.starter import STARTED_BY

#: How many values are kept.
GIVEN_LIMIT: Final = 10
#: The longest name and value that are kept, in characters. They are not cut: half a secret would
#: not be found.
NAME_LIMIT: Final = 60
VALUE_LIMIT: Final = 200

_WEBHOOKS: Final = frozenset(
    str(name)
    for names in (TASK_URL, STEP_URL, CREW_URL, HUMAN_INPUT, HUMAN_INPUT_URL)
    for name in names.choices
)


def read_given(value: object) -> Given:
    """The short values of an object, such as a kickoff's `inputs` or `meta`; never raises.

    Left out is what is nested, credentials by their name or their form, webhooks' addresses, and
    addresses that nobody could guess: whoever has one may call it. Who started it is never one too
    many.
    """
    if not isinstance(value, dict):
        return ()
    pairs = ((str(name), _text(one)) for name, one in value.items())
    shown = [(clean(name), clean(text)) for name, text in pairs if _is_shown(name, text)]
    first, others = shown[:GIVEN_LIMIT], shown[GIVEN_LIMIT:]
    for starter in others:
        if starter[0] == STARTED_BY:
            first[-1] = starter
    return tuple(first)


def _text(value: object) -> str:
    match value:
        case str():
            return value.strip()
        case bool() | int() | float():
            return json.dumps(value)
    return ""


def _is_shown(name: str, text: str) -> bool:
    short = 0 < len(name) <= NAME_LIMIT and 0 < len(text) <= VALUE_LIMIT
    return short and name not in _WEBHOOKS and not is_secret(name, text)


def is_secret(name: str, text: str) -> bool:
    """True if a value is a credential, by its name or its form, or an address to be kept secret."""
    if is_called_secret(name) or hide_credentials(text) != text:
        return True
    return "://" in text and ("?" in text or "@" in text or any(url_secrets(text)))
