"""Rules that can be read and may still not be meant so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.rules.choose import hidden
from bot.domain.rules.rule import Then
from bot.settings.rules import RuleSettings


@dataclass(frozen=True, slots=True)
class RuleWarning:
    """What is doubtful about a rule, and what to put there."""

    place: str
    """As `RuleSettings` has it."""
    why: str


def doubtful(rules: Sequence[RuleSettings]) -> Iterator[RuleWarning]:
    """Rules of one crew that never count, and those that approve by themselves."""
    places = {one.rule: one.place for one in rules}
    for rule, before in hidden([one.rule for one in rules]):
        why = (
            f"it never counts: every review that it is for is one of {places[before]} already;"
            " put it before that one, or take it out"
        )
        yield RuleWarning(places[rule], why)
    for one in rules:
        out = one.rule.timeout
        if out is not None and out.then is Then.APPROVE:
            why = (
                f"after {out.after} it approves although nobody has;"
                ' put then = "leave" or "revise" there if that is not meant'
            )
            yield RuleWarning(one.place, why)
