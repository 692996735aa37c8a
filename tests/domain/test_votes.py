"""Several approvals of one round: those that count, and the words for the crew."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    AlreadyVoted,
    GroupsComplete,
    InvalidTransition,
    NotVoted,
    NotWaiting,
    PressRepeated,
)
from crewgate.domain.people import Role, User, UserGroup
from crewgate.domain.review import Round, State, Transition
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Escalation, Reminders, TimeOut, TimeoutAction
from crewgate.domain.verdict import APPROVED, Approve, Decision, Person, Revise, TimedOut, Via, Vote
from tests.builders import (
    ANA,
    BEN,
    CAI,
    EVE,
    LATER,
    NOW,
    a_crew,
    a_decision,
    a_round,
    a_rule,
    a_vote,
)

REFRESH, RESUME = EffectKind.REFRESH, EffectKind.RESUME
THREE_DAYS = Duration(timedelta(days=3))
TWO = a_rule(approvals=2)


def kinds(transition: Transition) -> list[EffectKind]:
    return [effect.kind for effect in transition.effects]


def approved(*votes: Vote, approvals: int = 2) -> Round:
    round_ = a_round(rule=a_rule(approvals=approvals))
    for vote in votes:
        round_ = round_.approve(vote).round
    return round_


def test_the_first_of_two_approvals_is_counted_and_shown() -> None:
    transition = a_round(rule=TWO).approve(a_vote())
    assert (transition.round.state, transition.round.votes) == (State.WAITING, (a_vote(),))
    assert kinds(transition) == [REFRESH]


def test_the_last_one_decides_and_keeps_who_approved() -> None:
    transition = approved(a_vote()).approve(a_vote(BEN, at=LATER, via=Via.MODAL), unsent_notes=3)
    assert transition.round.state is State.DECIDED
    votes = (a_vote(), a_vote(BEN, at=LATER, via=Via.MODAL))
    assert transition.round.decision == Decision(
        verdict=Approve(), by=BEN, at=LATER, via=Via.MODAL, unsent_notes=3, votes=votes
    )
    assert kinds(transition) == [REFRESH, RESUME]


@pytest.mark.parametrize("rule", [NO_RULE, a_rule()])
def test_where_one_approval_is_enough_it_is_told_verbatim(rule: object) -> None:
    vote = a_vote(comment="Mind the date.", on_behalf_of=BEN)
    transition = a_round(rule=rule).approve(vote, unsent_notes=1)
    decision = Decision(
        verdict=Approve("Mind the date."),
        by=ANA,
        at=NOW,
        via=Via.BUTTON,
        unsent_notes=1,
        on_behalf_of=BEN,
    )
    assert transition.round.decision == decision
    assert transition.round.votes == ()
    assert decision.human_feedback == "Mind the date."


def test_who_approved_already_changes_nothing_by_pressing_again() -> None:
    counted = approved(a_vote())
    assert counted.approve(a_vote(at=LATER, comment="More.")) == Transition(counted, ())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (a_vote(ANA, on_behalf_of=CAI), a_vote(BEN, on_behalf_of=CAI)),
        (a_vote(ANA, on_behalf_of=CAI), a_vote(CAI)),
        (a_vote(CAI), a_vote(ANA, on_behalf_of=CAI)),
    ],
)
def test_nobody_s_approval_counts_twice(first: Vote, second: Vote) -> None:
    with pytest.raises(AlreadyVoted) as caught:
        approved(first).approve(second)
    assert caught.value.vote == first


def test_who_stands_in_for_another_counts_for_them() -> None:
    decided = approved(a_vote(ANA), a_vote(EVE, on_behalf_of=BEN))
    assert decided.decision is not None
    assert (decided.decision.by, decided.decision.on_behalf_of) == (EVE, BEN)


def test_one_person_cannot_decide_what_takes_two() -> None:
    with pytest.raises(InvalidTransition):
        a_round(rule=TWO).decide(a_decision())


def test_one_revise_decides_at_once_and_the_approvals_stay_on_record() -> None:
    transition = approved(a_vote()).decide(a_decision(Revise("Shorter."), by=BEN))
    assert transition.round.state is State.DECIDED
    assert transition.round.votes == (a_vote(),)
    assert transition.round.decision == a_decision(Revise("Shorter."), by=BEN)


def test_an_approval_that_no_group_needs_is_refused() -> None:
    legal, finance = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
    rule = a_rule(approvals=2, approvals_from=((legal, 1), (finance, 1)))
    first = a_round(rule=rule).approve(a_vote(ANA, groups=(legal, finance))).round
    for round_ in (a_round(rule=rule), first):
        with pytest.raises(GroupsComplete):
            round_.approve(a_vote(BEN))
    decided = first.approve(a_vote(BEN, groups=(legal,))).round
    assert [vote.group for vote in decided.votes] == [finance, legal]
    assert (decided.state, first.state) == (State.DECIDED, State.WAITING)


@pytest.mark.parametrize("state", [state for state in State if state is not State.WAITING])
@pytest.mark.parametrize(
    "act", [lambda round_: round_.approve(a_vote()), lambda round_: round_.take_back(ANA.id)]
)
def test_only_what_waits_takes_an_approval_or_gives_one_back(
    state: State, act: Callable[[Round], Transition]
) -> None:
    with pytest.raises(NotWaiting):
        act(a_round(state, rule=TWO))


# --- what the crew is told ---


@pytest.mark.parametrize(
    ("comments", "told"),
    [
        ((None, None), APPROVED),
        ((None, "Mind the date."), "Ben: Mind the date."),
        (("Good.", "Mind\nthe date."), "Ana: Good.\n\nBen: Mind\nthe date."),
    ],
)
def test_comments_of_several_are_joined_with_their_names(
    comments: tuple[str | None, str | None], told: str
) -> None:
    first, last = comments
    decided = approved(a_vote(comment=first), a_vote(BEN, comment=last))
    assert decided.decision is not None
    assert decided.decision.human_feedback == told


# --- taking back ---


def test_an_approval_can_be_taken_back_until_the_last_one() -> None:
    transition = approved(a_vote(), a_vote(BEN), approvals=3).take_back(ANA.id)
    assert transition.round.votes == (a_vote(BEN),)
    assert kinds(transition) == [REFRESH]


def test_so_can_one_that_somebody_gave_in_one_s_name() -> None:
    given = approved(a_vote(EVE, on_behalf_of=ANA))
    assert given.take_back(ANA.id).round.votes == ()


def test_who_has_not_approved_has_nothing_to_take_back() -> None:
    with pytest.raises(NotVoted):
        approved(a_vote()).take_back(BEN.id)


# --- time ---


@pytest.mark.parametrize(
    ("timeout", "verdict"),
    [
        (TimeOut(THREE_DAYS, TimeoutAction.REVISE, "Stop."), Revise("Stop.")),
        (TimeOut(THREE_DAYS, TimeoutAction.APPROVE), Approve()),
    ],
)
def test_a_time_out_decides_as_nobody(timeout: TimeOut, verdict: Approve | Revise) -> None:
    transition = a_round(rule=a_rule(approvals=2, timeout=timeout)).time_out(LATER)
    decision = Decision(
        verdict=verdict, by=TimedOut("contracts", THREE_DAYS), at=LATER, via=Via.RULE
    )
    assert transition.round.decision == decision
    assert (decision.decider, decision.is_by(ANA.id)) == ("a rule", False)
    assert kinds(transition) == [REFRESH, RESUME]


def test_a_time_out_that_leaves_it_changes_nothing() -> None:
    round_ = a_round(rule=a_rule(timeout=TimeOut(THREE_DAYS)))
    assert round_.time_out(LATER) == Transition(round_, ())


def test_more_people_may_decide_once_it_is_escalated() -> None:
    rule = a_rule(escalate=Escalation(THREE_DAYS, (User(EVE.id),)))
    transition = a_round(rule=rule).escalate(LATER)
    assert transition.round.escalated_at == LATER
    assert kinds(transition) == [REFRESH]
    assert transition.round.escalate(LATER + timedelta(days=1)) == Transition(transition.round, ())


def test_reminders_are_counted() -> None:
    assert a_round().remind().remind().reminders == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda round_: round_.time_out(NOW),
        lambda round_: round_.escalate(NOW),
        lambda round_: round_.remind(),
    ],
)
@pytest.mark.parametrize("state", [state for state in State if state is not State.WAITING])
def test_time_changes_nothing_but_what_waits(state: State, act: Callable[[Round], object]) -> None:
    timed = a_rule(timeout=TimeOut(THREE_DAYS), escalate=Escalation(THREE_DAYS, ()))
    with pytest.raises(InvalidTransition):
        act(a_round(state, rule=timed))


@pytest.mark.parametrize("rule", [NO_RULE, a_rule()])
def test_nothing_happens_with_time_where_no_rule_says_so(rule: object) -> None:
    round_ = a_round(rule=rule)
    assert not round_.is_timed
    assert round_.escalate(NOW) == Transition(round_, ())
    with pytest.raises(InvalidTransition):
        round_.time_out(NOW)


def test_a_round_with_reminders_is_timed() -> None:
    assert a_round(rule=a_rule(remind=Reminders(after=THREE_DAYS))).is_timed


# --- under a rule ---


def people(*persons: Person) -> tuple[User, ...]:
    return tuple(User(person.id) for person in persons)


def test_a_crew_without_a_rule_is_as_it_is() -> None:
    crew, under = a_crew(), a_crew().under(NO_RULE)
    assert (under.channel, under.notify) == (crew.channel, crew.notify)
    assert all(under.permitted(role) == crew.permitted(role) for role in Role)


def test_what_a_rule_leaves_out_comes_from_the_crew() -> None:
    crew = a_crew(operators=people(CAI))
    under = crew.under(a_rule())
    assert (under.channel, under.reviewers, under.notify) == (
        crew.channel,
        crew.reviewers,
        crew.notify,
    )
    assert under.operators == crew.operators


def test_a_rule_s_people_decide_and_the_crew_s_starters_stay() -> None:
    crew = a_crew(reviewers=people(ANA))
    under = crew.under(a_rule(channel="C0LEGAL", reviewers=people(BEN)))
    assert (under.channel, under.permitted(Role.REVIEWER)) == ("C0LEGAL", people(BEN))
    assert under.permitted(Role.STARTER) == people(ANA)


def test_escalated_more_people_decide() -> None:
    rule = a_rule(escalate=Escalation(THREE_DAYS, people(EVE, ANA)))
    crew = a_crew(reviewers=people(ANA))
    assert crew.under(rule).reviewers == people(ANA)
    assert crew.under(rule, escalated=True).reviewers == people(ANA, EVE)
    assert crew.under(a_rule(), escalated=True).reviewers == people(ANA)


def test_besides_the_operators_where_nobody_else_is_named() -> None:
    crew = a_crew(reviewers=(), operators=people(CAI))
    rule = a_rule(escalate=Escalation(THREE_DAYS, people(EVE)))
    assert crew.under(rule).permitted(Role.REVIEWER) == people(CAI)
    assert crew.under(rule, escalated=True).permitted(Role.REVIEWER) == people(CAI, EVE)


# --- presses ---


@given(st.lists(st.tuples(st.sampled_from([ANA.id, BEN.id]), st.integers(0, 99), st.booleans())))
def test_a_press_changes_a_round_if_it_is_newer_than_its_person_s_last(
    presses: list[tuple[str, int, bool]],
) -> None:
    round_, last = a_round(), {ANA.id: -1, BEN.id: -1}
    for user, hundredths, short in presses:
        ts = f"{hundredths // 10}.{hundredths % 10}{'' if short else '00000'}"
        if hundredths > last[user]:
            round_, last[user] = round_.press(user, ts), hundredths
        else:
            with pytest.raises(PressRepeated):
                round_.press(user, ts)
        assert round_.press(user, "") is round_
