"""The rule that counts for a new round, and rules that never do."""

from collections.abc import Sequence

from crewgate.domain.given import CallerValues, Given, value_of
from crewgate.domain.people import Anyone
from crewgate.domain.rules.facts import Facts
from crewgate.domain.rules.rule import Rule, Then


def choose(rules: Sequence[Rule], facts: Facts) -> Rule | None:
    """The first whose conditions hold; None: the crew's own settings count.

    Where it cannot be told which one that is, the strictest of those that it may be.
    """
    return strictest(could_apply(rules, facts))


def could_apply(rules: Sequence[Rule], facts: Facts) -> tuple[Rule | None, ...]:
    """The rules that may be the first to match, in order: one, unless that cannot be told.

    None is the crew's own settings.
    """
    found: list[Rule] = []
    for rule in rules:
        holds = rule.when.hold(facts)
        if holds is not False:
            found.append(rule)
        if holds:
            return tuple(found)
    return (*found, None)


def strictest(rules: Sequence[Rule | None]) -> Rule | None:
    """The rule with the most approvals; among equals, the first that differs in this order.

    It has `approvals_from`, then `self_approval = false`, then also `unknown_starter = "deny"`,
    then no time-out that approves, then no `"*"` among its reviewers, then it comes first. None,
    the crew's own settings, counts as a rule with the defaults.
    """
    return min(rules, key=lambda rule: _looseness(rule or Rule(name="")))


def _looseness(rule: Rule) -> tuple[int | bool, ...]:
    return (
        -rule.approvals,
        not rule.approvals_from,
        rule.self_approval,
        rule.self_approval or rule.unknown_starter,
        rule.timeout is not None and rule.timeout.then is Then.APPROVE,
        Anyone() in (rule.reviewers or ()),
    )


def asked_inputs(rules: Sequence[Rule]) -> frozenset[str]:
    """The names of the inputs that any of them asks for."""
    return frozenset(name for rule in rules for name, _ in rule.when.inputs)


def asked_meta(rules: Sequence[Rule]) -> frozenset[str]:
    """The same for `meta`."""
    return frozenset(name for rule in rules for name, _ in rule.when.meta)


def named_by(rules: Sequence[Rule], inputs: CallerValues, meta: CallerValues) -> Given:
    """The values of a kickoff that any of them takes its reviewer from, as it names them."""
    values = {"inputs": inputs, "meta": meta}
    asked = dict.fromkeys(rule.reviewers_from for rule in rules if rule.reviewers_from is not None)
    split = ((one, *one.split(".", 1)) for one in asked)
    found = ((one, value_of(values[kind], name)) for one, kind, name in split)
    return tuple((one, value) for one, value in found if isinstance(value, str))


def hidden(rules: Sequence[Rule]) -> tuple[tuple[Rule, Rule], ...]:
    """Each rule that never counts, with the first of those before it that always come first.

    One that only several others together hide is not found.
    """
    found = (
        (rule, next((one for one in rules[:at] if one.when.cover(rule.when)), None))
        for at, rule in enumerate(rules)
    )
    return tuple((rule, before) for rule, before in found if before is not None)
