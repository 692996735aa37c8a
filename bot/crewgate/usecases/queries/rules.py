"""The rules that concern a person, as the settings have them now."""

from __future__ import annotations

from dataclasses import dataclass

from crewgate.domain.crew import Crew
from crewgate.domain.people import Role
from crewgate.domain.rules.rule import Rule
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.read_models import NO_RULE, StoredRule


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewRules:
    """What concerns somebody of one crew; there is something."""

    crew: Crew
    rules: tuple[tuple[int, Rule], ...]
    """Each with its place in the order in which they are tried, from 1."""
    otherwise: bool
    """They decide what no rule is for, too."""


async def rules_of(user: str, *, context: ReviewContext) -> tuple[CrewRules, ...]:
    """By crew, the rules under which this person may decide, once they are escalated at the latest.

    By their own right or for somebody who is away. Who decides by the crew's own settings is shown
    all of its rules: they say what is left.
    """
    numbered = {name: tuple(enumerate(crew.rules, start=1)) for name, crew in context.crews.items()}
    applied = [
        StoredRule(str(number), name, rule, escalated=True)
        for name, rules in numbered.items()
        for number, rule in rules
    ]
    [keys] = await context.queues_of(user, Role.REVIEWER, recheck=True, rules=applied)
    found = []
    for name, crew in context.crews.items():
        otherwise = (name, NO_RULE) in keys
        theirs = tuple(
            (number, rule)
            for number, rule in numbered[name]
            if otherwise or (name, str(number)) in keys
        )
        if theirs or otherwise:
            found.append(CrewRules(crew=crew, rules=theirs, otherwise=otherwise))
    return tuple(found)
