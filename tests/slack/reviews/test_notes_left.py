"""The notes that are not in the box stand below it whole, however many and however long."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import Draft, Note
from crewgate.domain.notification import Output
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.reviews.forms import render_revise_form
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, a_note, a_round
from tests.slack.rendering import check_view, mid_texts, shown

VIEW = CardView(round=a_round(), output=Output("The output."))


def form(notes: list[Note], *, page: int = 0) -> Block:
    return render_revise_form(VIEW, Draft("", tuple(notes)), page=page)


def labels(view: Any) -> list[str]:
    found = [block["accessory"] for block in view["blocks"] if "accessory" in block]
    rows = [block["elements"] for block in view["blocks"] if block["type"] == "actions"]
    return [one["text"]["text"] for one in [*found, *(one for row in rows for one in row)]]


def pages(notes: list[Note]) -> list[Block]:
    made = [form(notes)]
    while "Next page" in labels(made[-1]):
        made.append(form(notes, page=len(made)))
    return made


def test_a_note_stands_there_whole() -> None:
    text = "A sentence of a long note. " * 100
    view = form([a_note(text)])
    assert text.strip() in shown(view)
    assert labels(view) == ["Add", "Edit the text"]
    assert "2,700 characters" in shown(view)


def test_many_notes_come_in_pages_and_each_is_on_one() -> None:
    notes = [a_note(f"Note {number}, whole.", ts=f"1.{number}") for number in range(90)]
    made = pages(notes)
    assert len(made) > 2
    read = [note.text for view in made for note in notes if note.text in shown(view)]
    assert sorted(read) == sorted(note.text for note in notes)
    assert labels(made[1])[-2:] == ["Previous page", "Next page"]
    assert form(notes, page=99)["blocks"][2:] == made[-1]["blocks"][2:]


def test_what_the_box_cannot_hold_stands_there_to_be_copied() -> None:
    [view] = pages([a_note("A sentence of a very long note. " * 300)])
    assert "Add" not in labels(view)
    assert "copy it from the thread" in shown(view)


@settings(max_examples=60)
@given(st.lists(mid_texts.map(lambda text: text[:40_000]), max_size=30), st.integers(0, 5))
def test_every_page_is_within_the_limits(written: list[str], page: int) -> None:
    notes = [a_note(text or "x", ts=f"1.{number}") for number, text in enumerate(written)]
    check_view(form(notes, page=page), may_mention=frozenset({f"@{ANA.id}"}))
