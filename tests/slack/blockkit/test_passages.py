"""A text comes apart into the passages that its reader sees."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.changes import Passage, PassageKind
from crewgate.slack.blockkit.passages import lines_as_passages, passages_of
from crewgate.slack.blockkit.text import clean
from tests.slack.rendering import NASTY, mid_texts


def read(markdown: str) -> list[tuple[str, str]]:
    return [(one.kind.value, one.text) for one in passages_of(markdown)]


def test_every_kind_of_passage() -> None:
    assert read(
        "# A *title*\n\nWords, **bold** and [a link](https://a.example).\n\n> quoted\n\n"
        "- one\n  - two\n\n    more of two\n- [x] done\n- ```\n  in = 1\n  ```\n\n"
        "| a | b |\n|---|---|\n| `1` | 2 |\n\n```python\nx = 1\n\n  y = 2\n```\n\n---\n"
    ) == [
        ("heading", "A title"),
        ("paragraph", "Words, bold and a link (https://a.example)."),
        ("paragraph", "quoted"),
        ("item", "one"),
        ("item", "two"),
        ("paragraph", "more of two"),
        ("item", "[x] done"),
        ("code", "in = 1"),
        ("header", "a | b"),
        ("row", "1 | 2"),
        ("code", "python"),
        ("code", "x = 1"),
        ("code", "  y = 2"),
    ]


def test_a_row_knows_its_table_and_its_cells() -> None:
    header, row = passages_of("| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert header == Passage(kind=PassageKind.HEADER, text="a | b", words="a | b", cells=("a", "b"))
    assert (row.kind, row.text, row.cells) == (PassageKind.ROW, "1 | 2", ("1", "2"))
    assert row.table == "a | b"
    [*_, other] = passages_of("| a |\n|-|\n| 1 |\n\n| c |\n|-|\n| 1 |\n")
    assert other.table == "c"


def test_many_lines_without_a_blank_one_are_a_passage_each() -> None:
    lines = [f"line {number}" for number in range(40)]
    assert [text for _, text in read("\n".join(lines))] == lines
    assert len(read("\n".join(lines[:10]))) == 1


def test_a_table_with_too_many_cells_is_taken_by_its_lines() -> None:
    row = "| a " * 100 + "|"
    found = read("\n".join([row, "|-" * 100 + "|", *[row] * 350]))
    assert {kind for kind, _ in found} == {"paragraph"}
    assert len(found) == 352


def test_a_very_long_paragraph_is_taken_as_it_was_written() -> None:
    written = "**a** b " * 1_000
    assert read(written) == [("paragraph", written.strip())]


def test_nothing_is_no_passage() -> None:
    assert passages_of("") == passages_of("\n\n---\n\n") == []
    assert lines_as_passages("a\n\n  b") == [
        Passage(kind=PassageKind.CODE, text="a"),
        Passage(kind=PassageKind.CODE, text="  b"),
    ]


@given(mid_texts | st.lists(st.sampled_from(NASTY), max_size=30).map("".join))
def test_no_word_is_lost(text: str) -> None:
    """Every letter and digit is in a passage."""
    cleaned = clean(text)
    shown = Counter("".join(one.text for one in passages_of(cleaned)))
    assert [char for char in Counter(cleaned) - shown if char.isalnum()] == []
