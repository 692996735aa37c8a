"""The form that asks what should change."""

from __future__ import annotations

from hypothesis import given, settings

from bot.demo.workspace.blocks import view_problems
from bot.demo.workspace.text import mentions, pieces
from bot.slack import ids
from bot.slack.reviews.revise_form import render_revise_modal
from bot.usecases.read_models import (
    CardView,
)
from tests.slack.rendering import a_view, long_texts, views


@settings(deadline=None, max_examples=100)
@given(views(), long_texts)
def test_the_form_is_within_the_limits_whatever_was_written(view: CardView, feedback: str) -> None:
    modal = render_revise_modal(view, feedback=feedback)
    assert view_problems(modal) == []
    assert set(mentions(pieces(modal["blocks"]))) == set()


def test_the_form_asks_for_feedback_and_shows_the_output() -> None:
    modal = render_revise_modal(a_view("## Findings"), feedback="so far")
    assert modal["callback_id"] == ids.REVISE_MODAL
    assert modal["private_metadata"] == "r-1"
    assert (modal["submit"]["text"], modal["close"]["text"]) == ("Send", "Cancel")
    (question,) = [block for block in modal["blocks"] if block["type"] == "input"]
    assert question["block_id"] == question["element"]["action_id"] == ids.FEEDBACK
    assert question["element"]["initial_value"] == "so far"
    assert question["element"]["focus_on_load"] is True
    texts_shown = [piece.text for piece in pieces(modal["blocks"])]
    assert "*research: draft* · Round 1" in texts_shown
    assert "Findings" in texts_shown


def test_the_form_has_nothing_to_fill_in_or_to_show_when_there_is_nothing() -> None:
    modal = render_revise_modal(a_view(""))
    assert [block["type"] for block in modal["blocks"]] == ["context", "input"]
    assert "initial_value" not in modal["blocks"][1]["element"]
