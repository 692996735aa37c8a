"""The notes that are not in the box stand below it whole, however many and however long."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import Draft, Note
from crewgate.domain.notification import Output
from crewgate.domain.verdict import FEEDBACK_LIMIT
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.reviews.forms import render_revise_form
from crewgate.slack.reviews.notes_left import is_in, part_in_feedback
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, BEN, a_note, a_round
from tests.slack.rendering import check_view, mid_texts, shown

VIEW = CardView(a_round(), Output("The output."))


def form(notes: list[Note], *, page: int = 0, reader: str = ANA.id, box: str = "") -> Block:
    return render_revise_form(VIEW, Draft(box, tuple(notes)), reader, page=page)


def labels(view: Any) -> list[str]:
    found = [block["accessory"] for block in view["blocks"] if "accessory" in block]
    rows = [block["elements"] for block in view["blocks"] if block["type"] == "actions"]
    return [one["text"]["text"] for one in [*found, *(one for row in rows for one in row)]]


def pages(notes: list[Note], **more: Any) -> list[Block]:
    made = [form(notes, **more)]
    while "Next page" in labels(made[-1]):
        made.append(form(notes, page=len(made), **more))
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


def test_who_wrote_what_the_box_cannot_hold_may_add_parts_of_it() -> None:
    note = a_note("A sentence of a very long note. " * 300)
    made = pages([note])
    found = [label for view in made for label in labels(view)]
    assert found.count("Add this part") == 10
    assert ids.ADD_PART in {
        block["accessory"]["action_id"] for block in made[0]["blocks"] if "accessory" in block
    }
    others = pages([note], reader=BEN.id)
    assert "Add this part" not in [label for view in others for label in labels(view)]
    assert "who wrote it" in shown(others[0])


def test_a_part_that_is_in_the_box_is_not_offered_again() -> None:
    note = a_note("A sentence of a very long note. " * 100)
    first = part_in_feedback(note, 1)
    assert first is not None
    assert first.startswith("Ana, part 1 of 4: A sentence")
    offered = form([note], box=first)
    assert "Part 1 of 4" not in shown(offered["blocks"][2:])
    assert "Part 2 of 4" in shown(offered)
    assert not is_in(first, note)
    assert part_in_feedback(note, 0) is part_in_feedback(note, 5) is None
    every = [part_in_feedback(note, number) or "" for number in range(1, 5)]
    assert is_in("\n\n".join(every), note)


def test_a_short_note_is_in_the_box_or_not() -> None:
    assert is_in("Ana: Shorter.", a_note("Shorter."))
    assert not is_in("Shorter.", a_note("Shorter."))


@settings(max_examples=60)
@given(
    st.lists(mid_texts.map(lambda text: text[:40_000]), max_size=30),
    st.integers(0, 5),
    st.sampled_from([ANA.id, BEN.id]),
)
def test_every_page_is_within_the_limits(written: list[str], page: int, reader: str) -> None:
    notes = [a_note(text or "x", ts=f"1.{number}") for number, text in enumerate(written)]
    made = form(notes, page=page, reader=reader)
    check_view(made, may_mention=frozenset({f"@{ANA.id}"}))
    for note in notes:
        part = part_in_feedback(note, 1)
        assert part is None or len(part) < FEEDBACK_LIMIT / 2
