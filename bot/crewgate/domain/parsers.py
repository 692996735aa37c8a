"""From a raw setting to a typed one: pure functions that say what to put there instead.

No function echoes a value that may be a secret.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup

Choice = TypeVar("Choice", bound=str)


class InvalidSetting(ValueError):
    """A value cannot be taken; says what to put there."""


def shown(value: object) -> str:
    """The value for an error message: on one line, in quotes, not too long."""
    if isinstance(value, bool):
        return str(value).lower()  # as TOML has it
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - a bit of a line


def shown_key(name: str) -> str:
    """A TOML key as a person would write it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) else shown(name)


def parse_text(raw: object) -> str:
    """Any text but an empty one."""
    if not isinstance(raw, str) or not raw.strip():
        raise InvalidSetting("put some text, in quotes")
    return raw.strip()


def parse_flag(raw: object) -> bool:
    """A TOML boolean."""
    if not isinstance(raw, bool):
        msg = f"{shown(raw)} is neither true nor false; put one of them, without quotes"
        raise InvalidSetting(msg)
    return raw


def one_of(choices: tuple[Choice, ...]) -> Callable[[object], Choice]:
    """One of some words, in either case."""

    def parse(raw: object) -> Choice:
        text = parse_text(raw).lower()
        for choice in choices:
            if choice == text:
                return choice
        raise InvalidSetting(f"{shown(raw)} is unknown; put {' or '.join(choices)}")

    return parse


def parse_url(raw: object) -> str:
    """An http(s) address. Not echoed: webhook addresses often carry a secret."""
    text = parse_text(raw)
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or re.search(r"[\s\x00-\x1f\x7f]", text):
        msg = "not a web address; put one that starts with https:// (or http://)"
        raise InvalidSetting(msg)
    return text


def parse_channel(raw: object) -> str:
    """A channel id, or `#name`. Slack's names are lower-case, up to 80 characters."""
    text = parse_text(raw)
    if re.fullmatch(r"[CG][A-Z0-9]{2,}", text):
        return text
    if re.fullmatch(r"#[\w-]{1,80}", text) and text == text.lower():
        return text
    hint = f"#{text}" if re.fullmatch(r"[\w-]{1,80}", text) and text == text.lower() else "#name"
    raise InvalidSetting(f"{shown(text)} is no channel; put {hint} or its id (C…)")


OPERATORS_HINT: Final = "put user ids (U…), e-mails and user-group ids (S…)"
REVIEWERS_HINT: Final = f"{OPERATORS_HINT}, or {Anyone()} to let anybody in the channel decide"


def parse_reviewers(
    raw: object, *, hint: str = REVIEWERS_HINT, noun: str = "reviewer"
) -> tuple[ReviewerRef, ...]:
    """A list, or text with commas between; each once, in their order."""
    if isinstance(raw, str):
        names: list[object] = [name.strip() for name in raw.split(",") if name.strip()] or [raw]
    elif isinstance(raw, list):
        names = raw
    else:
        raise InvalidSetting(f"{shown(raw)} is no list; {hint}")
    return tuple(dict.fromkeys(_parse_reviewer(name, hint, noun) for name in names))


parse_operators: Final = partial(parse_reviewers, hint=OPERATORS_HINT, noun="operator")


def _parse_reviewer(raw: object, hint: str, noun: str) -> ReviewerRef:
    text = raw.strip() if isinstance(raw, str) else ""
    if text == str(Anyone()):
        return Anyone()
    if re.fullmatch(r"[UW][A-Z0-9]{2,}", text):
        return User(text)
    if re.fullmatch(r"S[A-Z0-9]{2,}", text):
        return UserGroup(text)
    if re.fullmatch(r"[^\s@,<>]+@[^\s@,<>]+", text):
        return Email(text)
    raise InvalidSetting(f"{shown(raw)} is no {noun}; {hint}")
