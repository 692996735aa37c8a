"""A rule in sentences, for `/crew rules`.

`CONDITIONS` and `OPTIONS` name each field of `Conditions` and of `Rule` with the function that puts
it into words; a test sees that no field is missing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crewgate.domain.people import Notify, ReviewerRef
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Decide, Reminders, Rule, TimeoutAction
from crewgate.slack.blockkit.blocks import present
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.words import cards, decisions, names

#: The most conditions, texts of `contains` and people shown of a rule: one section must hold them.
_CONDITIONS: Final = 6
_TEXTS: Final = 3
_PEOPLE: Final = 5
#: The characters shown, once escaped, of a name, a value and the words for crew or agent in a rule.
_NAME_LIMIT: Final = 40
_VALUE_LIMIT: Final = 60
_WORDS_LIMIT: Final = 200

Sentences = Iterator[str]


@dataclass(frozen=True, slots=True)
class Said:
    """A rule with its people by account; `later` may decide after the escalation."""

    rule: Rule
    people: Sequence[ReviewerRef]
    later: Sequence[ReviewerRef]


def rule_in_words(
    number: int, rule: Rule, people: Sequence[ReviewerRef], later: Sequence[ReviewerRef]
) -> str:
    """Return a rule's lines, line ends included."""
    told = Said(rule, people, later)
    first = f"{number:,}. {names.bold(decisions.rule_quoted(rule.name))} is for {_when(rule)}."
    others = (" ".join(one for say in line.values() for one in say(told)) for line in OPTIONS)
    return "\n".join(line for line in (first, *others) if line) + "\n"


def _when(rule: Rule) -> str:
    when = rule.when
    is_of_calls = rule.decide is not None or when.tool is not None or when.arguments
    found = [one for say in CONDITIONS.values() for one in say(when)]
    if not found:
        every = "call of a tool" if is_of_calls else "review"
        return f"every {every} that no rule before it is for"
    left = len(found) - _CONDITIONS
    more = f"{left:,} more hold" if left > 0 else None
    what = "calls" if is_of_calls else "reviews"
    return f"{what} where {names.in_words(present(*found[:_CONDITIONS], more))}"


# --- conditions -----------------------------------------------------------------------------------


def _tool(when: Conditions) -> Sentences:
    if when.tool is not None:
        yield f"the tool {_fits(when.tool)}"


def _arguments(when: Conditions) -> Sentences:
    for path, wanted in when.arguments:
        yield f"the argument {_code(path, _NAME_LIMIT)} {_fits(wanted)}"


def _task(when: Conditions) -> Sentences:
    if when.task is not None:
        yield f"the task {_fits(when.task)}"


def _agent(when: Conditions) -> Sentences:
    if when.agent is not None:
        yield f"the agent {_fits(when.agent)}"


def _contains(when: Conditions) -> Sentences:
    if when.contains:
        texts = [f"“{one_line(text, _VALUE_LIMIT)}”" for text in when.contains[:_TEXTS]]
        left = len(when.contains) - len(texts)
        more = f"{left:,} more" if left else None
        yield f"the output has {' or '.join(present(*texts, more))} in it"


def _json(when: Conditions) -> Sentences:
    for path, wanted in when.json:
        yield f"{_code(path, _NAME_LIMIT)} in the output {_fits(wanted)}"


def _inputs(when: Conditions) -> Sentences:
    for name, wanted in when.inputs:
        yield f"the input {_code(name, _NAME_LIMIT)} {_fits(wanted)}"


def _meta(when: Conditions) -> Sentences:
    for name, wanted in when.meta:
        yield f"{_code(name, _NAME_LIMIT)} in `meta` {_fits(wanted)}"


CONDITIONS: Final[Mapping[str, Callable[[Conditions], Sentences]]] = {
    "tool": _tool,
    "arguments": _arguments,
    "task": _task,
    "agent": _agent,
    "contains": _contains,
    "json": _json,
    "inputs": _inputs,
    "meta": _meta,
}
"""The words of each condition, in their order."""


# --- who decides ----------------------------------------------------------------------------------


def _decides(told: Said) -> Sentences:
    rule = told.rule
    if rule.decide is Decide.ALLOW:
        yield f"It allows them without a person{_where(rule)}."
    elif rule.decide is Decide.REFUSE:
        yield f"It refuses them without a person{_where(rule)}."
        yield f"The agent is told: “{one_line(rule.reason, _WORDS_LIMIT)}”"


def _takes(told: Said) -> Sentences:
    rule, whom = told.rule, named(told.people)
    takes = f"It takes {cards.approvals(rule.approvals)}"
    if rule.decide is not None:
        return
    if rule.approvals_from:
        groups = cards.needed_of(rule.approvals_from)
        yield f"It takes approvals by {groups}, of different people{_where(rule)}."
    elif rule.reviewers_from is not None:
        given = f"of the person in {_code(rule.reviewers_from)}"
        yield f"{takes}, {given}; where it names nobody, {whom} may decide{_where(rule)}."
    else:
        yield f"{takes}; {whom} may decide{_where(rule)}."


def _where(rule: Rule) -> str:
    return f", in {names.channel(rule.channel)}" if rule.channel is not None else ""


def _starter(told: Said) -> Sentences:
    if not told.rule.self_approval:
        known = "all may" if told.rule.unknown_starter else "nobody may"
        yield f"The starter may not approve; where the starter is unknown, {known}."


def _delegation(told: Said) -> Sentences:
    if not told.rule.delegation:
        yield "Nobody may stand in for somebody who is away."


def _masks(told: Said) -> Sentences:
    if not told.rule.ask_about_masks:
        yield "*Approve* does not ask about what is masked."


def _valid_for(told: Said) -> Sentences:
    if told.rule.valid_for is not None:
        yield f"An approval holds for {decisions.how_long(told.rule.valid_for)}."


_TOLD: Final = {
    Notify.MENTION: "Reviewers are mentioned on the card.",
    Notify.DM: "Reviewers get a private message.",
    Notify.NONE: "Nobody is notified.",
}


def _notify(told: Said) -> Sentences:
    if told.rule.notify is not None:
        yield _TOLD[told.rule.notify]


# --- what time brings -----------------------------------------------------------------------------


def _target(told: Said) -> Sentences:
    if told.rule.target is not None:
        yield f"It is wanted within {decisions.how_long(told.rule.target)}."


def _remind(told: Said) -> Sentences:
    if told.rule.remind is not None:
        yield _reminded(told.rule.remind, in_hours=told.rule.working_hours is not None)


def _reminded(remind: Reminders, *, in_hours: bool) -> str:
    hours = ", in working hours only" if in_hours else ""
    after = decisions.how_long(remind.after)
    if remind.most == 1:
        return f"One reminder comes after {after}{hours}."
    then = (
        f"then {decisions.how_long(remind.every)} apart"
        if remind.every is not None
        else "then each time after twice as long"
    )
    return f"Reminders come after {after} and {then}, {remind.most:,} at most{hours}."


def _escalate(told: Said) -> Sentences:
    if told.rule.escalate is not None:
        after = decisions.how_long(told.rule.escalate.after)
        yield f"After {after} {named(told.later)} may decide too."


def _timeout(told: Said) -> Sentences:
    timeout = told.rule.timeout
    if timeout is None:
        return
    if timeout.then is TimeoutAction.LEAVE:
        within = decisions.how_long(timeout.after)
        yield f"If nobody decides within {within}, the thread says so, and it goes on waiting."
        return
    yield cards.or_else(told.rule)
    if timeout.then is TimeoutAction.REVISE:
        most = cards.times(timeout.most)
        yield f"That happens {most} in a row at most; then operators are called."
    if timeout.feedback:
        yield f"The crew is told: “{one_line(timeout.feedback, _WORDS_LIMIT)}”"


def _hours(told: Said) -> Sentences:
    if told.rule.working_hours is not None:
        yield f"Working hours are {told.rule.working_hours}."


OPTIONS: Final[Sequence[Mapping[tuple[str, ...], Callable[[Said], Sentences]]]] = (
    {
        ("decide", "reason"): _decides,
        ("approvals", "approvals_from", "reviewers", "reviewers_from", "channel"): _takes,
        ("self_approval", "unknown_starter"): _starter,
        ("delegation",): _delegation,
        ("ask_about_masks",): _masks,
        ("valid_for",): _valid_for,
        ("notify",): _notify,
    },
    {
        ("target",): _target,
        ("remind",): _remind,
        ("escalate",): _escalate,
        ("timeout",): _timeout,
        ("working_hours",): _hours,
    },
)
"""The words of a rule's options: on a rule's second line, and on its third."""


def named(people: Sequence[ReviewerRef]) -> str:
    return names.named(people, most=_PEOPLE) or "nobody"


def _fits(pattern: str) -> str:
    return f"{'fits' if '*' in pattern or '?' in pattern else 'is'} {_code(pattern)}"


def _code(text: str, limit: int = _VALUE_LIMIT) -> str:
    return names.identifier(text, limit)
