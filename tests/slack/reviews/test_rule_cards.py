"""A card's lines about its rule: approvals and why, who may not approve, delegates."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.caveats import Caveats
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.review import State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, TimeOut, TimeoutAction
from crewgate.domain.verdict import (
    Decision,
    Person,
    Revise,
    TimedOut,
    Via,
    decision_of_votes,
)
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews.buttons import APPROVE, REVISE, TAKE_BACK
from crewgate.slack.reviews.card import render_card, render_direct_message
from crewgate.slack.reviews.forms import render_approve_form
from crewgate.slack.reviews.notices import (
    render_escalated,
    render_escalation,
    render_private_reminder,
    render_reminder,
    render_timed_out,
)
from crewgate.slack.reviews.reader import render_reader, render_round
from crewgate.slack.reviews.standing import Briefing
from crewgate.slack.words.people import below_headline, nobody_left
from crewgate.slack.words.states import claim_and_notes, decision_and_answer
from crewgate.usecases.read_models import Approvers, RoundLine, Viewer
from tests.builders import (
    ANA,
    BEN,
    CAI,
    EVE,
    LATER,
    NOW,
    a_decision,
    a_flow_request,
    a_rule,
    a_vote,
)
from tests.slack.rendering import a_scene, a_view, buttons, check_message, names, read, shown

DAYS = Duration.parse("3d")
TWO = a_rule(approvals=2)
ONE_OF_TWO = a_view(rule=TWO, votes=(a_vote(BEN, on_behalf_of=ANA),))
CROWD = tuple(Person(f"U0{number:09}", "x" * 512) for number in range(100))
MENTIONED = frozenset(f"@{one.id}" for one in (ANA, BEN, *CROWD))


def card(**changes: Any) -> str:
    return read(render_card(a_view(**changes), now=LATER))


def test_a_card_says_which_patterns_fit_by_letters_and_digits_alone() -> None:
    patterns = ("wire transfer", "pay_*", "c", "d")
    said = card(rule=a_rule(name="two eyes", by_letters=patterns))
    alone = "by letters and digits alone: `wire transfer`, `pay_*`, `c` and 1 more"
    assert f"rule “two eyes” ({alone})" in said
    assert "alone" not in card(rule=a_rule(name="two eyes"))


def test_whose_approval_a_persons_text_has_ended_is_named_until_they_approve_again() -> None:
    before = a_view(rule=TWO, votes=(a_vote(BEN), a_vote(CAI))).round
    for votes, lapsed in (
        ((a_vote(ANA),), f"<@{BEN.id}> and <@{CAI.id}>"),
        ((a_vote(ANA), a_vote(BEN)), f"<@{CAI.id}>"),
        ((a_vote(EVE, on_behalf_of=CAI), a_vote(BEN)), ""),
    ):
        view = a_view(rule=TWO, number=2, edited_by=ANA, votes=votes)
        said = read(render_card(replace(view, previous=before), now=LATER))
        ended = f"{lapsed} approved the text before, which does not count any more"
        assert ended in said if lapsed else "the text before" not in said


def test_what_a_rule_sends_back_no_more_waits_and_calls_the_operators() -> None:
    out = TimeOut(Duration.parse("3d"), TimeoutAction.REVISE, "Stop.", most=1)
    view = a_view(rule=a_rule(timeout=out), sent_back=1)
    view = replace(view, due_at=LATER)
    assert "Sent back once by the rule; it waits now" in read(render_card(view, now=LATER))
    scene = a_scene(view, operators=[User(EVE.id)])
    told = read(render_timed_out(scene))
    assert "was not decided within 3 days, and has gone back once. It goes on waiting." in told
    assert f"<@{EVE.id}>: nobody decides on this." in told


def test_a_round_under_no_rule_says_nothing_of_it() -> None:
    text = card()
    assert "rule" not in text
    assert "Approve: the crew goes on." in text


def test_it_says_who_approved_already_and_lets_them_take_it_back() -> None:
    message = render_card(ONE_OF_TWO, now=LATER)
    assert ":heavy_check_mark: 1 of 2: <@U0BEN> for <@U0ANA>" in read(message)
    assert (TAKE_BACK.id, "r-1") in buttons(message)
    assert [name for name, _ in buttons(message)][:2] == [APPROVE.id, REVISE.id]
    assert message.text == "Draft needs 1 more approval"


def test_who_is_called_later_is_told_so_and_a_missed_target_is_past() -> None:
    rule = a_rule(target=Duration.parse("1m"), escalate=Escalation(DAYS, (User(CAI.id),)))
    escalated_at = NOW + timedelta(minutes=5)
    view = replace(a_view(rule=rule, escalated_at=escalated_at), escalates_to=(User(CAI.id),))
    in_channel = read(render_card(view, now=escalated_at))
    assert "<@U0CAI> may decide now, too: this was not decided within 5 min" in in_channel
    assert "Was wanted by" in in_channel
    in_private = read(render_card(view, now=NOW, reader=CAI.id))
    assert "You may decide now, too: this was not decided within 5 min" in in_private
    assert "Wanted by" in in_private


def test_without_an_approval_there_is_nothing_to_take_back() -> None:
    assert TAKE_BACK.id not in dict(buttons(render_card(a_view(rule=TWO), now=LATER)))


@pytest.mark.parametrize(
    ("approvers", "unknown", "said"),
    [
        (Approvers((User(ANA.id),)), True, "<@U0ANA> started this and may not approve it"),
        (Approvers(), True, "so anybody who may decide may approve it"),
        (Approvers(), False, "so nobody may approve it; a revision"),
        (Approvers(not_told=True), True, "The starter may not approve this"),
        (None, True, "The starter may not approve this"),
    ],
)
def test_it_says_who_may_not_approve(approvers: Approvers | None, unknown: bool, said: str) -> None:
    rule = a_rule(self_approval=False, unknown_starter=unknown)
    view = replace(a_view(rule=rule), approvers=approvers)
    assert said in read(render_card(view, now=LATER))


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (TimeoutAction.APPROVE, "If nobody decides, it is approved by the rule at <!date^"),
        (TimeoutAction.LEAVE, ""),
    ],
)
def test_only_a_time_out_that_decides_is_announced(then: TimeoutAction, said: str) -> None:
    view = replace(a_view(rule=a_rule(timeout=TimeOut(DAYS, then))), due_at=NOW)
    text = read(render_card(view, now=LATER))
    assert (said in text) if said else ("the rule" not in text)


@pytest.mark.parametrize(
    ("reviewers", "said"),
    [
        ((User(ANA.id), User(CAI.id)), "still needed: <@U0CAI>"),
        ((User(EVE.id), User(CAI.id)), "still needed: 1 of <@U0EVE> and <@U0CAI>"),
        ((User(ANA.id), UserGroup("S1")), "still needed: 1 of <!subteam^S1>"),
        ((User(CAI.id), Anyone()), "still needed: 1 more"),
    ],
)
def test_it_says_who_is_still_needed(reviewers: tuple[ReviewerRef, ...], said: str) -> None:
    text = read(render_card(replace(ONE_OF_TWO, reviewers=reviewers), now=LATER))
    assert f" · {said}\n" in text
    assert "still needed" not in card(rule=TWO)


def test_who_may_not_approve_is_not_needed() -> None:
    view = replace(
        a_view(rule=a_rule(approvals=2, self_approval=False), votes=(a_vote(BEN),)),
        reviewers=(User(ANA.id), User(CAI.id)),
        approvers=Approvers((User(ANA.id),)),
    )
    assert " · still needed: <@U0CAI>\n" in read(render_card(view, now=LATER))


def test_in_private_who_has_approved_sees_no_approve() -> None:
    told = partial(render_direct_message, ONE_OF_TWO, None, link=lambda _: None, now=LATER)
    for voice in (ANA, BEN):
        pressed = dict(buttons(told(reader=voice.id)))
        assert APPROVE.id not in pressed
        assert {REVISE.id, TAKE_BACK.id} <= {*pressed}
    other = dict(buttons(told(reader=CAI.id)))
    assert APPROVE.id in other
    assert TAKE_BACK.id not in other


def test_it_says_who_stands_in_for_whom() -> None:
    away = Absence(away=ANA, delegate=BEN, since=NOW, until=NOW + timedelta(days=1))
    view = replace(a_view(), absences=(away,) * 7)
    text = read(render_card(view, now=LATER))
    assert "<@U0BEN> for <@U0ANA> until" in text
    assert "and 2 more" in text


def test_no_approval_that_would_be_refused_is_green() -> None:
    nobody = replace(a_view(rule=a_rule()), approvers=Approvers((User(ANA.id),), too_few=True))
    card = render_card(nobody, now=LATER)
    assert "primary" not in str(card.blocks)
    assert "Nobody may approve this now." in read(card)
    others = replace(nobody, approvers=Approvers((User(ANA.id),)))
    assert "primary" in str(render_card(others, now=LATER).blocks)
    for reader, is_green in ((ANA.id, False), (BEN.id, True)):
        private = render_card(others, now=LATER, reader=reader)
        assert ("primary" in str(private.blocks)) is is_green


def test_operators_are_told_that_nobody_is_left() -> None:
    view = replace(a_view(rule=a_rule()), approvers=Approvers((User(ANA.id),), too_few=True))
    line = nobody_left(view, [UserGroup("S1"), Email("x@example.com")])
    assert line is not None
    assert "Nobody may approve this" in line
    assert "<!subteam^S1>: add reviewers to the rule" in line
    assert "x@example.com" not in line
    too_few = nobody_left(replace(view, round=ONE_OF_TWO.round), [])
    assert too_few is not None
    assert "Too few people may approve this.* Add reviewers to the rule" in too_few
    assert nobody_left(replace(view, approvers=Approvers()), []) is None
    assert nobody_left(a_view(), []) is None


def approved_by(*people: Person) -> Decision:
    return decision_of_votes(tuple(a_vote(one) for one in people), unsent_notes=0)


def test_a_card_names_no_rule_where_a_request_assigns_people_by_itself() -> None:
    assert "rule" not in card(rule=a_rule(name=""))


def test_what_some_approved_already_is_not_said_to_be_nobody_s() -> None:
    lead = Escalation(DAYS, (User(CAI.id),))
    view = a_view(
        rule=a_rule(approvals=2, escalate=lead, timeout=TimeOut(DAYS)), votes=(a_vote(ANA),)
    )
    escalated = render_escalated(a_scene(view, added=lead.to, now=NOW + timedelta(days=1)))
    assert escalated is not None
    assert "has waited for 1 day · 1 of 2: Ana. More people may" in read(escalated)
    left = read(render_timed_out(a_scene(view)))
    assert "was not decided within 3 days · 1 of 2: Ana. It goes on waiting." in left


def test_whoever_has_approved_is_called_no_more() -> None:
    lead = Escalation(DAYS, (User(ANA.id), User(CAI.id)))
    voted = a_view(
        rule=a_rule(approvals=3, escalate=lead, timeout=TimeOut(DAYS)),
        votes=(a_vote(EVE, on_behalf_of=ANA),),
        subject=a_flow_request().question,
    )
    view = replace(voted, reviewers=(User(ANA.id), User(BEN.id), User(EVE.id)))
    everybody = (*view.reviewers, *lead.to)
    for message in (
        render_reminder(a_scene(view)),
        render_private_reminder(a_scene(view)),
        render_escalated(a_scene(view, added=everybody)),
        render_timed_out(a_scene(view)),
        render_escalation(view.round, everybody),
    ):
        assert message is not None
        assert ANA.id not in read(message)
        assert EVE.id not in read(message)


def test_in_private_an_approval_of_several_counts_once_and_is_not_the_first_decision() -> None:
    told = read(
        render_direct_message(ONE_OF_TWO, None, reader=BEN.id, link=lambda _: None, now=LATER)
    )
    assert "Your approval counts once." in told
    assert "first decision" not in told
    alone = read(
        render_direct_message(a_view(), None, reader=BEN.id, link=lambda _: None, now=LATER)
    )
    assert "The first decision counts." in alone


def test_a_decided_card_names_all_who_approved() -> None:
    two = card(state=State.RESUMED, decision=approved_by(ANA, BEN), rule=TWO)
    assert "Draft approved by <@U0ANA> and <@U0BEN>" in two
    assert "Approved by" not in two
    four = card(state=State.RESUMED, decision=approved_by(ANA, BEN, CAI, EVE), rule=TWO)
    assert "approved by <@U0ANA>, <@U0BEN>, <@U0CAI> and 1 more" in four
    assert "Approved by <@U0ANA>, <@U0BEN>, <@U0CAI> and <@U0EVE>" in four


def test_a_stand_in_is_named_with_whom_they_stood_in_for() -> None:
    decision = Decision(verdict=Revise("Shorter."), by=BEN, at=NOW, via=Via.MODAL, on_behalf_of=ANA)
    text = card(state=State.DECIDED, decision=decision)
    assert "<@U0BEN> for <@U0ANA> asked for a revision of Draft" in text


def test_approvals_that_did_not_decide_it_are_kept_on_the_card_and_in_the_history() -> None:
    asked = a_decision(Revise("Shorter."), by=BEN)
    for decision in (asked, replace(asked, by=TimedOut("two", Duration.parse("3d")))):
        one = replace(ONE_OF_TWO.round, state=State.RESUMED, decision=decision)
        said = "1 of 2 had approved: <@U0BEN> for <@U0ANA>"
        assert said in read(render_card(replace(ONE_OF_TWO, round=one), now=LATER))
        assert said in decision_and_answer(one)[0]
    both = decision_of_votes((a_vote(ANA), a_vote(BEN)), unsent_notes=0)
    two = replace(ONE_OF_TWO.round, state=State.RESUMED, decision=both)
    assert "had approved" not in read(render_card(replace(ONE_OF_TWO, round=two), now=LATER))


def test_the_history_and_the_reader_say_so_too() -> None:
    entry = shown(
        [*render_round(RoundLine(round=ONE_OF_TWO.round, card=None, excerpt="text", characters=4))]
    )
    assert "Waiting for a decision, 1 of 2 approved" in entry
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    view = render_reader(position, ONE_OF_TWO, ()).view
    assert "1 of 2: <@U0BEN> for <@U0ANA>" in shown(view)
    assert TAKE_BACK.id in str(view)
    for reader, last, no_button in ((ANA, TAKE_BACK, APPROVE), (EVE, APPROVE, TAKE_BACK)):
        viewer = Viewer(user=reader.id, now=LATER)
        theirs = str(render_reader(position, replace(ONE_OF_TWO, viewer=viewer), ()).view)
        assert f"'{last.id}'" in theirs
        assert f"'{no_button.id}'" not in theirs


def test_a_list_says_how_many_have_to_approve() -> None:
    one = RoundLine(round=ONE_OF_TWO.round, card=None)
    assert [*claim_and_notes(one, now=LATER)] == ["1 of 2: <@U0BEN> for <@U0ANA>"]
    none = replace(one, round=replace(one.round, votes=()))
    assert [*claim_and_notes(none, now=LATER)] == ["needs 2 approvals"]


def test_a_comment_of_several_says_when_it_is_sent() -> None:
    form = render_approve_form(Briefing(view=ONE_OF_TWO, caveats=Caveats()))
    assert "sent with your name, once the last approval is given." in shown(form)
    assert "the last approval" not in shown(
        render_approve_form(Briefing(view=a_view(), caveats=Caveats()))
    )


@given(name=names, given_=st.integers(1, 49), stood_in=st.booleans())
def test_fifty_approvals_of_people_with_any_name_fit(
    name: str, given_: int, stood_in: bool
) -> None:
    votes = tuple(
        a_vote(one, on_behalf_of=CROWD[-1 - at] if stood_in else None)
        for at, one in enumerate(CROWD[:given_])
    )
    rule = a_rule(name=name, approvals=50)
    check_message(render_card(a_view(rule=rule, votes=votes), now=LATER), may_mention=MENTIONED)
    decision = decision_of_votes(votes, unsent_notes=3)
    for state in (State.DECIDED, State.RESUMED, State.STUCK):
        view = a_view(state=state, rule=rule, decision=decision)
        check_message(render_card(view, now=LATER), may_mention=MENTIONED)
    few = replace(a_view(rule=rule), approvers=Approvers((), too_few=True))
    message = below_headline(render_card(few, now=LATER), nobody_left(few, [User(ANA.id)] * 50))
    check_message(message, may_mention=MENTIONED)
