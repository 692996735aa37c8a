"""The effect of today's rules on earlier rounds, and the sentences about the effect."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from fractions import Fraction
from heapq import nlargest
from typing import Final, TypeVar

from crewgate.check.settings import Known, decides_alone
from crewgate.domain.answering import rule_for
from crewgate.domain.crew import Crew
from crewgate.domain.people import ReviewerRef, Role, User
from crewgate.domain.review import Round
from crewgate.domain.rules.choose import could_apply, for_call, strictest
from crewgate.domain.rules.conditions import Key, Mismatch
from crewgate.domain.rules.rule import WITH_REVIEWERS, Decide, Rule, most_approvals
from crewgate.domain.stats import DecidedRound, sample
from crewgate.domain.subjects import call_of, question_of
from crewgate.settings.crew import CrewSettings
from crewgate.slack.stats import sampled
from crewgate.slack.words.names import counted
from crewgate.store.replay import StoredRound

T = TypeVar("T")

#: The most rounds that a group names: its newest rounds.
EXAMPLES: Final = 3
_TOLD: Final = frozenset(
    {"name", "when", "channel", "reviewers", "approvals", "naming", "by_letters"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The difference that the rules make to a round; equal for rounds of one group."""

    was: str
    now: str
    channels: tuple[str, str] | None = None
    """The card's channel, before and now; None: unchanged. The next two have this form."""
    approvals: tuple[int, int] | None = None
    reviewers: tuple[tuple[ReviewerRef, ...], tuple[ReviewerRef, ...]] | None = None
    keys: tuple[str, ...] = ()
    obstacle: str = ""
    """The reason why nobody could approve; empty if somebody could, or that is unknown."""
    decides: Decide | None = None
    """The rule's own decision on the call; None if people decide."""
    unsure: bool = False
    """The first matching rule is uncertain: `now` is the strictest that may match."""

    @property
    def is_none(self) -> bool:
        return self == Change(was=self.was, now=self.was, decides=self.decides, unsure=self.unsure)


def replay(stored: StoredRound, crew: Crew, known: Known) -> Change:
    """Return the difference that the crew's present rules would make to a round.

    Options that the round's rule left out come from the present crew, too.
    """
    possible = could_apply(crew.rules, stored.facts)
    before = stored.round.rule
    after = _rule_now(stored, crew, strictest(possible, crew.permitted(Role.REVIEWER)))
    if after.reviewers_from is not None and after.reviewers_from == before.reviewers_from:
        # The kickoff would name the same person again, so the stored round's reviewers stay.
        named = before if before.naming in WITH_REVIEWERS else after
        after = replace(after, naming=before.naming, reviewers=named.reviewers)
    was, now = crew.under(before), crew.under(after)
    return Change(
        was=before.name,
        now=after.name,
        channels=_unless_same(was.channel, now.channel),
        approvals=_unless_same(before.approvals, after.approvals),
        reviewers=_unless_same(was.permitted(Role.REVIEWER), now.permitted(Role.REVIEWER)),
        keys=tuple(
            one.name
            for one in fields(Rule)
            if one.name not in _TOLD and getattr(before, one.name) != getattr(after, one.name)
        ),
        obstacle=_obstacle(after, crew, stored, known),
        decides=after.decide,
        unsure=len(possible) > 1,
    )


def _rule_now(stored: StoredRound, crew: Crew, chosen: Rule) -> Rule:
    question = question_of(stored.round.subject)
    if question is not None:
        return rule_for(question, chosen, reviewers=bool(crew.reviewers))
    return for_call(chosen, stored.facts.call)


def _unless_same(was: T, now: T) -> tuple[T, T] | None:
    return None if was == now else (was, now)


def _obstacle(rule: Rule, crew: Crew, stored: StoredRound, known: Known) -> str:
    starter = frozenset() if rule.self_approval else _starter(stored, known)
    if not (starter or rule.self_approval or rule.unknown_starter):
        return "nobody could approve: nobody knows who started it, and unknown_starter is deny"
    named = crew.under(rule, escalated=True).permitted(Role.REVIEWER)
    people = _people(named, known)
    if people is None:
        return ""
    able = most_approvals(rule, people - starter, known.__getitem__)
    if able >= rule.approvals:
        return ""
    if not able:
        return "nobody could approve: no reviewer is left"
    return f"nobody could approve: it needs {rule.approvals} people and has {able}"


def _people(named: Iterable[ReviewerRef], known: Known) -> frozenset[str] | None:
    """Return the user ids of these people; None if Slack did not name all of them."""
    found: set[str] = set()
    for ref in named:
        if ref in known:
            found |= known[ref]
        elif isinstance(ref, User):
            found.add(ref.id)
        else:
            return None
    return frozenset(found)


def _starter(stored: StoredRound, known: Known) -> frozenset[str]:
    """Return the starters' accounts; an address counts only if the settings also name it."""
    each = ({one.id} if isinstance(one, User) else known.get(one, ()) for one in stored.starters)
    return frozenset[str]().union(*each)


@dataclass(slots=True)
class Group:
    """Rounds with equal changes: their number, and the newest of them."""

    count: int = 0
    newest: list[Round] = field(default_factory=list)

    def add(self, round_: Round) -> None:
        self.count += 1
        rounds = (*self.newest, round_)
        self.newest = nlargest(EXAMPLES, rounds, key=lambda one: (one.opened_at, one.id))


CREW_SETTINGS: Final = "the crew's settings"
#: The most characters that are shown of a text from outside.
_SHOWN: Final = 80


def not_asked(refs: Iterable[ReviewerRef]) -> str:
    return (
        f"! Slack could not be asked who is meant by {_names(refs)}; whether enough people may"
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
        f"{counted(count, 'round')} since {since.isoformat()} (--since {given}), tried on the"
        " rules as they are now"
    )


def sample_lines(
    crew: str, rounds: Iterable[DecidedRound], share: Fraction, after: int
) -> Iterator[str]:
    """Yield a line for each task, the task with the most rounds first."""
    by_task: dict[str, list[DecidedRound]] = {}
    for one in rounds:
        by_task.setdefault(one.task, []).append(one)
    yield from ("", f"{crew}: {counted(sum(map(len, by_task.values())), 'decided round')}")
    for task, some in sorted(by_task.items(), key=lambda one: (-len(one[1]), one[0])):
        found = sample(some, share, after=after)
        yield f"  “{shortened(task)}”: {sampled(found)}"


def no_such_crew(crew: str, count: int) -> str:
    return f"– {crew}: {counted(count, 'round')} left out, because the settings name no such crew"


def crew_lines(crew: str, groups: Mapping[Change, Group]) -> Iterator[str]:
    """Yield lines about groups: first those that nobody could approve, then the largest."""
    yield ""
    yield f"{crew}: {counted(sum(group.count for group in groups.values()), 'round')}"
    order = sorted(groups.items(), key=lambda one: (not one[0].obstacle, -one[1].count))
    unchanged = sum(group.count for change, group in order if change.is_none)
    if unchanged:
        yield f"  ✓ {unchanged:,} would go as {'it' if unchanged == 1 else 'they'} went"
    decided = Counter[tuple[str, Decide]]()
    for change, group in groups.items():
        if change.decides is not None:
            decided[change.now, change.decides] += group.count
    for (rule, decides), count in decided.most_common():
        calls = counted(count, "call")
        yield f"  “{rule}” would {decides} {calls} without a person"
    for change, group in order:
        if not change.is_none:
            yield from _change_lines(change, group)


def _change_lines(change: Change, group: Group) -> Iterator[str]:
    mark = "✗" if change.obstacle else "→"
    yield f"  {mark} {group.count:,} {_way(change)}"
    for line in _differences(change):
        yield f"      {line}"
    for one in group.newest:
        yield (
            f"      e.g. round {one.number} of {_title(one)}, execution"
            f" {shortened(one.review.execution_id)} ({one.opened_at.date().isoformat()})"
        )


def _title(round_: Round) -> str:
    """Return what a round is about; the task of a call's agent may have many calls."""
    call = call_of(round_.subject)
    if call is not None:
        return f"a call of {shortened(call.tool)}"
    return f"“{shortened(round_.review.title)}”"


def round_lines(stored: StoredRound, crew: CrewSettings) -> Iterator[str]:
    """Yield lines about a round: its stored rule, and which of the crew's present rules match."""
    round_, rule = stored.round, stored.round.rule
    yield ""
    opened = round_.opened_at.strftime("%Y-%m-%d %H:%M UTC")
    yield f"Round {round_.number} of {_title(round_)}, {opened}"
    if not rule.name:
        yield "  opened when no rule matched: the crew's settings count"
    else:
        yield f"  opened under “{rule.name}”, which is kept with it as it was then: {_asks(rule)}"
    if not crew.rules:
        yield "  the crew has no rules now"
        return
    yield "  the rules as they are now, in their order:"
    possible = could_apply(crew.rules, stored.facts)
    matched = False
    for one, place in zip(crew.rules, crew.places, strict=True):
        if matched:
            yield f"    – {place}: comes after it"
        elif mismatches := one.when.mismatches(stored.facts, exactly=one.allows):
            yield f"    {'?' if one in possible else '✗'} {place}:"
            yield from (f"        {_mismatch(each)}" for each in mismatches)
        elif one not in possible:
            yield f"    ✗ {place}: {_does_not_decide(one, round_)}"
        else:
            matched = True
            yield f"    ✓ {place}: matches{_by_letters(one, stored)}{_alone(one)}"
    if len(possible) > 1:
        chosen = strictest(possible, crew.permitted(Role.REVIEWER))
        counts = f"“{chosen.name}” counts" if chosen.name else f"{CREW_SETTINGS} count"
        yield f"    → it cannot be told which matches first: {counts}, the strictest of these"
    elif not matched:
        yield f"    ✓ none matches: {CREW_SETTINGS} count"


def _does_not_decide(rule: Rule, round_: Round) -> str:
    if round_.subject.is_act and rule.allows:
        return "allows no call that may have run already"
    return "decides on calls of tools alone"


def _asks(rule: Rule) -> str:
    if rule.decide is not None:
        return decides_alone(rule)
    needed = counted(rule.approvals, "approval")
    if rule.approvals_from:
        of = (f"{count} of {group}" for group, count in rule.approvals_from)
        needed = f"{needed}, {', '.join(of)}"
    return f"{needed}; it holds for {rule.valid_for}" if rule.valid_for is not None else needed


def _by_letters(rule: Rule, stored: StoredRound) -> str:
    patterns = () if rule.allows else rule.when.by_letters(stored.facts)
    return f", {', '.join(patterns)} by letters and digits alone" if patterns else ""


def _alone(rule: Rule) -> str:
    return f", and {decides_alone(rule)}" if rule.decide is not None else ""


def shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _way(change: Change) -> str:
    now = f"“{change.now}”" if change.now else CREW_SETTINGS
    if change.was == change.now:
        return f"would be under {now} as before"
    was = f"“{change.was}”" if change.was else CREW_SETTINGS
    return f"would be under {now} instead of {was}"


def _differences(change: Change) -> Iterator[str]:
    if change.obstacle:
        yield change.obstacle
    if change.unsure:
        yield "the strictest that may match: it cannot be told which matches first"
    if change.channels is not None:
        was, now = change.channels
        yield f"in {now} instead of {was}"
    if change.approvals is not None:
        approvals, needed = change.approvals
        yield f"{counted(needed, 'approval')} instead of {approvals}"
    if change.reviewers is not None:
        before, after = change.reviewers
        yield f"decided by {_names(after)} instead of {_names(before)}"
    if change.keys:
        yield f"other values of {', '.join(change.keys)}"


def _names(refs: Iterable[ReviewerRef]) -> str:
    return ", ".join(map(str, refs))


def _mismatch(one: Mismatch) -> str:
    match one.key:
        case Key.CONTAINS:
            texts = " or ".join(f"“{text}”" for text in one.wanted)
            if one.unsure:
                return f"it cannot be told whether the output contains {texts}"
            return f"the output does not contain {texts}"
        case Key.TASK | Key.AGENT | Key.TOOL:
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
