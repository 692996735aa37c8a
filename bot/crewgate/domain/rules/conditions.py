"""The conditions of a rule: which reviews it is for."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from functools import cached_property, partial
from typing import Final

from crewgate.domain import notification
from crewgate.domain.acts import ToolCall
from crewgate.domain.letters import fold, is_mixed
from crewgate.domain.parsers import parse_contains, parse_glob, parse_json, parse_values, setting
from crewgate.domain.redaction import is_hidden_argument
from crewgate.domain.rules.patterns import (
    Comparison,
    Reading,
    fits,
    read_number,
    spellings,
)

_OBJECT: Final = "{…}"
_LIST: Final = "[…]"
_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.IGNORECASE | re.DOTALL)


class Number(str):
    """A number of JSON, as written."""

    __slots__ = ()


def _strings_in(value: object) -> Iterator[str]:
    """Yield all names and texts in JSON."""
    left = [value]
    while left:
        match left.pop():
            case dict() as found:
                left += (*found, *found.values())
            case list() as found:
                left += found
            case str(text):
                yield text


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The values that conditions look at, never trusted; costly values are computed on demand."""

    task_id: str
    task_name: str | None
    agent: str | None
    output: notification.Output
    inputs: notification.CallerValues
    meta: notification.CallerValues
    call: ToolCall | None = None
    words: str = ""
    """A person's words that go along with the output."""

    def contains(self, words: str, reading: Reading) -> bool:
        """Return True if words are in the output, or in a call's strings, or in a person's words.

        No words reach from one string of a call into another, but as they are written in its JSON.
        """
        return any(spell(words) in self._spelled(spell) for spell in spellings(words, reading))

    @cached_property
    def is_mixed(self) -> bool:
        """True if a word that `contains` reads has letters that look like others."""
        return any(map(is_mixed, self._strings))

    def _spelled(self, spell: Callable[[str], str]) -> str:
        if spell not in self._known:
            whole = () if spell is fold else (self.output.text,)
            self._known[spell] = "\0".join(map(spell, (*whole, *self._strings)))
        return self._known[spell]

    @cached_property
    def _strings(self) -> tuple[str, ...]:
        strings = () if self.call is None else tuple(_strings_in(self._json))
        return (self.words, *(strings or (self.output.text,)))

    @cached_property
    def _known(self) -> dict[Callable[[str], str], str]:
        return {}

    def argument(self, path: str) -> object:
        """Return a call's argument; HiddenValue if it is unknown, or is no single value."""
        found = self._at(path)
        is_value = not isinstance(found, dict | list | notification.HiddenValue)
        return found if is_value and not self.is_hidden(path) else notification.HiddenValue()

    def holds_at(self, path: str, wanted: str, reading: Reading) -> bool | None:
        """Return True if a JSON output's value is as wanted; None if that cannot be told."""
        found, text = self._at(path), self.value_at(path)
        if self.is_hidden(path):
            return None
        if text is None:
            return False
        if isinstance(found, dict | list):
            return (reading is not Reading.EXACTLY and fits(wanted, text, reading)) or None
        return _holds(wanted, found, reading)

    def has(self, path: str) -> bool:
        """Return True if there is something at a path, also if people are not shown it."""
        return not isinstance(self._at(path), notification.HiddenValue)

    @property
    def is_erased(self) -> bool:
        """True if secrets were taken out of the text: a value may not be what the crew sent."""
        return self.output.erased > 0 or (self.call is not None and self.call.erased > 0)

    def is_hidden(self, path: str) -> bool:
        """Return True if people may not be shown the value at `path`, so no rule relies on it."""
        is_masked = self.call is not None and any(map(is_hidden_argument, path.split(".")))
        return is_masked or self.is_erased

    def value_at(self, path: str) -> str | None:
        """Return the value at a path of a JSON output, such as `items.0.price`, as text.

        Numbers stay as written, so that none is rounded. None: there is no such value.
        """
        match found := self._at(path):
            case dict():
                return _OBJECT
            case list():
                return _LIST
            case notification.HiddenValue():
                return None
        return _as_text(found)

    def _at(self, path: str) -> object:
        return notification.part_of(self._json, path)

    @cached_property
    def _json(self) -> object:
        text = self.output.text.strip()
        if self.output.format is not notification.Format.JSON:
            # The output may be JSON all the same: agents mostly write it as plain text, many of
            # them between code fences.
            fenced = _FENCED.fullmatch(text)
            text = fenced[1].strip() if fenced is not None else text
            if not text.startswith(("{", "[")):
                return {}
        try:
            return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
        except (ValueError, RecursionError):
            return {}


FOUND_SHOWN: Final = 200


class Key(StrEnum):
    """The fact that a condition is about."""

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
    """The value; None if there is none, or if it is an output's text, which is not repeated."""
    _: KW_ONLY
    name: str = ""
    """The name of an input or of a value in `meta`, or the path in the output."""
    unsure: bool = False
    """The condition may hold: its value is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Conditions that must all hold; a condition that is left out holds for every review."""

    tool: str | None = setting(
        None,
        parse_glob,
        "a pattern for the tool's name (unless it allows, also its MCP server's); then for waiting"
        " calls only",
        example='"purchase"',
    )
    arguments: notification.Given = setting(
        (),
        parse_json,
        "arguments of such a call, as `json`; one that is not there cannot be told either: the"
        " strictest rule that may match counts",
        example='{ amount = ["> 0", "< 100"] }',
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
        " `>=`, `>`, `<=`, `<`, `=` or `!=` and a number, or a list of such comparisons, which"
        " must all hold; a value of another type cannot be told",
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

    def hold(self, facts: Facts, *, exactly: bool = False) -> bool | None:
        """Return True if all conditions hold; None if that is unknown.

        `exactly` is for rules that allow: other rules also hold for texts that only read alike.
        """
        found = None
        for found in self._mismatches(facts, _reading(exactly=exactly)):
            if not found.unsure:
                return False
        return None if found is not None else True

    def mismatches(self, facts: Facts, *, exactly: bool = False) -> tuple[Mismatch, ...]:
        order = list(Key)
        found = self._mismatches(facts, _reading(exactly=exactly))
        return tuple(sorted(found, key=lambda one: order.index(one.key)))

    def by_letters(self, facts: Facts) -> tuple[str, ...]:
        """Return the patterns and texts that fit by their letters and digits, but not as written.

        Empty for a rule that allows, which reads exactly.
        """
        missed = set(self._mismatches(facts, Reading.LETTERS))
        as_written = self._mismatches(facts, Reading.AS_WRITTEN)
        wanted = (text for one in as_written if one not in missed for text in one.wanted)
        return tuple(
            text
            for text in dict.fromkeys(wanted)
            if text not in self.contains or facts.contains(text, Reading.LETTERS)
        )

    def _mismatches(self, facts: Facts, reading: Reading) -> Iterator[Mismatch]:
        missed = partial(_missed, reading=reading)
        yield from self._of_call(facts, reading)
        if self.task is not None and not fits(self.task, facts.task_id, reading):
            name = facts.task_id if facts.task_name is None else _readable(facts.task_name)
            yield from missed(Key.TASK, self.task, name)
        if self.agent is not None:
            agent = None if facts.agent is None else _readable(facts.agent)
            yield from missed(Key.AGENT, self.agent, agent)
        for name, pattern in self.inputs:
            yield from missed(Key.INPUTS, pattern, notification.value_of(facts.inputs, name), name)
        for name, pattern in self.meta:
            yield from missed(Key.META, pattern, notification.value_of(facts.meta, name), name)
        if self.contains:
            found = any(facts.contains(one, reading) for one in self.contains)
            if not found or (facts.is_mixed and reading is Reading.EXACTLY):
                unsure = facts.is_erased or facts.is_mixed
                yield Mismatch(Key.CONTAINS, self.contains, None, unsure=unsure)
        for path, wanted in self.json:
            if (holds := facts.holds_at(path, wanted, reading)) is not True:
                shown = None if facts.is_hidden(path) else _shown(facts.value_at(path))
                yield Mismatch(Key.JSON, (wanted,), shown, name=path, unsure=holds is None)

    def _of_call(self, facts: Facts, reading: Reading) -> Iterator[Mismatch]:
        call = facts.call
        if self.tool is not None:
            exactly = reading is Reading.EXACTLY
            missed = [
                next(_missed(Key.TOOL, self.tool, name, reading=reading), None)
                for name in (
                    [None] if call is None else map(_readable, call.names(exactly=exactly))
                )
            ]
            unsure = (one for one in missed if one is not None and one.unsure)
            if None not in missed and missed[0] is not None:
                yield next(unsure, missed[0])
        for path, wanted in self.arguments:
            found = None if call is None else facts.argument(path)
            if call is None or isinstance(found, notification.HiddenValue):
                yield Mismatch(Key.ARGUMENTS, (wanted,), None, name=path, unsure=call is not None)
            elif (holds := _holds(wanted, found, reading)) is not True:
                shown = _shown(_as_text(found))
                yield Mismatch(Key.ARGUMENTS, (wanted,), shown, name=path, unsure=holds is None)


def _reading(*, exactly: bool) -> Reading:
    return Reading.EXACTLY if exactly else Reading.LETTERS


def _holds(wanted: str, value: object, reading: Reading) -> bool | None:
    """Return True if a value is as wanted; None if its type is not that of the wanted value.

    The type counts, because a tool's schema makes True of "yes", and 7 of " 07". Numbers and words
    of JSON are compared as such.
    """
    text, is_text, exactly = _as_text(value), type(value) is str, reading is Reading.EXACTLY
    number = None if is_text and exactly else read_number(text)
    if (comparison := Comparison.parse(wanted)) is not None:
        return None if number is None else comparison.holds(text)
    if (wanted_number := read_number(wanted)) is not None:
        is_equal = number == wanted_number
        return None if number is None or (is_equal and is_text and text != wanted) else is_equal
    if (word := wanted.casefold()) in _WORDS_OF_JSON:
        if is_text:
            return (not exactly and text.casefold() == word) or None
        return text == word or (False if type(value) is type(_WORDS_OF_JSON[word]) else None)
    if is_text:
        return _fits_words(wanted, text, reading)
    written = Reading.AS_WRITTEN if reading is Reading.LETTERS else reading
    return fits(wanted, text, written) or None


_WORDS_OF_JSON: Final = {"true": True, "false": False, "null": None}


def _fits_words(pattern: str, text: str, reading: Reading) -> bool | None:
    """Return True if a text fits a pattern; None if letters that look like others may decide it."""
    found = fits(pattern, text, reading)
    return None if found is (reading is Reading.EXACTLY) and is_mixed(text) else found


def _missed(
    key: Key,
    pattern: str,
    found: str | notification.HiddenValue | None,
    name: str = "",
    *,
    reading: Reading,
) -> Iterator[Mismatch]:
    if isinstance(found, notification.HiddenValue):
        yield Mismatch(key, (pattern,), None, name=name, unsure=True)
    elif (
        key in (Key.TASK, Key.AGENT, Key.TOOL)
        and found is not None
        and len(found) >= notification.TEXT_LIMIT
    ):
        # A value of this length was cut when it was read, so that its end is unknown.
        yield Mismatch(key, (pattern,), _shown(found), unsure=True)
    elif found is None:
        yield Mismatch(key, (pattern,), None, name=name)
    elif (holds := _fits_words(pattern, found, reading)) is not True:
        yield Mismatch(key, (pattern,), _shown(found), name=name, unsure=holds is None)


def _readable(name: str) -> str | notification.HiddenValue:
    """Return a name; HiddenValue if it is empty, as an unreadable name is."""
    return name or notification.HiddenValue()


def _shown(found: str | None) -> str | None:
    if found is None or len(found) <= FOUND_SHOWN:
        return found
    return f"{found[: FOUND_SHOWN - 1]}…"
