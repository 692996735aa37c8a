"""What must stand above a waiting round, on each surface on which one person may decide on it."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.caveats import Claim
from crewgate.domain.masking import Kind
from crewgate.domain.people import User
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.reviews.card import render_card, render_direct_message, standing
from crewgate.slack.reviews.reader import ReaderPosition, ReaderTab, render_reader
from crewgate.usecases.read_models import Approvers, CardView
from tests.builders import ANA, BEN, LATER, NOW, a_rule
from tests.repo.call_cards import CALL
from tests.slack.rendering import a_view, check_view

TIME_OUT = TimeOut(after=Duration.parse("1h"), then=TimeoutAction.APPROVE)
RULE = a_rule(approvals=2, self_approval=False, timeout=TIME_OUT)
WHY = ("then: Mail the customer",)


def surfaces(view: CardView, reader: str = BEN.id) -> list[list[Block]]:
    """The card, the private message, and the page of *Read all* and *Start*."""
    above = standing(view, now=LATER, reader=reader, why=WHY)
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    page = render_reader(position, view, [], reader=reader, above=above).view
    check_view(page, may_mention=frozenset({f"@{ANA.id}", f"@{BEN.id}"}))
    message = render_direct_message(
        view, None, reader=reader, link=lambda _: None, now=LATER, why=WHY
    )
    return [render_card(view, now=LATER).blocks, message.blocks, page["blocks"]]


def labels(blocks: list[Block]) -> list[str]:
    rows = [one["elements"] for one in blocks if one["type"] == "actions"]
    return [one["text"]["text"] for row in rows for one in row if "text" in one]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "rule “contracts”"),
        ({}, "It takes two approvals, by different people."),
        ({"due_at": LATER}, "by the rule"),
        ({"approvers": Approvers((User(ANA.id),))}, "started this and may not approve it"),
        ({"approvers": Approvers(too_few=True)}, "Nobody may approve this now."),
        ({"notes": 2, "noted_by": (ANA,)}, "2 notes from"),
        ({"claim": Claim(ANA, LATER)}, "Everybody may still decide."),
        ({"masked": ((Kind.EMAIL, 2),)}, "masked"),
    ],
)
def test_each_surface_says_what_must_be_known(changes: dict[str, Any], says: str) -> None:
    view = replace(a_view(rule=RULE), reviewers=(User(ANA.id), User(BEN.id)), **changes)
    for blocks in surfaces(view):
        assert says in str(blocks)
    for blocks in surfaces(view)[1:]:
        assert WHY[0] in str(blocks)


@pytest.mark.parametrize("changes", [{}, {"subject": CALL, "takes_edits": True}])
@pytest.mark.parametrize("approvers", [Approvers((User(BEN.id),)), Approvers(too_few=True)])
def test_nobody_is_shown_an_approve_that_cannot_count(
    approvers: Approvers, changes: dict[str, Any]
) -> None:
    view = replace(a_view(rule=RULE, **changes), approvers=approvers)
    card, *private = surfaces(view)
    assert "Approve" in labels(card)
    for blocks in private:
        assert not {"Approve", "Change"} & set(labels(blocks))
        assert {"Revise", "Refuse"} & set(labels(blocks))
    for blocks in surfaces(view, reader=ANA.id)[1:]:
        assert ("Approve" in labels(blocks)) is not approvers.too_few


def test_a_page_of_a_decided_round_has_none_of_it() -> None:
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE, began=NOW)
    page = render_reader(position, a_view(rule=RULE), [], reader=BEN.id).view
    assert "It takes" not in str(page)
