"""Rules that can be read and may still not be meant so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crewgate.domain.redaction import is_called_secret
from crewgate.domain.rules.choose import hidden
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.globs import has_open_bracket
from crewgate.domain.rules.rule import Rule, Then
from crewgate.settings.parsers import shown_key
from crewgate.settings.rules import RuleSettings


@dataclass(frozen=True, slots=True)
class RuleWarning:
    """What is doubtful about a rule, and what to put there."""

    place: str
    """As `RuleSettings` has it."""
    why: str


def doubtful(rules: Sequence[RuleSettings]) -> Iterator[RuleWarning]:
    """Rules of one crew that never count, that approve by themselves, or have keys for nothing."""
    places = {one.rule: one.place for one in rules}
    for rule, before in hidden([one.rule for one in rules]):
        why = (
            f"it never counts: every review that it is for is one of {places[before]} already;"
            " put it before that one, or take it out"
        )
        yield RuleWarning(places[rule], why)
    for one in rules:
        for why in _pointless(one.rule):
            yield RuleWarning(one.place, why)
        out = one.rule.timeout
        if out is not None and out.then is Then.APPROVE:
            why = (
                f"after {out.after} it approves although nobody has;"
                ' put then = "leave" or "revise" there if that is not meant'
            )
            yield RuleWarning(one.place, why)


def _pointless(rule: Rule) -> Iterator[str]:
    if rule.self_approval and not rule.unknown_starter:
        yield (
            'unknown_starter = "deny" bars nobody where everybody may approve what they started;'
            " put self_approval = false there too, or take it out"
        )
    for key, values in (("inputs", rule.when.inputs), ("meta", rule.when.meta)):
        for name, _ in values:
            if is_called_secret(name):
                yield (
                    f"when.{key} asks for {shown_key(name)}, which sounds like a secret and is not"
                    " kept, so the strictest rule that may match counts wherever it is given; ask"
                    " for another one"
                )
    for key, pattern in _globs(rule.when):
        if has_open_bracket(pattern):
            yield (
                f"when.{key} has a [ that nothing closes, so it stands for itself; put [[] there"
                " if that is meant, or close it"
            )


def _globs(when: Conditions) -> Iterator[tuple[str, str]]:
    yield "task", when.task or ""
    yield "agent", when.agent or ""
    for key, values in (("json", when.json), ("inputs", when.inputs), ("meta", when.meta)):
        for name, pattern in values:
            yield f"{key}.{shown_key(name)}", pattern
