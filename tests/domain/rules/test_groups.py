"""Approvals by groups: each person counts for one group, so that the fewest are missing."""

from collections.abc import Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.people import UserGroup
from crewgate.domain.rules.rule import most_approvals
from crewgate.domain.verdict import Needed, assign, count_votes, missing
from tests.builders import ANA, BEN, CAI, a_rule, a_vote

LEGAL, FINANCE, BOARD = UserGroup("S0LEGAL"), UserGroup("S0FINANCE"), UserGroup("S0BOARD")
GROUPS = (LEGAL, FINANCE, BOARD)
NEEDED = st.tuples(*[st.integers(1, 3)] * 3).map(lambda counts: tuple(zip(GROUPS, counts)))  # noqa: B905
PEOPLE = st.lists(st.frozensets(st.sampled_from(GROUPS)), max_size=6)
ONE_EACH: Needed = ((LEGAL, 1), (FINANCE, 1))


def most(needed: Needed, able: Sequence[frozenset[UserGroup]]) -> int:
    """The most approvals that can count, by trying every way."""
    ways = product(*([None, *groups] for groups in able))
    return max(
        sum(one is not None for one in way)
        for way in ways
        if all(way.count(group) <= count for group, count in needed)
    )


@given(NEEDED, PEOPLE)
def test_nobody_counts_for_a_group_they_are_not_in_and_no_way_leaves_fewer_missing(
    needed: Needed, able: list[frozenset[UserGroup]]
) -> None:
    found = assign(needed, able)
    assert all(group is None or group in groups for group, groups in zip(found, able, strict=True))
    assert all(found.count(group) <= count for group, count in needed)
    assert len(found) - found.count(None) == most(needed, able)


@given(NEEDED, PEOPLE)
def test_who_comes_later_takes_nobody_s_place(
    needed: Needed, able: list[frozenset[UserGroup]]
) -> None:
    for count in range(len(able)):
        before, after = assign(needed, able[:count]), assign(needed, able[: count + 1])
        assert [one is None for one in before] == [one is None for one in after[:count]]


def test_somebody_of_two_groups_moves_only_to_make_room() -> None:
    both, legal = (LEGAL, FINANCE), (LEGAL,)
    assert assign(ONE_EACH, [both, both]) == (LEGAL, FINANCE)
    assert assign(ONE_EACH, [both, legal]) == (FINANCE, LEGAL)
    assert assign(ONE_EACH, [legal, legal, both]) == (LEGAL, None, FINANCE)


def test_an_approval_names_the_group_that_it_counts_for_first() -> None:
    votes = a_vote(ANA, groups=(LEGAL, FINANCE)), a_vote(BEN, groups=(LEGAL,)), a_vote(CAI)
    counted = count_votes(ONE_EACH, votes)
    assert [(vote.by, vote.groups) for vote in counted] == [
        (ANA, (FINANCE, LEGAL)),
        (BEN, (LEGAL,)),
    ]
    assert missing(ONE_EACH, counted) == ()
    assert missing(((LEGAL, 2), (FINANCE, 1)), counted[1:]) == ((LEGAL, 1), (FINANCE, 1))


def test_who_is_in_no_group_counts_for_any() -> None:
    members = {LEGAL: {ANA.id, BEN.id}, FINANCE: set[str]()}
    rule = a_rule(approvals=2, approvals_from=ONE_EACH)
    assert most_approvals(rule, [ANA.id, BEN.id], members.__getitem__) == 1
    assert most_approvals(rule, [ANA.id, BEN.id, CAI.id], members.__getitem__) == 2
    assert most_approvals(a_rule(approvals=2), [ANA.id, BEN.id], members.__getitem__) == 2
