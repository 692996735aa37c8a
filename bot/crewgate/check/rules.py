"""A check that rules name enough people for what they ask for."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from crewgate.check.findings import Finding, doubtful, skipped, wrong
from crewgate.domain.people import Anyone, ReviewerRef, UserGroup
from crewgate.domain.rules.rule import Rule, most_approvals
from crewgate.settings.crew import CrewSettings
from crewgate.settings.rules import doubtful as doubtful_rules

Known = Mapping[ReviewerRef, frozenset[str]]
"""The settings' people as user ids; unresolved ones are left out."""


def check_rules(crews: Iterable[CrewSettings], known: Known) -> Iterator[Finding]:
    for crew in crews:
        for rule, place in zip(crew.rules, crew.places, strict=True):
            yield from _nobodies(rule, place, known)
            yield from _check(rule, place, crew, known)
        for place, why in doubtful_rules(crew):
            yield doubtful(place, why)


def people_of(crew: CrewSettings) -> tuple[ReviewerRef, ...]:
    later = map(_escalated_to, crew.rules)
    named = (rule.reviewers or () for rule in crew.rules)
    return tuple(dict.fromkeys(chain(crew.reviewers, *named, *later)))


def channels_of(crew: CrewSettings) -> Iterator[tuple[str | None, str]]:
    """Yield the channels of a crew's cards and digest, each with its setting."""
    for rule, place in zip(crew.rules, crew.places, strict=True):
        yield rule.channel, f"{place}.channel"
    yield crew.digest, f"crews.{crew.name}.digest"
    yield crew.channel, ""


def _nobodies(rule: Rule, place: str, known: Known) -> Iterator[Finding]:
    first = "approvals_from" if rule.approvals_from else "reviewers"
    for key, refs in ((first, rule.reviewers), ("escalate.to", _escalated_to(rule))):
        for ref in refs or ():
            if known.get(ref) == frozenset():
                is_group = isinstance(ref, UserGroup)
                why = f"nobody is in {ref}" if is_group else f"Slack knows nobody by {ref}"
                yield wrong(f"{place}.{key}", f"{why}; put people of this workspace there")


def _check(rule: Rule, place: str, crew: CrewSettings, known: Known) -> Iterator[Finding]:
    first = rule.reviewers or crew.reviewers
    named = (*first, *_escalated_to(rule))
    needed = f"{rule.approvals} approvals" if rule.approvals > 1 else "1 approval"
    if rule.approvals > 1 and crew.flow_webhook_secret:
        needed = f"{needed} (one person answers what a flow's ask() asks)"
    if rule.reviewers_from is not None:
        needed += f", of the person in {rule.reviewers_from}; where it names nobody"
    if not first:
        yield Finding(place, f"{needed}, of whom the request assigns")
    elif Anyone() in named:
        yield Finding(place, f"{needed}, of anybody in the channel")
    elif any(ref not in known for ref in named):
        yield skipped(place, "Slack could not be asked for all of its people")
    else:
        people = frozenset(chain.from_iterable(known[ref] for ref in named))
        able = most_approvals(rule, people, known.__getitem__)
        if able < rule.approvals:
            key = "approvals_from" if rule.approvals_from else "approvals"
            yield wrong(f"{place}.{key}", _too_few(rule, able, known))
            return
        yield Finding(place, f"{needed}, of {_count(len(people))}")
        at_first = frozenset(chain.from_iterable(known[ref] for ref in first))
        if most_approvals(rule, at_first, known.__getitem__) < rule.approvals:
            why = (
                f"before the escalation {_may_decide(len(at_first))}, which is not enough;"
                " name more reviewers if that is not meant"
            )
            yield doubtful(place, why)
        if not rule.self_approval and any(
            most_approvals(rule, people - {one}, known.__getitem__) < rule.approvals
            for one in people
        ):
            yield doubtful(place, _alone(rule))


def _escalated_to(rule: Rule) -> tuple[ReviewerRef, ...]:
    return () if rule.escalate is None else rule.escalate.to


def _too_few(rule: Rule, people: int, known: Known) -> str:
    if rule.approvals_from:
        short = [
            f"; {_count(len(known[group]))} {'is' if len(known[group]) == 1 else 'are'} in {group}"
            for group, count in rule.approvals_from
            if len(known[group]) < count
        ]
        return (
            f"{rule.approvals} people, each for one group, but only {people} can"
            f" approve{''.join(short)}; put smaller numbers there, or more people into the groups"
        )
    if not people:
        return "nobody may decide; put people of this workspace into reviewers"
    return f"{rule.approvals}, but {_may_decide(people)}; put {people} there, or name more people"


def _alone(rule: Rule) -> str:
    if rule.approvals_from:
        why = "who started it may not approve it, and without some of its people too few are left"
    elif rule.approvals == 1:
        why = "its only reviewer may not approve what they started themselves"
    else:
        why = "all of its reviewers must approve, and one who started it may not"
    return f"{why}; name another reviewer, or put self_approval = true there"


def _may_decide(people: int) -> str:
    return f"only {_count(people)} may decide" if people else "nobody may decide"


def _count(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"
