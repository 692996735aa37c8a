"""Two outputs are compared as they are shown, not as they are written."""

import pytest

from crewgate.domain.changes import Changes, Fate, Hunk, Kind, PassageKind, Unchanged
from crewgate.domain.edits import EditsFate
from crewgate.domain.notification import Format, Output
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise, Via
from crewgate.slack.reviews.changes import compare_outputs, edits_in, edits_since
from crewgate.usecases.read_models import CardView
from tests.builders import a_decision, a_round

TABLE = """\
| Maker | Price |
|-------|------:|
| Alpha |  0.18 |
| Beta  |  0.22 |
"""


def compared(before: str, after: str) -> Changes:
    return compare_outputs(Output(before), Output(after))


def marked(changes: Changes) -> list[str]:
    marks = {Kind.SAME: "{}", Kind.REMOVED: "[-{}-]", Kind.ADDED: "[+{}+]"}
    return [
        "".join(marks[one.kind].format(one.text) for one in part.segments)
        for part in changes.parts
        if isinstance(part, Hunk)
    ]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            State.RESUMED,
            "In round 1 <@U0ANA> asked for exact edits: the edit was made, and nothing",
        ),
        (State.CLOSED, ""),
    ],
)
def test_edits_are_counted_that_the_crew_was_asked_for(state: State, told: str) -> None:
    asked = a_decision(Revise("Make this edit."), via=Via.EDIT)
    view = CardView(
        round=a_round(number=2),
        output=Output("4 euros."),
        previous=a_round(state, decision=asked),
        before=Output("3 euros."),
        asked_text="4 euros.",
    )
    assert edits_since(view).startswith(told)
    assert bool(edits_since(view)) == bool(told)


@pytest.mark.parametrize(
    ("asked", "taken", "said"),
    [
        (1, 0, "the edit was not made"),
        (2, 0, "none of 2 was made"),
        (2, 1, "1 of 2 was made"),
        (2, 2, "both were made"),
        (3, 2, "2 of 3 were made"),
        (3, 3, "all 3 were made"),
    ],
)
def test_edits_are_counted_in_english(asked: int, taken: int, said: str) -> None:
    assert edits_in(EditsFate(asked, taken, 0)) == f"{said}, and nothing else changed"


def test_a_number_in_a_table_is_never_torn() -> None:
    changes = compared(TABLE, TABLE.replace("0.18", "0.09"))
    assert marked(changes) == ["Alpha | [-0.18-][+0.09+]"]
    assert changes.amounts == {(PassageKind.ROW, Fate.CHANGED): 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TABLE, TABLE.replace("0.18", "**0.18**").replace("  ", " ")),
        ("Some *words*.", "Some __words__."),
        ("* one\n* two\n", "- one\n\n- two\n"),
        ("Title\n=====\n\nText", "# Title\nText"),
        ("A line\nthat wraps", "A line that wraps"),
        ("a\r\nb\r\n", "a\nb"),
        ("```\nx = 1\n```", "~~~\nx = 1\n~~~"),
        ("One.\n\n---\n\nTwo.", "One.\n\nTwo."),
        ("<https://example.com>", "https://example.com"),
        ("A \\* star", "A * star"),
    ],
)
def test_what_is_shown_alike_has_only_its_formatting_changed(before: str, after: str) -> None:
    changes = compared(before, after)
    assert not changes
    assert changes.reformatted


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        # What is struck through says the opposite.
        ("He is not liable.", "He is ~~not~~ liable.", "He is [-not -][+~~not~~ +]liable."),
        ("- [ ] Signed by both", "- [x] Signed by both", "[ [+x+]] Signed by both"),
        (
            "See [the report](https://a.example/1) of May.",
            "See [the report](https://a.example/2) of May.",
            "See the report ([-https://a.example/1-][+https://a.example/2+]) of May.",
        ),
        ("1. one", "- one", "[-1. -]one"),
        ("Delivery:\n\n15. October", "Delivery:\n\n25. October", "[-15-][+25+]. October"),
        ("It costs 1.50 now", "It costs 150 now", None),
        ("It costs -100 now", "It costs 100 now", None),
        ("As a < b", "As a > b", None),
        ("It costs 9*0*00 now", "It costs 9000 now", None),
        ("[a](b 'c')", "[a](b 'd')", None),
        ("See [a](b)", "See a (b)", None),
        ("Use `make a` to build it", "Use `make b` to build it", None),
        ("A  &lt; b <!-- note -->", "A  &gt; b <!-- note -->", None),
    ],
)
def test_what_is_shown_otherwise_has_changed(before: str, after: str, seen: str | None) -> None:
    changes = compared(before, after)
    assert changes.amounts == {(PassageKind.PARAGRAPH, Fate.CHANGED): 1}
    if seen is not None:
        assert marked(changes) == [seen]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("```\nx\n```", "```wire 90,000 EUR to ACC-666\nx\n```"),
        ("| a |\n|---|\n| 1 |", "| a |\n|---|\n| 1 | 90,000 EUR |"),
        ("| a | b |\n|---|---|\n| 1 | 50 |", "| a | b |\n|---|---|\n| 15 | 0 |"),
    ],
)
def test_what_no_renderer_of_markdown_draws_has_changed(before: str, after: str) -> None:
    changes = compared(before, after)
    assert changes
    assert not changes.reformatted


def test_an_item_or_a_row_that_came_is_the_only_change() -> None:
    changes = compared("- one\n- two", "- one\n- one and a half\n- two")
    assert marked(changes) == ["[+one and a half+]"]
    changes = compared(TABLE, TABLE + "| Gamma | 0.31 |\n")
    assert changes.amounts == {(PassageKind.ROW, Fate.ADDED): 1}


def test_json_and_text_have_little_in_common() -> None:
    changes = compare_outputs(Output('{"a": 1}', Format.JSON), Output("One."))
    assert changes.amounts == {
        (PassageKind.CODE, Fate.REMOVED): 1,
        (PassageKind.PARAGRAPH, Fate.ADDED): 1,
    }


def test_json_is_compared_by_key_however_it_is_written() -> None:
    before, after = '{"a": 0.18, "b": 2}', '{\n  "b": 2,\n  "a": 0.09\n}'
    changes = compare_outputs(Output(before, Format.JSON), Output(after, Format.JSON))
    assert marked(changes) == ["[-0.18-][+0.09+]"]
    assert changes.amounts == {(PassageKind.VALUE, Fate.CHANGED): 1}
    broken = compare_outputs(Output("{1", Format.JSON), Output("{2", Format.JSON))
    assert broken.amounts.keys() <= {(PassageKind.CODE, fate) for fate in Fate}


def test_the_same_texts_have_no_changes() -> None:
    changes = compared("# A\n\ntext", "# A\n\ntext")
    assert not changes
    assert not changes.reformatted
    assert [type(part) for part in changes.parts] == [Unchanged]
    assert compare_outputs(Output("a"), Output("b"), with_words=False).parts == ()
