"""The rule of a round whose text a person changed: an edit never weakens it."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, User, UserGroup
from crewgate.domain.rules.choose import stricter
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import (
    NO_RULE,
    Decide,
    Escalation,
    Naming,
    Reminders,
    Rule,
    TimeOut,
    TimeoutAction,
)
from tests.builders import ANA, BEN, CAI, a_rule

LEGAL, FINANCE = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
USUAL: tuple[ReviewerRef, ...] = (User(ANA.id), User(BEN.id))
DAY = Duration.parse("1d")
REFS: st.SearchStrategy[ReviewerRef] = st.sampled_from(
    [User(ANA.id), User(BEN.id), User(CAI.id), LEGAL, FINANCE, Email("a@example.com"), Anyone()]
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    groups = draw(st.dictionaries(st.sampled_from([LEGAL, FINANCE]), st.integers(1, 3)))
    reviewers = draw(st.none() | st.lists(REFS, min_size=1, unique=True).map(tuple))
    return a_rule(
        name=draw(st.sampled_from(["one", "two", "three"])),
        reviewers=tuple(groups) if groups else reviewers,
        approvals=sum(groups.values()) if groups else draw(st.integers(1, 4)),
        approvals_from=tuple(groups.items()),
        self_approval=draw(st.booleans()),
        unknown_starter=draw(st.booleans()),
        delegation=draw(st.booleans()),
        timeout=draw(
            st.sampled_from([None, *(TimeOut(DAY, then, "No.") for then in TimeoutAction)])
        ),
        escalate=draw(st.sampled_from([None, Escalation(DAY, (User("U0LEAD"),))])),
    )


def people(rule: Rule) -> set[ReviewerRef]:
    return set(USUAL if rule.reviewers is None else rule.reviewers)


@given(before=st.just(NO_RULE) | rules(), after=st.just(NO_RULE) | rules())
def test_no_edit_ever_needs_less_than_either_rule(before: Rule, after: Rule) -> None:
    holds = stricter(before, after, USUAL)
    for rule in (before, after):
        assert holds.approvals >= rule.approvals
        for group, count in rule.approvals_from:
            assert dict(holds.approvals_from)[group] >= count
        assert holds.self_approval <= rule.self_approval
        if not rule.self_approval:
            assert holds.unknown_starter <= rule.unknown_starter
        assert holds.delegation <= rule.delegation
        if holds.timeout is not None and holds.timeout.then is TimeoutAction.APPROVE:
            assert rule.timeout is not None
            assert rule.timeout.then is TimeoutAction.APPROVE
    groups = sum(count for _, count in holds.approvals_from)
    assert groups in (0, holds.approvals)
    both = [people(before), people(after)]
    who = people(holds)
    if not groups:
        assert who in both
        if any(one < other for one, other in (both, both[::-1]) if Anyone() not in one):
            assert who == min(both, key=len)
    if who != people(before):
        assert holds.escalate is None


WHOLE = Rule(
    name="whole",
    when=Conditions(task="a"),
    decide=Decide.REFUSE,
    reason="No.",
    channel="C1",
    reviewers=(LEGAL,),
    reviewers_from="inputs.boss",
    naming=Naming.NAMED,
    approvals=2,
    approvals_from=((LEGAL, 2),),
    self_approval=False,
    unknown_starter=False,
    notify=Notify.DM,
    target=DAY,
    remind=Reminders(after=DAY),
    escalate=Escalation(DAY, (User("U0LEAD"),)),
    timeout=TimeOut(DAY),
    working_hours=WorkingHours.parse("Mon-Fri 09:00-17:00 UTC"),
    valid_for=DAY,
    delegation=False,
    ask_about_masks=False,
    by_letters=("a",),
)


def test_a_change_of_a_text_knows_each_option_of_a_rule() -> None:
    """A new option of rules must be added above, and to `stricter`."""
    assert [one.name for one in fields(Rule) if getattr(WHOLE, one.name) == one.default] == []
    assert stricter(WHOLE, WHOLE, USUAL) == WHOLE


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (NO_RULE, NO_RULE, ""),
        (NO_RULE, a_rule(), ""),
        (a_rule(name="a", approvals=2), NO_RULE, "a"),
        (NO_RULE, a_rule(name="b", approvals=2), "b"),
        (a_rule(name="a"), a_rule(name="b", approvals=2, self_approval=False), "b"),
        (a_rule(name="a", approvals=2), a_rule(name="b", self_approval=False), "a + b"),
        (a_rule(name="a + b", approvals=2, self_approval=False), a_rule(name="b"), "a + b"),
    ],
)
def test_a_rule_that_holds_for_a_persons_text_is_named_by_what_it_comes_from(
    before: Rule, after: Rule, name: str
) -> None:
    assert stricter(before, after, USUAL).name == name


def test_groups_of_both_rules_approve_and_as_many_people_as_either_asks() -> None:
    legal = a_rule(reviewers=(LEGAL,), approvals=2, approvals_from=((LEGAL, 2),))
    finance = a_rule(reviewers=(FINANCE,), approvals=1, approvals_from=((FINANCE, 1),))
    found = stricter(legal, finance, USUAL)
    assert found is not None
    assert (found.approvals, found.approvals_from) == (3, ((LEGAL, 2), (FINANCE, 1)))
    more = stricter(a_rule(approvals=4), finance, USUAL)
    assert more is not None
    assert (more.approvals, more.approvals_from) == (4, ((FINANCE, 4),))
    assert more.reviewers == (FINANCE,)


def test_where_the_rules_name_others_the_stricter_counts_and_then_that_of_the_text() -> None:
    cai, ana = a_rule(reviewers=(User(CAI.id),)), a_rule(reviewers=(User(ANA.id),))
    assert people(stricter(cai, ana, USUAL)) == people(ana)
    two = a_rule(reviewers=(User(CAI.id), LEGAL), approvals=2)
    assert people(stricter(two, ana, USUAL)) == people(two)


def test_the_person_whom_a_kickoff_names_is_not_asked_for_again() -> None:
    asks = a_rule(reviewers_from="inputs.boss", naming=Naming.PENDING)
    named = a_rule(reviewers_from="inputs.boss", naming=Naming.NAMED, reviewers=(User(CAI.id),))
    assert stricter(named, asks, USUAL) == named
    nobody = a_rule(reviewers_from="inputs.boss", naming=Naming.MISSING)
    assert stricter(nobody, asks, USUAL) == nobody
    unclear = a_rule(reviewers_from="inputs.boss", naming=Naming.UNCLEAR, reviewers=())
    assert stricter(unclear, replace(asks, reviewers=(User(CAI.id),)), USUAL) == unclear
    found = stricter(a_rule(reviewers=(User(CAI.id),)), asks, USUAL)
    assert found is not None
    assert found.naming is Naming.PENDING


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        (None, "2h", "1h"),
        ("15m", None, "15m"),
        ("4wh", "2h", "2h"),
        ("2wh", "4h", "2h"),
        ("2wh", "2wh", "2wh"),
    ],
)
def test_an_approval_holds_no_longer_than_under_either_rule(
    before: str | None, after: str | None, holds: str
) -> None:
    one, other = (a_rule(valid_for=text and Duration.parse(text)) for text in (before, after))
    found = stricter(one, other, USUAL)
    assert found is not None
    assert found.valid_for == Duration.parse(holds)
