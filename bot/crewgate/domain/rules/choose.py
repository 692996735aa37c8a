"""The rule that counts for a new round, and rules that never do."""

from __future__ import annotations

from collections.abc import Sequence

from crewgate.domain.rules.facts import Facts
from crewgate.domain.rules.rule import Rule


def choose(rules: Sequence[Rule], facts: Facts) -> Rule | None:
    """The first whose conditions hold; None: the crew's own settings count."""
    return next((rule for rule in rules if rule.when.hold(facts)), None)


def hidden(rules: Sequence[Rule]) -> tuple[tuple[Rule, Rule], ...]:
    """Each rule that never counts, with the first of those before it that always come first.

    One that only several others together hide is not found.
    """
    found = (
        (rule, next((one for one in rules[:at] if one.when.cover(rule.when)), None))
        for at, rule in enumerate(rules)
    )
    return tuple((rule, before) for rule, before in found if before is not None)
