"""The changes inside a passage: words, numbers and dates are never torn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.changes import (
    WORDS_COMPARED,
    Kind,
    Segment,
    StepBudget,
    compare_cells,
    compare_words,
    words_of,
)


def marked(segments: tuple[Segment, ...]) -> str:
    marks = {Kind.SAME: "{}", Kind.REMOVED: "[-{}-]", Kind.ADDED: "[+{}+]"}
    return "".join(marks[one.kind].format(one.text) for one in segments)


def words(before: str | None, after: str | None) -> str:
    return marked(compare_words(before, after, StepBudget(100_000)))


def cells(before: list[str], after: list[str]) -> str:
    return marked(compare_cells(before, after, StepBudget(100_000)))


@pytest.mark.parametrize(
    "word",
    [
        *("0.18", "-0.18", "−0.18", "+3", "$0.09", "€5", "5€", "12%", ".5", "<3", "~40", "#7"),
        *("1,000,000.50", "10'000", "2024-05-01", "01.05.2024", "1/5/24", "12:30", "2024–2025"),
        *("e-mail", "don't", "don’t", "x_y", "co₂", "café\u0301", "naïve", "Straße", "שלום"),
        *("https://example.com/a?b=1", "ana@example.com", "v1.2.3", "👩‍👩‍👧", "☐", "A/B"),
    ],
)
def test_a_word_is_whole(word: str) -> None:
    assert [one.text for one in words_of(f"see ({word}), or {word}: {word}.")] == [
        *("see", "(", word, ")", ",", "or", word, ":", word, ".")
    ]


def test_words_end_at_commas_dashes_and_ideographs() -> None:
    assert [one.text for one in words_of("a,b;c 1,b x—y 日本語。")] == [
        *("a", ",", "b", ";", "c", "1", ",", "b", "x", "—", "y", "日", "本", "語", "。")
    ]


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("The cat sat here.", "The dog sat here.", "The [-cat -][+dog +]sat here."),
        ("It costs 0.18 EUR.", "It costs 0.09 EUR.", "It costs [-0.18 -][+0.09 +]EUR."),
        ("It fell to 0.18.", "It fell to 0.09.", "It fell to [-0.18-][+0.09+]."),
        ("He sat here.", "He sat.", "He sat [-here-]."),
        ("He sat.", "He sat here.", "He sat [+here+]."),
        ("Due on 2024-05-01 at noon", "Due at noon", "Due [-on 2024-05-01 -]at noon"),
        # What is torn by one short word reads as one change.
        (
            "The fee of the bank is 12 to 13 EUR",
            "The fee of the bank is 14 to 15 EUR",
            "The fee of the bank is [-12 to 13 -][+14 to 15 +]EUR",
        ),
        ("Spaces   between\nwords", "Spaces between words", "Spaces between words"),
        # Too little in common: one after the other.
        ("one two three", "vier fünf sechs", "[-one two three-][+vier fünf sechs+]"),
    ],
)
def test_what_changed_is_marked_by_whole_words(before: str, after: str, seen: str) -> None:
    assert words(before, after) == seen


def test_what_came_or_went_whole() -> None:
    assert words(None, "new") == "[+new+]"
    assert words("old", None) == "[-old-]"


def test_what_is_too_long_or_beyond_the_budget_counts_as_changed_as_a_whole() -> None:
    long = "a " * WORDS_COMPARED
    assert words(long, f"{long}b") == f"[-{long}-][+{long}b+]"
    budget = StepBudget(30)
    assert marked(compare_words("The cat sat.", "The dog sat.", budget)) == (
        "The [-cat -][+dog +]sat."
    )
    assert marked(compare_words("The cat sat.", "The dog sat.", budget)) == (
        "[-The cat sat.-][+The dog sat.+]"
    )


def test_cells_are_compared_with_those_in_their_place() -> None:
    assert cells(["a", "1", "2"], ["a", "2", "3"]) == "a | [-1-][+2+] | [-2-][+3+]"
    assert cells(["a", "1 of 9"], ["a", "2 of 9"]) == "a | [-1 -][+2 +]of 9"


def test_cells_of_a_new_column_are_new() -> None:
    assert cells(["a", "1", "2"], ["a", "1", "x", "2"]) == "a | 1 | [+x+] | 2"
    assert cells(["a", "1", "2"], ["a", "2"]) == "a | [-1-] | 2"


texts = st.lists(
    st.sampled_from(
        ["a", "the", "fee", "0.18", "0.09", ",", ".", " ", "\n", "日本", "x-y", "(", "%"]
    )
    | st.text(max_size=4),
    max_size=30,
).map("".join)


@given(texts, texts)
def test_both_texts_can_be_read_back(before: str, after: str) -> None:
    """Equal and removed words make the old text, equal and added words the new, but for spaces."""
    segments = compare_words(before, after, StepBudget(100_000))
    for kind, text in ((Kind.REMOVED, before), (Kind.ADDED, after)):
        read = "".join(one.text for one in segments if one.kind in {Kind.SAME, kind})
        assert "".join(read.split()) == "".join(text.split())


@given(texts, texts)
def test_no_word_is_torn(before: str, after: str) -> None:
    """Marked and unmarked parts begin and end where words do."""
    whole = {one.text for text in (before, after) for one in words_of(text)}
    for segment in compare_words(before, after, StepBudget(100_000)):
        assert {one.text for one in words_of(segment.text)} <= whole
