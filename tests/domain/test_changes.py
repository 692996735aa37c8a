"""What changed between two outputs."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.changes import (
    LINES_COMPARED,
    WORDS_COMPARED,
    Changes,
    Hunk,
    Kind,
    Segment,
    Unchanged,
    compare,
    measure,
)
from bot.domain.notification import Format, Output


def text(before: str, after: str) -> Changes:
    return compare(Output(before), Output(after))


def by_key(before: object, after: object) -> Changes:
    return compare(Output(json.dumps(before), Format.JSON), Output(json.dumps(after), Format.JSON))


def test_words_inside_a_changed_line() -> None:
    changes = text("The cat sat here.", "The dog sat here.")

    assert (changes.added, changes.removed) == (1, 1)
    assert changes.parts == (
        Hunk(
            (
                Segment(Kind.SAME, "The "),
                Segment(Kind.REMOVED, "cat"),
                Segment(Kind.ADDED, "dog"),
                Segment(Kind.SAME, " sat here."),
            )
        ),
    )


def test_lines_that_have_little_in_common_stand_one_after_the_other() -> None:
    assert text("one two three", "vier fünf sechs").parts == (
        Hunk((Segment(Kind.REMOVED, "one two three\n"), Segment(Kind.ADDED, "vier fünf sechs"))),
    )


def test_long_unchanged_stretches_are_counted_and_short_ones_shown() -> None:
    changes = text("a\nb\nc\nd\nold\nx", "a\nb\nc\nd\nx\nnew")

    assert changes.parts == (
        Unchanged(4),
        Hunk((Segment(Kind.REMOVED, "old"),)),
        Hunk((Segment(Kind.SAME, "x"),)),
        Hunk((Segment(Kind.ADDED, "new"),)),
    )


def test_the_same_text_has_no_changes() -> None:
    assert not text("a\nb", "a\nb")
    assert text("a", "b")


def test_what_is_too_long_to_compare_counts_as_changed_as_a_whole() -> None:
    before = [f"old {number}" for number in range(LINES_COMPARED + 1)]
    after = [f"new {number}" for number in range(LINES_COMPARED + 1)]
    changes = text("\n".join(["same", *before, "end"]), "\n".join(["same", *after, "end"]))
    assert (changes.added, changes.removed) == (LINES_COMPARED + 1, LINES_COMPARED + 1)

    words = text("a " * WORDS_COMPARED, "a " * WORDS_COMPARED + "b")
    assert [
        segment.kind for part in words.parts if isinstance(part, Hunk) for segment in part.segments
    ] == [
        Kind.REMOVED,
        Kind.ADDED,
    ]


def test_passages_are_compared_by_words_until_it_takes_too_long() -> None:
    line = "word " * 2_000
    before = "\n".join(f"{line} a{number}\nsame{number}" for number in range(8))
    changes = text(before, before.replace(" a", " b"))

    first, last = (part for part in (changes.parts[0], changes.parts[-2]))
    assert isinstance(first, Hunk)
    assert isinstance(last, Hunk)
    assert [segment.kind for segment in last.segments] == [Kind.REMOVED, Kind.ADDED]
    assert (changes.added, changes.removed) == (8, 8)


def test_how_much_changed_is_measured_without_the_words() -> None:
    for before, after in (
        (Output("a\nb\nc"), Output("a\nx\ny\nc")),
        (Output('{"a": 1, "b": 2}', Format.JSON), Output('{"a": 2}', Format.JSON)),
    ):
        whole, quick = compare(before, after), measure(before, after)
        assert (quick.added, quick.removed, quick.by_key) == (
            whole.added,
            whole.removed,
            whole.by_key,
        )
        assert quick.parts == ()


def test_json_is_compared_by_key() -> None:
    changes = by_key(
        {"a": {"b": "x"}, "c": [1, {"d": 2}], "gone": None, "e": {}},
        {"a": {"b": "y"}, "c": [1, {"d": 2}], "new": True, "e": {}},
    )

    assert changes.by_key
    assert (changes.added, changes.removed) == (2, 2)
    assert [part.key for part in changes.parts if isinstance(part, Hunk)] == [
        "a.b",
        "new",
        "gone",
    ]
    assert [part.count for part in changes.parts if isinstance(part, Unchanged)] == [2, 1]


def test_json_that_ends_unchanged_or_is_one_value() -> None:
    assert by_key({"a": 1, "b": 2}, {"a": 2, "b": 2}).parts[-1] == Unchanged(1)
    [part] = by_key("one", "two").parts
    assert isinstance(part, Hunk)
    assert part.key == "the whole"


def test_what_only_claims_to_be_json_is_compared_as_text() -> None:
    changes = compare(Output("{", Format.JSON), Output("{}", Format.JSON))
    assert not changes.by_key
    changes = compare(Output("{}", Format.JSON), Output("{", Format.JSON))
    assert not changes.by_key


lines = st.lists(st.sampled_from(["a b c", "a x c", "", "d", "long line of words"]), max_size=12)


@settings(max_examples=200)
@given(lines, lines)
def test_both_texts_can_be_read_back_from_the_changes(old: list[str], new: list[str]) -> None:
    """Nothing is lost: what is kept and removed is the old text, kept and added the new."""
    changes = text("\n".join(old), "\n".join(new))

    for kind, wanted in ((Kind.REMOVED, old), (Kind.ADDED, new)):
        words = [
            segment.text
            for part in changes.parts
            if isinstance(part, Hunk)
            for segment in part.segments
            if segment.kind in {Kind.SAME, kind}
        ]
        left = sorted("\n".join(wanted))
        for char in "".join(words).replace("\n", ""):
            left.remove(char)
