"""Approvals by user groups: each person counts for one group, so that the fewest are missing."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from crewgate.domain.people import UserGroup
from crewgate.domain.rules.rule import Needed, Rule
from crewgate.domain.verdict import Vote


def assign(needed: Needed, able: Iterable[Collection[UserGroup]]) -> tuple[UserGroup | None, ...]:
    """Return the group that each person counts for, given the groups that they could count for.

    As few approvals as possible are missing then, and whoever comes earlier counts for some group
    if anybody does: somebody of two groups moves to the other one where that makes room. None for
    somebody whose groups have enough people without them.
    """
    left = dict(needed)
    people: list[Collection[UserGroup]] = []
    counts: dict[int, UserGroup] = {}

    def place(person: int, tried: set[UserGroup]) -> bool:
        groups = [group for group in left if group in people[person]]
        # Nobody is moved without need.
        for group in sorted(groups, key=lambda one: left[one] == 0):
            if group in tried:
                continue
            tried.add(group)
            if left[group] == 0:
                others = [one for one, counted in counts.items() if counted == group]
                if not any(place(one, tried) for one in others):
                    continue
            left[group] -= 1
            if person in counts:
                left[counts[person]] += 1
            counts[person] = group
            return True
        return False

    for person, groups in enumerate(able):
        people.append(groups)
        if any(left.values()):
            place(person, set())
    return tuple(map(counts.get, range(len(people))))


def count_votes(needed: Needed, votes: Sequence[Vote]) -> tuple[Vote, ...]:
    """Return the approvals that count, each with the group that it counts for first."""
    groups = assign(needed, (vote.groups for vote in votes))
    return tuple(
        replace(vote, groups=(group, *(one for one in vote.groups if one != group)))
        for vote, group in zip(votes, groups, strict=True)
        if group is not None
    )


def has_room(needed: Needed, votes: Iterable[Vote], groups: Collection[UserGroup]) -> bool:
    """Return True if one more approval, of somebody in these groups, would count."""
    return assign(needed, (*(vote.groups for vote in votes), groups))[-1] is not None


def missing(needed: Needed, votes: Iterable[Vote]) -> Needed:
    """Return the groups whose approvals are missing, with how many."""
    counted = [vote.group for vote in votes]
    left = ((group, count - counted.count(group)) for group, count in needed)
    return tuple((group, count) for group, count in left if count > 0)


def most_approvals(
    rule: Rule, people: Collection[str], members: Callable[[UserGroup], Collection[str]]
) -> int:
    """Return how many of these people's approvals can count together under a rule.

    Somebody who is in none of its groups decides once the rule has escalated, and counts for any.
    """
    if not rule.approvals_from:
        return len(people)
    by_group = {group: members(group) for group, _ in rule.approvals_from}
    able = ([one for one in by_group if user in by_group[one]] or by_group for user in people)
    counted = assign(rule.approvals_from, able)
    return len(counted) - counted.count(None)
