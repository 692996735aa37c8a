"""The sentences of `crewgate rules`."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final, assert_never

from crewgate.domain.people import ReviewerRef
from crewgate.domain.rules.choose import could_apply, strictest
from crewgate.domain.rules.conditions import Key, Mismatch
from crewgate.rules.replay import Change, Group, Obstacle, TooFew, UnknownStarter
from crewgate.settings.crew import CrewSettings
from crewgate.store.replay import StoredRound

NO_RULE: Final = "the crew's settings"
#: Of a text from outside, in characters.
_SHOWN: Final = 80


def not_asked(refs: Iterable[ReviewerRef]) -> str:
    return (
        f"! Slack could not be asked who is meant by {_people(refs)}; whether enough people may"
        " approve is left out where they are named"
    )


def not_found(prefix: str) -> str:
    return f"✗ no execution of a crew in the settings begins with {shortened(prefix)}"


def ambiguous(prefix: str, found: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"✗ several executions begin with {shortened(prefix)}; give one of"
    for crew, execution_id in found:
        yield f"    {execution_id} --crew {crew}"


def head(count: int, since: date, given: str) -> str:
    return (
        f"{count_of(count, 'round')} since {since.isoformat()} (--since {given}), tried on the"
        " rules as they are now"
    )


def no_such_crew(crew: str, count: int) -> str:
    return f"– {crew}: {count_of(count, 'round')} left out, because the settings name no such crew"


def crew_lines(crew: str, groups: Mapping[Change, Group]) -> Iterator[str]:
    """The rounds of a crew: what nobody could approve first, then what changes for most."""
    yield ""
    yield f"{crew}: {count_of(sum(group.count for group in groups.values()), 'round')}"
    order = sorted(groups.items(), key=lambda one: (one[0].obstacle is None, -one[1].count))
    unchanged = sum(group.count for change, group in order if change.is_none)
    if unchanged:
        yield f"  ✓ {unchanged:,} would go as {'it' if unchanged == 1 else 'they'} went"
    for change, group in order:
        if not change.is_none:
            yield from _change_lines(change, group)


def _change_lines(change: Change, group: Group) -> Iterator[str]:
    mark = "→" if change.obstacle is None else "✗"
    yield f"  {mark} {group.count:,} {_way(change)}"
    for said in _differences(change):
        yield f"      {said}"
    for one in group.newest:
        yield (
            f"      e.g. round {one.number} of “{shortened(one.title)}”, execution"
            f" {shortened(one.execution_id)} ({one.opened_at.date().isoformat()})"
        )


def round_lines(stored: StoredRound, crew: CrewSettings) -> Iterator[str]:
    """A round with the rule that is kept with it, and with the crew's rules as they are now."""
    round_, rule = stored.round, stored.round.rule
    yield ""
    opened = round_.opened_at.strftime("%Y-%m-%d %H:%M UTC")
    yield f"Round {round_.number} of “{shortened(round_.review.title)}”, {opened}"
    if rule is None or not rule.name:
        yield "  opened when no rule matched: the crew's settings count"
    else:
        needed = count_of(rule.approvals, "approval")
        if rule.approvals_from:
            of = (f"{count} of {group}" for group, count in rule.approvals_from)
            needed = f"{needed}, {', '.join(of)}"
        yield f"  opened under “{rule.name}”, which is kept with it as it was then: {needed}"
    if not crew.rules:
        yield "  the crew has no rules now"
        return
    yield "  the rules as they are now, in their order:"
    possible = could_apply(crew.rules, stored.facts)
    matched = False
    for one, place in zip(crew.rules, crew.places, strict=True):
        if matched:
            yield f"    – {place}: comes after it"
        elif mismatches := one.when.mismatches(stored.facts):
            yield f"    {'?' if one in possible else '✗'} {place}:"
            yield from (f"        {_mismatch(each)}" for each in mismatches)
        else:
            matched = True
            yield f"    ✓ {place}: matches"
    if len(possible) > 1:
        chosen = strictest(possible)
        counts = f"{NO_RULE} count" if chosen is None else f"“{chosen.name}” counts"
        yield f"    → it cannot be told which matches first: {counts}, the strictest of these"
    elif not matched:
        yield f"    ✓ none matches: {NO_RULE} count"


def count_of(number: int, what: str) -> str:
    """`1 round`, `2 rounds`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shortened(text: str) -> str:
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
        case TooFew(people, needed):
            return f"nobody could approve: it needs {needed} people and has {people}"
        case _:
            assert_never(obstacle)


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
