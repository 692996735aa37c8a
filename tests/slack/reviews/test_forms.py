"""The forms of a review, however many notes there are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.notes import Draft
from bot.domain.notification import Output
from bot.slack.errors import render_error_modal
from bot.slack.reviews.forms import render_approve_form, render_revise_form
from bot.usecases.read_models import CardView
from tests.builders import ANA, a_note
from tests.slack.rendering import a_named_round, check_view, mid_texts, texts


@settings(deadline=None, max_examples=40)
@given(st.lists(mid_texts.map(lambda text: text[:40_000]), max_size=40), texts)
def test_the_form_with_notes_is_within_the_limits(written: list[str], box: str) -> None:
    notes = tuple(a_note(text or "x", ts=f"1.{number}") for number, text in enumerate(written))
    view = CardView(a_named_round(), Output(box))
    draft = Draft(box[:1_000], notes, overflowed=bool(notes))

    check_view(render_revise_form(view, draft), may_mention=frozenset({f"@{ANA.id}"}))
    check_view(render_approve_form(view))
    check_view(render_error_modal("No."))
