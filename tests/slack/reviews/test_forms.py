"""The forms of a review, however many notes there are."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.demo.workspace.blocks import pieces
from crewgate.domain.caveats import Caveats, Draft, Seen
from crewgate.domain.notification import Format, Output
from crewgate.domain.redaction import Redactor
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.errors import render_notice
from crewgate.slack.metadata import parse_asked
from crewgate.slack.reviews.forms import (
    render_approve_form,
    render_dismiss_form,
    render_edit_form,
    render_revise_form,
    render_what_came,
)
from crewgate.slack.reviews.output import parts_to_edit
from crewgate.slack.reviews.standing import Briefing
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, a_dead_letter, a_note
from tests.slack.rendering import (
    a_named_round,
    a_view,
    check_view,
    long_texts,
    mid_texts,
    names,
    texts,
    views,
)
from tests.standins.limits import view_problems
from tests.standins.links import mentions


@settings(max_examples=40)
@given(st.lists(mid_texts.map(lambda text: text[:40_000]), max_size=40), texts)
def test_the_form_with_notes_is_within_the_limits(written: list[str], box: str) -> None:
    notes = tuple(a_note(text or "x", ts=f"1.{number}") for number, text in enumerate(written))
    view = CardView(round=a_named_round(), output=Output(box))
    draft = Draft(box[:1_000], notes, overflowed=bool(notes))

    check_view(render_revise_form(view, draft), may_mention=frozenset({f"@{ANA.id}"}))
    check_view(render_approve_form(Briefing(view=view, caveats=Caveats())))
    check_view(render_dismiss_form(view))
    check_view(render_notice("No."))


@settings(max_examples=100)
@given(views, long_texts)
def test_the_form_is_within_the_limits_whatever_was_written(view: CardView, feedback: str) -> None:
    modal = render_revise_form(view, Draft(feedback, ()))
    assert view_problems(modal) == []
    assert set(mentions(pieces(modal["blocks"]))) == set()


@settings(max_examples=60)
@given(long_texts, st.booleans())
def test_the_form_with_the_output_is_within_the_limits(
    text: str, takes_edits: bool
) -> None:  # given by Hypothesis
    output = Output(text)
    parts = parts_to_edit(output)
    if parts is None:
        return
    assert parts.joined(parts.texts) == text
    view = CardView(round=replace(a_named_round(), takes_edits=takes_edits), output=output)
    form = render_edit_form(Briefing(view=view, caveats=Caveats()), parts.texts)
    assert view_problems(form) == []
    boxes = [block["element"] for block in form["blocks"] if block["type"] == "input"]
    assert tuple(box["initial_value"] for box in boxes) == parts.texts


def test_the_longest_outputs_that_are_offered_fit_and_longer_ones_are_not() -> None:
    for longest in ("word " * 19_000, "Ein Satz.\n\n" * 7_000, "日本語。" * 4_000):
        parts = parts_to_edit(Output(longest))
        assert parts is not None
        view = CardView(round=a_named_round(), output=Output(longest))
        assert (
            view_problems(render_edit_form(Briefing(view=view, caveats=Caveats()), parts.texts))
            == []
        )
    for no in ("", " \n", "x" * 100_001, "日本語。" * 5_000, "a\u202eb", "a\x00b", "at [redacted]"):
        assert parts_to_edit(Output(no)) is None
    emoji = parts_to_edit(Output("\N{ROCKET}" * 2_500))
    assert emoji is not None
    assert "".join(emoji.texts) == "\N{ROCKET}" * 2_500
    assert parts_to_edit(Output("{}", Format.JSON)) is None


def test_below_a_box_stands_what_is_named_in_its_text_which_stays_as_it_is() -> None:
    text = "Pay pаypal 4 kΩ, and pаypal again"
    parts = parts_to_edit(Output(text))
    assert parts is not None
    form = render_edit_form(Briefing(view=a_view(text), caveats=Caveats()), parts.texts)
    (box,) = [block for block in form["blocks"] if block["type"] == "input"]
    assert box["element"]["initial_value"] == text
    assert box["hint"]["text"] == "p‹Cyrillic а›ypal, k‹Greek Ω›"
    assert view_problems(form) == []


def test_the_form_asks_for_feedback_and_shows_the_output() -> None:
    modal = render_revise_form(a_view("## Findings"), Draft("", ()), notes_mark="m")
    assert modal["callback_id"] == ids.REVISE_MODAL
    assert parse_asked(modal["private_metadata"]) == ("r-1", Seen(notes="m"))
    assert (modal["submit"]["text"], modal["close"]["text"]) == ("Send revision", "Cancel")
    (question,) = [block for block in modal["blocks"] if block["type"] == "input"]
    assert question["block_id"] == question["element"]["action_id"] == ids.FEEDBACK
    assert question["element"]["focus_on_load"] is True
    texts_shown = [piece.text for piece in pieces(modal["blocks"])]
    assert "*Draft* · round 1 · research" in texts_shown
    about = render_revise_form(replace(a_view(), topic="tea"), Draft("", ()))["blocks"][0]
    assert about["text"]["text"] == "*tea* · Draft · round 1 · research"
    assert "Findings" in texts_shown


def test_the_form_begins_with_what_was_written_already() -> None:
    modal = render_revise_form(a_view(), Draft("so far", ()))
    assert modal["callback_id"] == ids.NOTES_MODAL
    assert modal["blocks"][1]["element"]["initial_value"] == "so far"


def test_the_form_has_nothing_to_fill_in_or_to_show_when_there_is_nothing() -> None:
    modal = render_revise_form(a_view(""), Draft("", ()))
    assert [block["type"] for block in modal["blocks"]] == ["section", "input"]
    assert "initial_value" not in modal["blocks"][1]["element"]


REDACTOR = Redactor(["known-secret"])


def read_view(view: Block) -> str:
    return "\n".join(piece.text for piece in pieces(view["blocks"]))


@settings(max_examples=100)
@given(names, names, st.one_of(st.binary(max_size=200), long_texts.map(repr).map(str.encode)))
def test_what_came_is_within_the_limits_whatever_it_was(
    crew: str, reason: str, body: bytes
) -> None:
    came = a_dead_letter(crew=crew, reason=reason, body=body, count=7)
    check_view(render_what_came([came] * 5, REDACTOR))


def test_what_came_is_told_to_operators_with_what_to_do() -> None:
    came = a_dead_letter(reason="task_id is missing.", body=b'{"a": "```<!here>"}')
    view = render_what_came([came], REDACTOR)
    assert (view["title"]["text"], view["submit"]["text"]) == ("What came", "Dismiss")
    shown = read_view(view)
    assert "A webhook of *research* could not be understood." in shown
    assert "`d-1`\nTask_id is missing." in shown
    assert "`not_understood` with the same id" in shown
    assert "answer it with the crew's own `POST /resume`" in shown
    assert shown.count("```") == 2
    assert "beginning" not in shown
    assert "more, in" not in shown
    long = replace(came, body="é<".encode() * 2_000, count=12)
    shown = read_view(render_what_came([long, replace(came, id="d-2", body=b" ")], REDACTOR))
    assert "12 webhooks of *research*" in shown
    assert "This is the beginning; 6,000 bytes came." in shown
    assert "`d-2`" in shown
    assert "and 10 more, in the table `dead_letters`" in shown
    assert shown.count("```") == 2


def test_what_came_shows_no_secret() -> None:
    cut = "known-secret " * 6_000  # the cut goes through one
    body = f'{{"humanInputWebhook": {{"url": "https://h.example", "token": "LEAK"}}, "a": "{cut}'
    came = a_dead_letter(reason="odd known-secret", body=body.encode())

    shown = read_view(render_what_came([came], REDACTOR))

    assert "LEAK" not in shown
    assert "known" not in shown
    assert "https://h.example" in shown
