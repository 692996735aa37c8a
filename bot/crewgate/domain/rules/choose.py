"""The rule that counts for a new round."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import CallerValues, Given, value_of
from crewgate.domain.people import Anyone, ReviewerRef
from crewgate.domain.rules.conditions import Facts
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.patterns import matches_glob
from crewgate.domain.rules.rule import (
    NO_RULE,
    WITH_REVIEWERS,
    Decide,
    Naming,
    Rule,
    TimeOut,
    TimeoutAction,
    valid_for,
)
from crewgate.domain.verdict import Needed

#: The values of `Rule.decide`, the strictest first; None: people decide.
_DECIDES: Final = (Decide.REFUSE, None, Decide.ALLOW)
#: The words for the agent where nobody decided in time.
NOT_IN_TIME: Final = "Nobody decided in time."
#: The options that `stricter` takes from `before`.
_AS_BEFORE: Final = (
    *("name", "when", "decide", "reason", "channel", "notify"),
    *("target", "remind", "working_hours"),
)
_WHO: Final = (
    *("reviewers", "reviewers_from", "naming", "approvals", "approvals_from"),
    *("self_approval", "unknown_starter", "delegation"),
)


def choose(
    rules: Sequence[Rule], facts: Facts, usual: tuple[ReviewerRef, ...] | None = None
) -> Rule:
    """Return the rule that counts, perhaps NO_RULE; if uncertain, the strictest that may count."""
    return strictest(could_apply(rules, facts), usual)


def with_letters(rule: Rule, facts: Facts) -> Rule:
    """Return a round's rule, which names the patterns that fit by letters and digits alone."""
    by_letters = () if rule.allows else rule.when.by_letters(facts)
    return replace(rule, by_letters=by_letters) if by_letters else rule


def could_apply(rules: Sequence[Rule], facts: Facts) -> tuple[Rule, ...]:
    found: list[Rule] = []
    for rule in rules:
        if rule.decide is not None and not _may_decide(rule.decide, facts.call):
            continue
        holds = rule.when.hold(facts, exactly=rule.allows)
        if holds is not False:
            found.append(rule)
        if holds:
            return tuple(found)
    return (*found, NO_RULE)


def _may_decide(decide: Decide, call: ToolCall | None) -> bool:
    """Return True if a rule may decide alone; only people allow a call that may have run before."""
    return call is not None and (decide is Decide.REFUSE or not call.may_have_run)


def for_call(rule: Rule, call: ToolCall | None) -> Rule:
    """Return a call's rule: its time-out approves only if the rule names the tool, else refuses.

    The name is exactly CrewAI's: two MCP servers may have a tool of one name.
    """
    out, pattern = rule.timeout, rule.when.tool or ""
    is_meant = call is None or (
        rule.when.names_tool
        and not call.may_have_run
        and matches_glob(pattern, call.tool, exactly=True)
    )
    if out is None or out.then is not TimeoutAction.APPROVE or is_meant:
        return rule
    return replace(rule, timeout=replace(out, then=TimeoutAction.REVISE, feedback=NOT_IN_TIME))


def strictest(rules: Sequence[Rule], usual: tuple[ReviewerRef, ...] | None = None) -> Rule:
    """Return the strictest rule; at each criterion, the rules that lose are left out.

    The criteria: it refuses, it does not allow, the most approvals, `approvals_from`,
    `self_approval = false`, also `unknown_starter = "deny"`, no time-out that approves, no `"*"`
    among its reviewers, the first in order. A rule without reviewers has the crew's, `usual`.
    """
    if len(rules) == 1:  # as usual: several come only if a fact is unknown
        return rules[0]
    return min(rules, key=partial(_looseness, usual=usual))


def _looseness(rule: Rule, usual: tuple[ReviewerRef, ...] | None) -> tuple[int | bool, ...]:
    who = usual if rule.reviewers is None else rule.reviewers
    return (
        _DECIDES.index(rule.decide),
        -rule.approvals,
        not rule.approvals_from,
        rule.self_approval,
        rule.self_approval or rule.unknown_starter,
        _approves_in_time(rule),
        1 if who is None else 2 * (Anyone() in who),
    )


def stricter(before: Rule, after: Rule, usual: tuple[ReviewerRef, ...]) -> Rule:
    """Return the rule after a person changed a round's text: it demands what either rule demands.

    `after` is for the new text, and `usual` are the crew's reviewers. The result takes as many
    approvals, in all and of each group, as either rule, and allows only what both allow. If neither
    rule's reviewers include the other's, the stricter rule's decide, and `after`'s if both are
    equally strict. Times and channel stay as in `before`.
    """
    one, other = before, after
    if other.naming is not None and other.reviewers_from == one.reviewers_from:
        # If Slack has resolved the reviewers whom the kickoff names, the new rule has them too.
        named = one.reviewers if one.naming in WITH_REVIEWERS else other.reviewers
        other = replace(other, naming=one.naming, reviewers=named)
    needed = _all_needed(one, other)
    who = _narrower(one, other, usual)
    reviewers = tuple(group for group, _ in needed) if needed else who.reviewers
    # `Rule` gets each option by name. `replace(before, …)` would silently keep the value of
    # `before` for a new option that nobody merges here.
    found = Rule(
        **{key: getattr(one, key) for key in _AS_BEFORE},
        reviewers=reviewers,
        reviewers_from=who.reviewers_from,
        naming=who.naming,
        approvals=max(one.approvals, other.approvals, sum(count for _, count in needed)),
        approvals_from=needed,
        self_approval=one.self_approval and other.self_approval,
        unknown_starter=all(rule.self_approval or rule.unknown_starter for rule in (one, other)),
        by_letters=tuple(dict.fromkeys((*one.by_letters, *other.by_letters))),
        delegation=one.delegation and other.delegation,
        ask_about_masks=one.ask_about_masks or other.ask_about_masks,
        timeout=one.timeout if _approves_in_time(other) else left_by_time(one),
        # `escalate.to` adds people to the reviewers of `before`, so it is kept only with these.
        escalate=one.escalate if reviewers == one.reviewers else None,
        valid_for=_shorter(one, other),
    )
    if found == one:
        return before
    if other.name and found == replace(found, **{key: getattr(other, key) for key in _WHO}):
        return replace(found, name=other.name, when=other.when)
    names = [rule.name for rule in (one, other) if rule.name]
    return replace(found, name=" + ".join(dict.fromkeys(names)))


def left_by_time(rule: Rule) -> TimeOut | None:
    """Return a rule's time-out, changed to leave the round waiting if it would approve."""
    if rule.timeout is not None and _approves_in_time(rule):
        return replace(rule.timeout, then=TimeoutAction.LEAVE)
    return rule.timeout


def _shorter(one: Rule, other: Rule) -> Duration | None:
    """Return the shorter of both times for which an approval of a call holds.

    If the rules differ, it is in hours by the clock: as many working hours would last longer.
    """
    both = [(rule.valid_for, rule.working_hours) for rule in (one, other)]
    if both[0] == both[1]:
        return one.valid_for
    return Duration(min(valid_for(rule).length for rule in (one, other)))


def _approves_in_time(rule: Rule) -> bool:
    return rule.timeout is not None and rule.timeout.then is TimeoutAction.APPROVE


def _all_needed(one: Rule, other: Rule) -> Needed:
    """Return the greater number for each group, raised until both rules have enough approvals."""
    counts = dict(one.approvals_from)
    for group, count in other.approvals_from:
        counts[group] = max(count, counts.get(group, 0))
    for group in list(counts)[:1]:
        counts[group] += max(0, one.approvals - sum(counts.values()))
        counts[group] += max(0, other.approvals - sum(counts.values()))
    return tuple(counts.items())


def _narrower(one: Rule, other: Rule, usual: tuple[ReviewerRef, ...]) -> Rule:
    """Return the rule whose reviewers are all among the other's, or else the stricter rule."""
    ours, theirs = (usual if rule.reviewers is None else rule.reviewers for rule in (one, other))
    if other.naming is Naming.PENDING:
        return other
    if Anyone() in theirs or set(ours) <= set(theirs):
        return one
    if Anyone() in ours or set(theirs) <= set(ours):
        return other
    return min((other, one), key=partial(_looseness, usual=usual))


def asked_inputs(rules: Sequence[Rule]) -> frozenset[str]:
    return frozenset(name for rule in rules for name, _ in rule.when.inputs)


def asked_meta(rules: Sequence[Rule]) -> frozenset[str]:
    return frozenset(name for rule in rules for name, _ in rule.when.meta)


def named_by(rules: Sequence[Rule], inputs: CallerValues, meta: CallerValues) -> Given:
    values = {"inputs": inputs, "meta": meta}
    asked = dict.fromkeys(rule.reviewers_from for rule in rules if rule.reviewers_from is not None)
    split = ((one, *one.split(".", 1)) for one in asked)
    found = ((one, value_of(values[kind], name)) for one, kind, name in split)
    return tuple((one, value) for one, value in found if isinstance(value, str))
