"""The rules that concern a person, as the settings have them now."""

from dataclasses import dataclass

from crewgate.domain.crew import Crew
from crewgate.domain.people import Role
from crewgate.domain.rules.rule import Rule
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.read_models import NO_RULE, StoredRule


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewRules:
    """The rules of one crew that concern a person."""

    crew: Crew
    rules: tuple[tuple[int, Rule], ...]
    """Each rule with its place in the order of evaluation, from 1."""
    otherwise: bool
    """The person also decides on rounds under no rule."""


async def rules_of(user: str, *, context: ReviewContext) -> tuple[CrewRules, ...]:
    """Return by crew the rules under which a person may decide, at the latest once escalated.

    They may decide by their own right or as a delegate. A person who decides by the crew's own
    settings is shown all of its rules, for these say what is left.
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
