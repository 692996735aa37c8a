"""The answer to `/crew rules`: the rules that concern a person, in sentences.

They say which reviews a rule is for, who decides, and what time brings.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from crewgate.domain.people import ReviewerRef, Role
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Reminders, Rule, Then
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import (
    MESSAGE_LIMIT,
    Message,
    context,
    section,
    sections,
)
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.errors import InSlack
from crewgate.slack.reviews import strings as reviews
from crewgate.usecases.queries.rules import CrewRules

_BUDGET: Final = MESSAGE_LIMIT - 1_000
#: Of a rule: conditions, texts of which one must be there, and people. A section takes all of it.
_CONDITIONS: Final = 6
_TEXTS: Final = 3
_PEOPLE: Final = 5
#: Lengths once escaped.
_NAME_LIMIT: Final = 40
_VALUE_LIMIT: Final = 60
_FEEDBACK_LIMIT: Final = 200

_TITLE_PLAIN: Final = "The rules for what you decide"
_NONE: Final = "You decide for no crew, so no rule concerns you."
_KEPT: Final = "The first rule that fits counts. One *Revise* sends the work back at once."


def render_rules(found: Sequence[CrewRules], *, in_slack: InSlack) -> Message:
    """Crew by crew, the rules in the order in which they are tried; as many as fit."""
    if not found:
        return Message(_NONE, [section(_NONE)])
    lines = [line for one in found for line in _lines(one, in_slack)]
    blocks, shown = sections(lines, budget=_BUDGET)
    if shown < len(lines):
        blocks.append(context(shared.more(len(lines) - shown)))
    blocks.append(context(_KEPT))
    return Message(_TITLE_PLAIN, blocks)


def _lines(found: CrewRules, in_slack: InSlack) -> Iterator[str]:
    crew = found.crew
    yield _headline(crew.name, len(found.rules), of=len(crew.rules))
    for number, rule in found.rules:
        people = in_slack(crew.under(rule).permitted(Role.REVIEWER))
        later = in_slack(rule.escalate.to) if rule.escalate is not None else ()
        yield rule_in_words(number, rule, people, later)
    if found.otherwise and not any(rule.when == Conditions() for rule in crew.rules):
        people = in_slack(crew.permitted(Role.REVIEWER))
        yield _otherwise(people)


def _headline(crew: str, count: int, *, of: int) -> str:
    """Above the rules of a crew that concern somebody, of so many that it has."""
    name = shared.bold(shared.crew(crew))
    if not of:
        return f"{name} has no rules."
    if count == of == 1:
        return f"{name} has 1 rule."
    if count == of:
        return f"{name} has {shared.counted(of, 'rule')}, tried in this order."
    concern = "concerns" if count == 1 else "concern"
    return f"{name} has {shared.counted(of, 'rule')}; {count:,} {concern} you."


def rule_in_words(
    number: int, rule: Rule, people: Sequence[ReviewerRef], later: Sequence[ReviewerRef]
) -> str:
    """A rule, with an empty line below it; `later` are those who may decide once escalated."""
    name = shared.bold(phrases.rule_quoted(rule.name))
    lines = (
        f"{number:,}. {name} is for {_when(rule.when)}.",
        " ".join(_who(rule, people)),
        " ".join(_time(rule, later)),
    )
    return "\n".join(line for line in lines if line) + "\n"


def _otherwise(people: Sequence[ReviewerRef]) -> str:
    return f"Everything else takes {reviews.approvals(1)}; {_named(people)} may decide.\n"


def _when(when: Conditions) -> str:
    found = list(_conditions(when))
    if not found:
        return "every review that no rule before it is for"
    left = len(found) - _CONDITIONS
    shown = [*found[:_CONDITIONS], *([f"{left:,} more hold"] if left > 0 else [])]
    return f"reviews where {shared.in_words(shown)}"


def _conditions(when: Conditions) -> Iterator[str]:
    if when.task is not None:
        yield f"the task {_fits(when.task)}"
    if when.agent is not None:
        yield f"the agent {_fits(when.agent)}"
    if when.contains:
        texts = [f"“{one_line(text, _VALUE_LIMIT)}”" for text in when.contains[:_TEXTS]]
        left = len(when.contains) - len(texts)
        yield f"the output has {' or '.join([*texts, *([f'{left:,} more'] if left else [])])} in it"
    for path, wanted in when.json:
        yield f"{_code(path, _NAME_LIMIT)} in the output {_fits(wanted)}"
    for name, wanted in when.inputs:
        yield f"the input {_code(name, _NAME_LIMIT)} {_fits(wanted)}"
    for name, wanted in when.meta:
        yield f"{_code(name, _NAME_LIMIT)} in `meta` {_fits(wanted)}"


def _who(rule: Rule, people: Sequence[ReviewerRef]) -> Iterator[str]:
    where = f", in {shared.channel(rule.channel)}" if rule.channel is not None else ""
    takes = f"It takes {reviews.approvals(rule.approvals)}"
    if rule.approvals_from:
        groups = reviews.needed_of(rule.approvals_from)
        yield f"It takes approvals by {groups}, of different people{where}."
    elif rule.reviewers_from is not None:
        given = f"of the person in {_code(rule.reviewers_from)}"
        yield f"{takes}, {given}; where it names nobody, {_named(people)} may decide{where}."
    else:
        yield f"{takes}; {_named(people)} may decide{where}."
    if not rule.self_approval:
        known = "all may" if rule.unknown_starter else "nobody may"
        yield f"The starter may not approve; where the starter is unknown, {known}."
    if not rule.delegation:
        yield "Nobody may stand in for somebody who is away."


def _time(rule: Rule, later: Sequence[ReviewerRef]) -> Iterator[str]:
    if rule.target is not None:
        yield f"It is wanted within {phrases.how_long(rule.target)}."
    if rule.remind is not None:
        yield _reminded(rule.remind, in_hours=rule.working_hours is not None)
    if rule.escalate is not None:
        yield f"After {phrases.how_long(rule.escalate.after)} {_named(later)} may decide too."
    timeout = rule.timeout
    if timeout is not None and timeout.then is Then.LEAVE:
        within = phrases.how_long(timeout.after)
        yield f"If nobody decides within {within}, the thread says so, and it goes on waiting."
    elif timeout is not None:
        yield reviews.or_else(rule)
        if timeout.then is Then.REVISE:
            most = reviews.times(timeout.most)
            yield f"That happens {most} in a row at most; then operators are called."
        if timeout.feedback:
            yield f"The crew is told: “{one_line(timeout.feedback, _FEEDBACK_LIMIT)}”"
    if rule.working_hours is not None:
        yield f"Working hours are {rule.working_hours}."


def _reminded(remind: Reminders, *, in_hours: bool) -> str:
    hours = ", in working hours only" if in_hours else ""
    after = phrases.how_long(remind.after)
    if remind.most == 1:
        return f"One reminder comes after {after}{hours}."
    then = (
        f"then {phrases.how_long(remind.every)} apart"
        if remind.every is not None
        else "then each time after twice as long"
    )
    return f"Reminders come after {after} and {then}, {remind.most:,} at most{hours}."


def _named(people: Sequence[ReviewerRef]) -> str:
    return shared.named(people, most=_PEOPLE) or "nobody"


def _fits(pattern: str) -> str:
    return f"{'fits' if '*' in pattern or '?' in pattern else 'is'} {_code(pattern)}"


def _code(text: str, limit: int = _VALUE_LIMIT) -> str:
    return shared.identifier(text, limit)
