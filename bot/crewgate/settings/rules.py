"""From `[[crews.NAME.rules]]` to rules: what each says, and what goes with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, Then, TimeOut
from crewgate.settings.parsers import shown, shown_key
from crewgate.settings.rule_options import ESCALATE, REMIND, RULE, RULES, TIMEOUT, WHEN
from crewgate.settings.setting import Option
from crewgate.settings.sources import Reader, TomlFile


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """A rule, and where it stands."""

    rule: Rule
    place: str
    """File, line, crew, number and name, as messages begin."""


def read_rules(crew: Reader, name: str, toml: TomlFile) -> tuple[RuleSettings, ...]:
    """The rules of a crew, in their order; notes what is wrong with them."""
    raw: Sequence[Mapping[str, object]] = crew.take(RULES)
    lines = _lines(toml.text, name)
    found: list[RuleSettings] = []
    for number, content in enumerate(raw):
        line = f", line {lines[number]}" if len(lines) == len(raw) else ""
        place = f"{toml.title}{line}: crews.{name}.rules[{number + 1}]"
        if isinstance(content.get("name"), str):
            place += f" {shown_name(str(content['name']))}"
        reader = Reader(content, crew.problems, f"{place}.")
        rule = _read_rule(reader)
        if rule.name and any(_is_same_name(one.rule.name, rule.name) for one in found):
            reader.note("name", "another rule of this crew has it; put a name of its own here")
        found.append(RuleSettings(rule, place))
    return tuple(found)


def _is_same_name(one: str, other: str) -> bool:
    """Whether people would take one for the other."""
    return one.casefold() == other.casefold()


def shown_name(name: str) -> str:
    """A rule's name in a message for who wrote it."""
    return f'"{name}"' if name.isprintable() and len(name) <= 60 else shown(name)  # noqa: PLR2004 - a bit of a line


def _lines(text: str, crew: str) -> list[int]:
    """Where each rule of a crew begins; TOML's parser does not tell."""
    head = (
        rf"""[ \t]*\[\[[ \t]*crews[ \t]*\.[ \t]*["']?{re.escape(crew)}["']?[ \t]*\.[ \t]*rules\b"""
    )
    return [number for number, line in enumerate(text.split("\n"), start=1) if re.match(head, line)]


def _read_rule(reader: Reader) -> Rule:
    before = len(reader.problems)
    values = _take(reader, RULE)
    if isinstance(values["when"], Mapping):
        values["when"] = Conditions(**_below(reader, "when", WHEN))
    if values["remind"] is not None:
        values["remind"] = Reminders(**_below(reader, "remind", REMIND))
    if values["escalate"] is not None:
        values["escalate"] = Escalation(**_below(reader, "escalate", ESCALATE))
    if values["timeout"] is not None:
        values["timeout"] = TimeOut(**_below(reader, "timeout", TIMEOUT))
    if len(reader.problems) > before:
        return Rule(name=values["name"])
    rule = Rule(**values)
    for key, problem in _contradictions(rule):
        reader.note(key, problem)
    return rule


def _take(reader: Reader, options: Sequence[Option]) -> dict[str, Any]:
    reader.refuse_unknown([option.name for option in options])
    return {option.field: reader.take(option) for option in options}


def _below(reader: Reader, key: str, options: Sequence[Option]) -> dict[str, Any]:
    """The values of a table in the rule."""
    content = reader.found[key]
    found = content if isinstance(content, dict) else {}
    return _take(Reader(found, reader.problems, f"{reader.prefix}{shown_key(key)}."), options)


def _contradictions(rule: Rule) -> Iterator[tuple[str, str]]:
    """Keys that do not go together, each with what to put there."""
    if rule.working_hours is None:
        for key, duration in _durations(rule):
            if duration.working:
                hint = f"{duration} needs working_hours; give the rule some, or put hours (h) here"
                yield key, hint
    out = rule.timeout
    if out is None:
        return
    if out.then is Then.REVISE and not out.feedback:
        yield "timeout.feedback", 'missing; put here what the crew is told by then = "revise"'
    if out.then is not Then.REVISE and out.feedback:
        yield "timeout.feedback", 'it is sent with then = "revise" only; put that, or take it out'
    if out.then is not Then.LEAVE:
        for key, duration in _durations(rule):
            if key in {"remind.after", "escalate.after"} and not _is_before(duration, out.after):
                yield key, f"it must come before the time-out ({out.after}); put a shorter one here"


def _is_before(one: Duration, other: Duration) -> bool:
    """False only where it is sure: how long working hours take depends on the day."""
    return one.working != other.working or one.length < other.length


def _durations(rule: Rule) -> Iterator[tuple[str, Duration]]:
    if rule.target is not None:
        yield "target", rule.target
    if rule.remind is not None:
        yield "remind.after", rule.remind.after
        if rule.remind.every is not None:
            yield "remind.every", rule.remind.every
    if rule.escalate is not None:
        yield "escalate.after", rule.escalate.after
    if rule.timeout is not None:
        yield "timeout.after", rule.timeout.after
