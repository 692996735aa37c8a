"""The conditions of a rule: which reviews it is for."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from crewgate.domain import notification
from crewgate.domain.acts import ToolCall
from crewgate.domain.parsers import parse_contains, parse_glob, parse_json, parse_values, setting
from crewgate.domain.redaction import MARK
from crewgate.domain.rules.patterns import Comparison, matches_glob, read_number

_OBJECT: Final = "{…}"
_LIST: Final = "[…]"
_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The values that conditions look at, never trusted; the costly ones are computed on demand."""

    task_id: str
    task_name: str | None
    agent: str | None
    output: notification.Output
    inputs: notification.CallerValues
    meta: notification.CallerValues
    call: ToolCall | None = None
    words: str = ""
    """A person's words that go along with the output."""

    @cached_property
    def text(self) -> str:
        return f"{self.output.text}\n{self.words}".casefold()

    def argument(self, path: str) -> str | notification.Hidden:
        """The value of a call's argument as text; Hidden if it is not there, or is no value."""
        found = self.value_at(path)
        unknown = found is None or found in (_OBJECT, _LIST) or MARK in found
        return notification.Hidden() if unknown or found is None else found

    def value_at(self, path: str) -> str | None:
        """Return the value at a path of a JSON output, such as `items.0.price`, as text.

        Numbers stay as written, so that none is rounded. None: there is no such value.
        """
        found = self._json
        for step in path.split("."):
            match found:
                case dict() if step in found:
                    found = found[step]
                case list() if step.isdecimal() and len(step) < 8 and int(step) < len(found):  # noqa: PLR2004 - no list is longer
                    found = found[int(step)]
                case _:
                    return None
        match found:
            case dict():
                return _OBJECT
            case list():
                return _LIST
            case bool():
                return str(found).lower()
            case _:
                return "null" if found is None else str(found)

    @cached_property
    def _json(self) -> object:
        text = self.output.text.strip()
        if self.output.format is not notification.Format.JSON:
            # Agents mostly write JSON as a text, many of them between fences.
            fenced = _FENCED.fullmatch(text)
            text = fenced[1].strip() if fenced is not None else text
            if not text.startswith(("{", "[")):
                return {}
        try:
            return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            return {}


FOUND_SHOWN: Final = 200


class Key(StrEnum):
    """The subject of a condition."""

    TOOL = "tool"
    ARGUMENTS = "arguments"
    TASK = "task"
    AGENT = "agent"
    CONTAINS = "contains"
    JSON = "json"
    INPUTS = "inputs"
    META = "meta"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A condition that does not surely hold."""

    key: Key
    wanted: tuple[str, ...]
    found: str | None
    """None: there is no value, or it is an output's text, which is not repeated."""
    name: str = ""
    """The name of an input or of a value in `meta`, or the path in the output."""
    unsure: bool = False
    """The condition may hold: its value is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Conditions that must all hold; one that is left out holds for every review."""

    tool: str | None = setting(
        None,
        parse_glob,
        "a pattern for the tool's name: then it is for calls of tools that wait only",
        example='"purchase"',
    )
    arguments: notification.Given = setting(
        (),
        parse_json,
        "arguments of such a call, as `json`; one that is not there, or is no number to"
        " compare, cannot be told: the strictest rule that may match counts",
        example='{ amount = ">= 100" }',
    )
    task: str | None = setting(
        None, parse_glob, "a pattern for the task's name or id", example='"contract_*"'
    )
    agent: str | None = setting(
        None, parse_glob, "a pattern for the agent's role", example='"Lawyer*"'
    )
    contains: tuple[str, ...] = setting(
        (),
        parse_contains,
        "a list of texts; one of them is in the output",
        example='["indemnif", "liability"]',
    )
    json: notification.Given = setting(
        (),
        parse_json,
        "values of an output that is JSON, by their paths (`items.0.price`): a pattern, or"
        " `>=`, `>`, `<=`, `<`, `=` or `!=` and a number",
        example='{ "budget.eur" = ">= 50000" }',
    )
    inputs: notification.Given = setting(
        (),
        parse_values,
        "inputs of the execution, each with a pattern",
        example='{ country = "D*" }',
    )
    meta: notification.Given = setting(
        (), parse_values, "the same for what its caller said in `meta`", example='{ region = "EU" }'
    )

    @property
    def names_tool(self) -> bool:
        """True if the conditions are for calls of certain tools."""
        return self.tool is not None and bool(self.tool.strip("*?"))

    def hold(self, facts: Facts) -> bool | None:
        """Return True if all conditions hold; None if that is unknown."""
        found = None
        for found in self._mismatches(facts):
            if not found.unsure:
                return False
        return None if found is not None else True

    def mismatches(self, facts: Facts) -> tuple[Mismatch, ...]:
        order = list(Key)
        return tuple(sorted(self._mismatches(facts), key=lambda one: order.index(one.key)))

    def _mismatches(self, facts: Facts) -> Iterator[Mismatch]:
        yield from self._of_call(facts)
        if self.task is not None and not matches_glob(self.task, facts.task_id):
            yield from _missed(Key.TASK, self.task, facts.task_name or facts.task_id)
        if self.agent is not None:
            yield from _missed(Key.AGENT, self.agent, facts.agent)
        for name, pattern in self.inputs:
            yield from _missed(Key.INPUTS, pattern, notification.value_of(facts.inputs, name), name)
        for name, pattern in self.meta:
            yield from _missed(Key.META, pattern, notification.value_of(facts.meta, name), name)
        if self.contains and not any(one.casefold() in facts.text for one in self.contains):
            yield Mismatch(Key.CONTAINS, self.contains, None)
        for path, wanted in self.json:
            found = facts.value_at(path)
            if not matches_value(wanted, found, is_wanted):
                yield Mismatch(Key.JSON, (wanted,), _shown(found), path)

    def _of_call(self, facts: Facts) -> Iterator[Mismatch]:
        tool = None if facts.call is None else facts.call.tool or notification.Hidden()
        if self.tool is not None:
            yield from _missed(Key.TOOL, self.tool, tool)
        for path, wanted in self.arguments:
            found = None if tool is None else facts.argument(path)
            compared = Comparison.parse(wanted) is not None and isinstance(found, str)
            if compared and read_number(str(found)) is None:
                yield Mismatch(Key.ARGUMENTS, (wanted,), _shown(str(found)), path, unsure=True)
            elif isinstance(found, notification.Hidden):
                yield Mismatch(Key.ARGUMENTS, (wanted,), None, path, unsure=True)
            elif not matches_value(wanted, found, is_wanted):
                yield Mismatch(Key.ARGUMENTS, (wanted,), _shown(found), path)


def is_wanted(wanted: str, value: str) -> bool:
    """Return True if an output's value is what `json` asks for: a comparison or a glob."""
    comparison = Comparison.parse(wanted)
    return matches_glob(wanted, value) if comparison is None else comparison.holds(value)


def matches_value(wanted: str, found: str | None, matches: Callable[[str, str], bool]) -> bool:
    return found is not None and matches(wanted, found)


def _missed(
    key: Key, pattern: str, found: str | notification.Hidden | None, name: str = ""
) -> Iterator[Mismatch]:
    if isinstance(found, notification.Hidden):
        yield Mismatch(key, (pattern,), None, name, unsure=True)
    elif (
        key in (Key.TASK, Key.AGENT, Key.TOOL)
        and found is not None
        and len(found) >= notification.TEXT_LIMIT
    ):
        # The value was cut when it was read.
        yield Mismatch(key, (pattern,), _shown(found), unsure=True)
    elif not matches_value(pattern, found, matches_glob):
        yield Mismatch(key, (pattern,), _shown(found), name)


def _shown(found: str | None) -> str | None:
    if found is None or len(found) <= FOUND_SHOWN:
        return found
    return f"{found[: FOUND_SHOWN - 1]}…"
