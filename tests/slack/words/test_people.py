"""The people that a new card calls, and the direct message about it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from crewgate.demo.workspace.blocks import pieces
from crewgate.domain.acts import ToolCall
from crewgate.domain.audit import Head, Published, Signature
from crewgate.domain.notification import Output, Question
from crewgate.domain.people import Anyone, Email, Notify, ReviewerRef, User, UserGroup
from crewgate.domain.review import State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Approve, Revise
from crewgate.slack.blockkit.blocks import Message, section
from crewgate.slack.reviews.buttons import READ
from crewgate.slack.reviews.card import render_card, render_direct_message
from crewgate.slack.reviews.notices import render_audit_head, render_channel_refuses
from crewgate.slack.words.people import (
    below_headline,
    call,
    newer,
    reaches_somebody,
    with_operators,
)
from crewgate.usecases.read_models import Approvers, CardView, MessageRef, NewerRound
from tests.builders import ANA, BEN, EVE, LATER, NOW, a_crew, a_decision, a_round, a_rule, a_vote
from tests.slack.rendering import BUDGET, buttons, check_message, hidden_links, read, views
from tests.standins.limits import message_problems, text_size

GROUP, MAIL = UserGroup("S1"), Email("carl@example.com")
EVERYBODY = (User(ANA.id), User(BEN.id), GROUP)
CARD = MessageRef("C0REVIEWS", "1.0", "1.0")


def a_view(*reviewers: ReviewerRef, number: int = 1) -> CardView:
    return CardView(round=a_round(number=number), output=Output("A draft."), reviewers=reviewers)


def after_changes(*reviewers: ReviewerRef) -> CardView:
    """Round 2, which answers what Ana asked for."""
    asked = a_round(State.RESUMED, decision=a_decision(Revise("Shorter.")))
    return replace(a_view(*reviewers, number=2), previous=asked)


def started_by_ana(*reviewers: ReviewerRef, too_few: bool = False) -> CardView:
    return replace(a_view(*reviewers), approvers=Approvers((User(ANA.id),), too_few=too_few))


@pytest.mark.parametrize(
    ("view", "says"),
    [
        (a_view(User(ANA.id)), "<@U0ANA>: please decide."),
        (a_view(*EVERYBODY), "<@U0ANA>, <@U0BEN> and <!subteam^S1>: please decide."),
        (a_view(User(ANA.id), MAIL), "<@U0ANA>: please decide."),
        (a_view(Anyone()), "Anybody in the channel may decide."),
        (
            a_view(User(ANA.id), Anyone()),
            "<@U0ANA>: please decide. Anybody in the channel may decide.",
        ),
        (a_view(MAIL), None),
        (
            a_view(*(User(f"U{number}") for number in range(54))),
            ", ".join(f"<@U{number}>" for number in range(50)) + " and 4 more: please decide.",
        ),
        (
            after_changes(*EVERYBODY),
            "<@U0ANA>, here is round 2. <@U0BEN> and <!subteam^S1>: please decide.",
        ),
        (after_changes(User(ANA.id)), "<@U0ANA>, here is round 2."),
        (started_by_ana(*EVERYBODY), "<@U0BEN> and <!subteam^S1>: please decide."),
        (started_by_ana(User(ANA.id)), "<@U0ANA> may only revise."),
        (started_by_ana(GROUP, too_few=True), "<!subteam^S1> may only revise."),
        (
            replace(
                a_view(User(BEN.id), number=2),
                previous=a_round(State.RESUMED, decision=a_decision(Approve())),
            ),
            "<@U0BEN>: please decide.",
        ),
    ],
)
def test_the_reviewers_are_asked_to_decide(view: CardView, says: str | None) -> None:
    assert call(view, Notify.MENTION) == says


def test_a_text_of_a_person_calls_those_who_have_not_approved_it() -> None:
    written = replace(
        after_changes(*EVERYBODY),
        round=a_round(number=2, rule=a_rule(approvals=2), edited_by=BEN, votes=(a_vote(BEN),)),
    )
    assert call(written, Notify.MENTION) == "<@U0ANA> and <!subteam^S1>: please decide."
    assert call(written, Notify.DM) is None


@pytest.mark.parametrize("notify", [Notify.DM, Notify.NONE])
def test_otherwise_only_who_asked_for_changes_is_called(notify: Notify) -> None:
    assert call(a_view(*EVERYBODY), notify) is None
    assert call(after_changes(*EVERYBODY), notify) == "<@U0ANA>, here is round 2."


def test_who_decides_for_somebody_is_called_too_and_nobody_twice() -> None:
    away = Absence(away=ANA, delegate=EVE, since=NOW, until=LATER)
    view = replace(a_view(User(ANA.id), User(BEN.id)), absences=(away,))
    assert (
        call(view, Notify.MENTION) == "<@U0ANA>, <@U0BEN> and <@U0EVE> for <@U0ANA>: please decide."
    )
    both = replace(view, absences=(replace(away, delegate=BEN),))
    assert call(both, Notify.MENTION) == "<@U0ANA> and <@U0BEN>: please decide."


def told_in_private(view: CardView, card: MessageRef | None, **how: Any) -> Message:
    return render_direct_message(view, card, reader=BEN.id, now=LATER, **how)


def test_nobody_is_called_to_what_was_decided_before_it_was_posted() -> None:
    decided = replace(a_view(*EVERYBODY), round=a_round(State.DECIDED))
    assert call(decided, Notify.MENTION) is None


def test_a_card_is_needed_in_the_channel_where_nobody_is_told_of_it() -> None:
    assert reaches_somebody(a_view(User(ANA.id)), Notify.MENTION)
    assert reaches_somebody(a_view(GROUP), Notify.DM)
    assert not reaches_somebody(a_view(User(ANA.id)), Notify.NONE)
    assert not reaches_somebody(a_view(Anyone(), MAIL), Notify.MENTION)


def test_the_card_of_an_earlier_round_says_where_the_latest_one_is() -> None:
    assert newer(a_view(), lambda _: "https://x") is None
    view = replace(a_view(), newer=NewerRound(a_round(number=3), CARD))
    said = newer(view, lambda where: f"https://x/{where.ts}")
    assert said == "The crew came back with <https://x/1.0|round 3>."
    assert newer(view, lambda _: None) == "The crew came back with round 3."
    of_flow = replace(view, round=a_round(subject=Question(request_id="1")))
    assert newer(of_flow, lambda _: None) == "The flow came back with round 3."
    theirs = replace(view, newer=NewerRound(a_round(number=3, edited_by=ANA), CARD))
    assert newer(theirs, lambda _: None) == "<@U0ANA> wrote round 3."
    assert call(replace(of_flow, reviewers=(User(BEN.id),)), Notify.MENTION) == (
        "<@U0BEN>: please answer."
    )
    changed = a_round(number=2, edited_by=ANA, subject=ToolCall("send_email"))
    of_call = replace(view, newer=NewerRound(changed, CARD))
    assert newer(of_call, lambda _: None) == "<@U0ANA> changed the arguments in round 2."
    assert "Open the changed call" in (newer(of_call, lambda _: "https://x", is_told=True) or "")
    card = render_card(view, now=LATER)
    assert below_headline(card, None) is card
    asked = replace(view, round=a_round(State.RESUMED, decision=a_decision(Revise("Shorter."))))
    assert "doing it again" not in read(render_card(asked, now=LATER))
    assert "doing it again" in read(render_card(replace(asked, newer=None), now=LATER))
    assert "came back with" in read(below_headline(card, said))


def test_the_first_card_alone_tells_the_state_of_the_latest_round() -> None:
    second = replace(a_round(number=2), id="r-2")
    view = replace(a_view(), round=a_round(State.RESUMED), newer=NewerRound(second, CARD))
    card = render_card(view, now=LATER)
    assert read(card).startswith(":hourglass: *Draft (round 2) is ready for review*\n")
    assert card.text == "Draft (round 2) is ready for review"
    assert (READ.id, "r-2") in buttons(card)
    assert newer(view, lambda _: "https://x", is_told=True) == "<https://x|Open round 2>"
    in_private = told_in_private(view, CARD, link=lambda _: None)
    assert read(in_private).startswith(":white_check_mark: *Draft approved by <@U0ANA>*\n")
    elsewhere = replace(second, rule=a_rule(channel="C0LEGAL"))
    for other in (
        replace(view, newer=NewerRound(elsewhere, CARD)),
        replace(view, round=replace(view.round, number=2)),
    ):
        assert "round 2)" not in read(render_card(other, now=LATER))


def test_a_direct_message_has_the_cards_buttons_and_a_link_to_it() -> None:
    card = render_card(a_view(), now=LATER)
    told = told_in_private(a_view(), CARD, link=lambda _: "https://x")
    assert told.text == card.text
    assert told.blocks[0] == card.blocks[0]
    assert told.blocks[2:] == card.blocks[1:]
    assert "Decide here or <https://x|in the channel>." in read(told)
    decided = replace(a_view(), round=a_round(State.RESUMED))
    told = told_in_private(decided, CARD, link=lambda _: "https://x")
    assert "It is also <https://x|in the channel>." in read(told)
    plain = told_in_private(a_view(), None, link=lambda _: None, plain=True)
    assert "A draft." not in read(plain)
    assert "Decide here or in the channel." in read(plain)


def test_those_who_can_mend_a_failure_are_called() -> None:
    message = render_card(a_view(), now=LATER)
    assert with_operators(message, (Anyone(), MAIL), "mend it.") is message
    called = with_operators(message, (GROUP, User(ANA.id)), "mend it.")
    assert called.blocks[-1] == section("<!subteam^S1> and <@U0ANA>: mend it.")


@pytest.mark.parametrize(
    ("channel", "code", "says"),
    [
        ("C0REVIEWS", "not_in_channel", "in <#C0REVIEWS>: Slack says `not_in_channel`. Invite"),
        ("#reviews", "is_archived", "in #reviews: Slack says `is_archived`. Take the channel out"),
        ("<!channel>", "odd", "in &lt;!channel&gt;: Slack says `odd`. Look at the channel"),
    ],
)
def test_operators_are_told_what_to_do_about_a_channel(channel: str, code: str, says: str) -> None:
    message = render_channel_refuses(a_crew(channel=channel), code)
    check_message(message, may_mention=frozenset({"#C0REVIEWS"}))
    assert f"Nothing of *research* can be posted {says}" in read(message)
    assert message.text == "The channel of research takes no messages"


@pytest.mark.parametrize(
    ("signed", "says"),
    [
        (Signature("", ""), "It is not signed: set AUDIT_KEY."),
        (Signature("0f", "f0"), "Key `0f`"),
    ],
)
def test_the_head_of_the_audit_trail_can_be_copied(signed: Signature, says: str) -> None:
    message = render_audit_head(Published(Head(12, b"\x0f"), NOW, signed))
    check_message(message)
    assert "The head of the audit trail on 2026-03-02: `12:0f`" in read(message)
    assert says in read(message)


@settings(max_examples=50)
@given(views)
def test_a_new_card_and_a_direct_message_are_within_the_limits(view: CardView) -> None:
    crowd = tuple(User(f"U0{number:09}") for number in range(20))
    view = replace(view, reviewers=crowd)
    people = (f"@{user}" for user in (ANA.id, BEN.id, *(ref.id for ref in crowd)))
    mentioned = frozenset({"!subteam^S1", *people})
    card = below_headline(render_card(view, now=LATER), call(view, Notify.MENTION))
    check_message(card, may_mention=mentioned)
    url = "https://demo.slack.com/" + "a" * 90
    told = told_in_private(view, CARD, link=lambda _: url)
    assert message_problems(told.blocks) == []
    assert text_size(told.blocks) <= BUDGET + len(url) + 100
    assert hidden_links(pieces(told.blocks)) <= {url}
    check_message(
        told_in_private(view, CARD, link=lambda _: None),
        may_mention=mentioned,
    )
