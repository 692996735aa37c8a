"""The forms of a review, however many notes there are."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.demo.workspace.blocks import view_problems
from crewgate.demo.workspace.text import mentions, pieces
from crewgate.domain.caveats import Caveats, Seen
from crewgate.domain.notes import Draft
from crewgate.domain.notification import Output
from crewgate.slack import ids
from crewgate.slack.errors import render_notice
from crewgate.slack.payloads import parse_asked
from crewgate.slack.reviews.forms import (
    render_approve_form,
    render_dismiss_form,
    render_dismiss_report_form,
    render_revise_form,
)
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, a_dead_letter, a_note
from tests.slack.rendering import (
    a_named_round,
    a_view,
    check_view,
    long_texts,
    mid_texts,
    texts,
    views,
)


@settings(max_examples=40)
@given(st.lists(mid_texts.map(lambda text: text[:40_000]), max_size=40), texts)
def test_the_form_with_notes_is_within_the_limits(written: list[str], box: str) -> None:
    notes = tuple(a_note(text or "x", ts=f"1.{number}") for number, text in enumerate(written))
    view = CardView(a_named_round(), Output(box))
    draft = Draft(box[:1_000], notes, overflowed=bool(notes))

    check_view(render_revise_form(view, draft, ANA.id), may_mention=frozenset({f"@{ANA.id}"}))
    check_view(render_approve_form(view, Caveats(), ()))
    check_view(render_dismiss_form(view))
    check_view(render_dismiss_report_form(a_dead_letter(crew=box[:500])))
    check_view(render_notice("No."))


@settings(max_examples=100)
@given(views(), long_texts)
def test_the_form_is_within_the_limits_whatever_was_written(view: CardView, feedback: str) -> None:
    modal = render_revise_form(view, Draft(feedback, ()), ANA.id)
    assert view_problems(modal) == []
    assert set(mentions(pieces(modal["blocks"]))) == set()


def test_the_form_asks_for_feedback_and_shows_the_output() -> None:
    modal = render_revise_form(a_view("## Findings"), Draft("", ()), ANA.id, notes_mark="m")
    assert modal["callback_id"] == ids.REVISE_MODAL
    assert parse_asked(modal["private_metadata"]) == ("r-1", Seen(notes="m"), None)
    assert (modal["submit"]["text"], modal["close"]["text"]) == ("Send revision", "Cancel")
    (question,) = [block for block in modal["blocks"] if block["type"] == "input"]
    assert question["block_id"] == question["element"]["action_id"] == ids.FEEDBACK
    assert question["element"]["focus_on_load"] is True
    texts_shown = [piece.text for piece in pieces(modal["blocks"])]
    assert "*Draft* · round 1 · research" in texts_shown
    about = render_revise_form(replace(a_view(), subject="tea"), Draft("", ()), ANA.id)["blocks"][0]
    assert about["text"]["text"] == "*tea* · Draft · round 1 · research"
    assert "Findings" in texts_shown


def test_the_form_begins_with_what_was_written_already() -> None:
    modal = render_revise_form(a_view(), Draft("so far", ()), ANA.id)
    assert modal["callback_id"] == ids.NOTES_MODAL
    assert modal["blocks"][1]["element"]["initial_value"] == "so far"


def test_the_form_has_nothing_to_fill_in_or_to_show_when_there_is_nothing() -> None:
    modal = render_revise_form(a_view(""), Draft("", ()), ANA.id)
    assert [block["type"] for block in modal["blocks"]] == ["section", "input"]
    assert "initial_value" not in modal["blocks"][1]["element"]
