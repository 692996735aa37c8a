"""What `crewgate rules` says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import Round
from crewgate.domain.rules.conditions import Key, Mismatch
from crewgate.domain.rules.rule import Rule
from crewgate.rules.replay import Change, Group, Obstacle, TooFew, UnknownStarter

NO_DATABASE: Final = "there is no database yet; start the bot once"
NOT_MIGRATED: Final = "the database is of another version; start the bot once and try again"
NO_RULE: Final = "the crew's settings"
NO_ROUNDS: Final = "no rounds"
#: Of a text from outside, in characters.
_SHOWN: Final = 80


def not_asked(refs: Iterable[ReviewerRef]) -> str:
    """Slack does not tell who some people are."""
    return (
        f"! Slack could not be asked who is meant by {_people(refs)}; whether enough people may"
        " approve is left out where they are named"
    )


def not_found(prefix: str) -> str:
    """No execution of a crew in the settings."""
    return f"✗ no execution of a crew in the settings begins with {shortened(prefix)}"


def ambiguous(prefix: str, found: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Several executions, some of them named."""
    yield f"✗ several executions begin with {shortened(prefix)}; give more of the id, as of"
    for crew, execution_id in found:
        yield f"    {execution_id} of {crew}"


def head(count: int, since: date, given: str) -> str:
    """Above all crews."""
    return (
        f"{count_of(count, 'round')} since {since.isoformat()} (--since {given}), tried on the"
        " rules as they are now"
    )


def no_such_crew(crew: str, count: int) -> str:
    """Rounds of a crew that the settings do not name."""
    return f"– {crew}: {count_of(count, 'round')} left out, because the settings name no such crew"


def crew_line(crew: str, count: int) -> str:
    """Above the lines of one crew."""
    return f"{crew}: {count_of(count, 'round')}"


def unchanged_line(count: int) -> str:
    """Rounds that would go the way they went."""
    return f"  ✓ {count:,} would go as {'it' if count == 1 else 'they'} went"


def change_lines(change: Change, group: Group) -> Iterator[str]:
    """Rounds that would go the same other way."""
    mark = "→" if change.obstacle is None else "✗"
    yield f"  {mark} {group.count:,} {_way(change)}"
    for said in _differences(change):
        yield f"      {said}"
    for one in group.newest:
        yield (
            f"      e.g. round {one.number} of “{shortened(one.title)}”, execution"
            f" {shortened(one.execution_id)} ({one.opened_at.date().isoformat()})"
        )


def execution_line(crew: str, execution_id: str, subject: str) -> str:
    """Above the rounds of an execution."""
    return f"Execution {execution_id} of {crew} · {subject}"


def round_lines(round_: Round) -> Iterator[str]:
    """A round, and the rule that is kept with it."""
    opened = round_.opened_at.strftime("%Y-%m-%d %H:%M UTC")
    yield f"Round {round_.number} of “{shortened(round_.review.title)}”, {opened}"
    yield f"  {said_of_kept(round_.rule)}"


def said_of_kept(rule: Rule | None) -> str:
    """Under what a round was opened."""
    if rule is None or not rule.name:
        return "opened when no rule matched: the crew's settings count"
    return f"opened under {named(rule)}, which is kept with it as it was then: {approvals_of(rule)}"


def tried_line() -> str:
    """Above the rules of now."""
    return "  the rules as they are now, in their order:"


def no_rules_line() -> str:
    """The crew has none."""
    return "  the crew has no rules now"


def matching_line(place: str) -> str:
    """A rule that counts."""
    return f"    ✓ {place}: matches"


def later_line(place: str) -> str:
    """A rule that is not reached."""
    return f"    – {place}: comes after it"


def mismatching_lines(
    place: str, mismatches: Iterable[Mismatch], *, possible: bool
) -> Iterator[str]:
    """A rule that does not match, or may match, and why."""
    yield f"    {'?' if possible else '✗'} {place}:"
    for one in mismatches:
        yield f"        {_mismatch(one)}"


def strictest_line(rule: Rule | None) -> str:
    """What counts where it cannot be told which rule matches first."""
    counts = f"{named(rule)} counts" if rule is not None else f"{NO_RULE} count"
    return f"    → it cannot be told which matches first: {counts}, the strictest of these"


def none_line() -> str:
    """No rule counts."""
    return f"    ✓ none matches: {NO_RULE} count"


def named(rule: Rule) -> str:
    """A rule in a sentence."""
    return f"“{rule.name}”"


def approvals_of(rule: Rule) -> str:
    """How many it takes."""
    return count_of(rule.approvals, "approval")


def count_of(number: int, what: str) -> str:
    """`1 round`, `2 rounds`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shortened(text: str) -> str:
    """The beginning of what came from outside."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _way(change: Change) -> str:
    now = f"“{change.now}”" if change.now else NO_RULE
    if change.was == change.now:
        return f"would be under {now} as before"
    was = f"“{change.was}”" if change.was else NO_RULE
    return f"would be under {now} instead of {was}"


def _differences(change: Change) -> Iterator[str]:
    if change.obstacle is not None:
        yield _obstacle(change.obstacle)
    if change.unsure:
        yield "the strictest that may match: it cannot be told which matches first"
    if change.channels is not None:
        was, now = change.channels
        yield f"in {now} instead of {was}"
    if change.approvals is not None:
        approvals, needed = change.approvals
        yield f"{count_of(needed, 'approval')} instead of {approvals}"
    if change.reviewers is not None:
        before, after = change.reviewers
        yield f"decided by {_people(after)} instead of {_people(before)}"
    if change.keys:
        yield f"other values of {', '.join(change.keys)}"


def _obstacle(obstacle: Obstacle) -> str:
    match obstacle:
        case UnknownStarter():
            return "nobody could approve: nobody knows who started it, and unknown_starter is deny"
        case TooFew(0):
            return "nobody could approve: no reviewer is left"
        case TooFew(people, needed):  # pragma: no branch  # there is no fourth
            return f"nobody could approve: it needs {needed} people and has {people}"


def _people(refs: Iterable[ReviewerRef]) -> str:
    return ", ".join(map(str, refs))


def _mismatch(one: Mismatch) -> str:
    match one.key:
        case Key.CONTAINS:
            texts = " or ".join(f"“{text}”" for text in one.wanted)
            return f"the output does not contain {texts}"
        case Key.TASK | Key.AGENT:
            what = f"the {one.key}"
        case Key.JSON:
            what = f"{one.name} in the output"
        case key:
            what = f"{one.name} in {key}"
    if one.unsure:
        return f"{what} cannot be told; it must be {one.wanted[0]}"
    if one.found is None:
        return f"{what} is not there; it must be {one.wanted[0]}"
    return f"{what} is {shortened(one.found)}; it must be {one.wanted[0]}"
