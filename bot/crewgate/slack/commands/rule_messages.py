"""The answer to `/crew rules`: the rules that concern a person, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from crewgate.domain.people import ReviewerRef, Role
from crewgate.domain.rules.conditions import Conditions
from crewgate.slack.blockkit.blocks import (
    MESSAGE_LIMIT,
    Message,
    context,
    section,
    sections,
)
from crewgate.slack.commands import rule_strings, strings
from crewgate.usecases.queries.rules import CrewRules

InSlack: TypeAlias = Callable[[Sequence[ReviewerRef]], Sequence[ReviewerRef]]
"""The same people, with the account for an e-mail address that Slack knows."""

_BUDGET: Final = MESSAGE_LIMIT - 1_000


def render_rules(found: Sequence[CrewRules], *, in_slack: InSlack) -> Message:
    """Crew by crew, the rules in the order in which they are tried; as many as fit."""
    if not found:
        return Message(rule_strings.NONE, [section(rule_strings.NONE)])
    lines = [line for one in found for line in _lines(one, in_slack)]
    blocks, shown = sections(lines, budget=_BUDGET)
    if shown < len(lines):
        blocks.append(context(strings.more(len(lines) - shown)))
    blocks.append(context(rule_strings.KEPT))
    return Message(rule_strings.TITLE_PLAIN, blocks)


def _lines(found: CrewRules, in_slack: InSlack) -> Iterator[str]:
    crew = found.crew
    yield rule_strings.headline(crew.name, len(found.rules), of=len(crew.rules))
    for number, rule in found.rules:
        people = in_slack(crew.under(rule).permitted(Role.REVIEWER))
        later = in_slack(rule.escalate.to) if rule.escalate is not None else ()
        yield rule_strings.rule(number, rule, people, later)
    if found.otherwise and not any(rule.when == Conditions() for rule in crew.rules):
        people = in_slack(crew.permitted(Role.REVIEWER))
        yield rule_strings.otherwise(people)
