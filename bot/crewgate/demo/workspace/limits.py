"""Checks that collect what Slack would refuse in a piece of JSON, made of rules for its parts.

Numbers are characters, from https://docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

ID: Final = 255
INPUT_VALUE: Final = 3_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing Slack would refuse: where (a JSON pointer) and what."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


@dataclass(slots=True)
class Check:
    """Collects problems."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, at: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(at, message))


Rule: TypeAlias = Callable[[Check, str, Any], None]
"""(check, pointer, value) -> notes what is wrong with the value."""


def fields(required: str, also: str = "", /, **rules: Rule) -> Rule:
    """An object with `required` fields, those that have a rule, and `also` unchecked ones."""
    needed = required.split()
    known = {*needed, *also.split(), *rules, "type"}

    def check_fields(check: Check, at: str, value: Any) -> None:  # noqa: ANN401 - JSON
        if not isinstance(value, dict):
            check.add(at, "must be an object")
            return
        for name in needed:
            if value.get(name) is None:
                check.add(at, f"missing required field: {name}")
        for name in value.keys() - known:
            check.add(f"{at}/{name}", f"no such field: {name}")
        for name, rule in rules.items():
            if value.get(name) is not None:
                rule(check, f"{at}/{name}", value[name])

    return check_fields


def string(longest: int, *, shortest: int = 1) -> Rule:
    """A string of such a length."""

    def check_string(check: Check, at: str, value: object) -> None:
        if not isinstance(value, str):
            check.add(at, "must be a string")
        elif len(value) < shortest:
            check.add(at, f"must be more than {shortest - 1} characters")
        elif len(value) > longest:
            check.add(at, f"must be less than {longest + 1} characters")

    return check_string


def items(most: int, each: Rule, *, least: int = 1) -> Rule:
    """A list of so many items."""

    def check_items(check: Check, at: str, value: object) -> None:
        if not isinstance(value, list | tuple):
            check.add(at, "must be an array")
            return
        if len(value) > most:
            check.add(at, f"no more than {most} items allowed")
        if len(value) < least:
            check.add(at, f"no fewer than {least} items allowed")
        for number, item in enumerate(value):
            each(check, f"{at}/{number}", item)

    return check_items


def one_of(*values: object) -> Rule:
    """One of these values."""

    def check_value(check: Check, at: str, value: object) -> None:
        if value not in values:
            check.add(at, f"must be one of: {', '.join(map(str, values))}")

    return check_value


def text(longest: int, *, plain: bool = False) -> Rule:
    """A text object; `plain` ones may not be mrkdwn."""
    plain_text = fields("text", "emoji", text=string(longest))
    mrkdwn = fields("text", "verbatim", text=string(longest))
    kinds = one_of(*(["plain_text"] if plain else ["mrkdwn", "plain_text"]))

    def check_text(check: Check, at: str, value: Any) -> None:  # noqa: ANN401 - JSON
        kind = value.get("type") if isinstance(value, dict) else "plain_text"
        kinds(check, f"{at}/type", kind)
        (mrkdwn if kind == "mrkdwn" else plain_text)(check, at, value)

    return check_text


def plain(longest: int) -> Rule:
    """A text object that is plain text."""
    return text(longest, plain=True)


def unique(check: Check, at: str, value: object, seen: set[str]) -> None:
    """Note an id or a value that was there before."""
    if isinstance(value, str):
        if value in seen:
            check.add(at, f"{at.rsplit('/', 1)[-1]} already used: {value}")
        seen.add(value)
