"""Pages of a long text: short, whole, and cut where a reader would cut."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import WHOLE, Share
from crewgate.slack.blockkit.excerpts import PAGE, page_of
from crewgate.slack.blockkit.markdown import fences_of, lines_of
from crewgate.slack.blockkit.text import clean
from tests.slack.rendering import mid_texts


def pages(text: str, size: int) -> list[str]:
    """Every page, each built by itself."""
    total = page_of(text, 0, size).total
    made = [page_of(text, number, size) for number in range(total)]
    assert [(page.number, page.total) for page in made] == [(n, total) for n in range(total)]
    return [page.text for page in made]


def words(text: str) -> set[str]:
    """Return the parts between spaces: an address is one word."""
    return set(re.split("[ \n]", text))


@settings(max_examples=60)
@given(mid_texts, st.sampled_from([50, 500, 6_000]))
def test_pages_lose_nothing_and_are_short(text: str, size: int) -> None:
    size = max(size, len(text) // 40)  # each page is made of the whole text again
    made = pages(text, size)

    # A fence that is closed and opened again adds its two lines.
    assert all(len(page) <= 2 * size + 200 for page in made)
    left = "".join(made)
    whole = clean(text).rstrip()
    rest = iter(left)
    assert all(character in rest for character in whole), "every character, in order"
    # Only a word that half of a page does not hold is cut; a fence's line takes some of a page.
    assert all(word in left for word in words(whole) if len(word) < size // 4)


def test_a_fence_across_a_cut_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line {number}" for number in range(40))
    first, *others = pages(f"```python\n{code}\n```\nEnd.", 100)

    assert first.endswith("\n```")
    assert all(page.startswith("```python\n") for page in others[:-1])
    assert "End." in others[-1]


def test_a_page_ends_at_a_paragraph() -> None:
    assert pages("one\n\ntwo two\nthree three", 20) == ["one\n\n", "two two\nthree three"]


def test_a_page_past_the_last_is_the_last() -> None:
    assert page_of("one\n\ntwo", 7) == page_of("one\n\ntwo", 0)
    assert page_of("", 3).text == ""
    assert page_of(" \n" * 9_000, 0).total == 1


def test_a_long_line_is_cut_at_a_word_and_a_long_word_at_a_character() -> None:
    assert pages("word " * 5, 12) == ["word word ", "word word ", "word"]
    assert pages("a" * 9 + "e\u0301" * 3, 10) == ["a" * 9, "e\u0301" * 3]
    assert "".join(pages("\u0301" * 50, 4)) == "\u0301" * 50


@pytest.mark.parametrize(
    "text",
    [
        "some words\n\n## Clause 5\n\nLiability ends.",
        "some words\n## Clause 5\nLiability ends.",
        "some words\n\nClause 5\n---\n\nLiability ends.",
        "some words\n\n**Clause 5**\n\nLiability ends.",
        "some words\n\n| Clause |\n|---|\n| Liability |",
    ],
)
def test_no_page_ends_on_a_heading(text: str) -> None:
    first, second = pages(text, 32)
    assert first.strip() == "some words"
    assert "Clause" in second


def test_headings_alone_make_pages_all_the_same() -> None:
    made = pages("# a\n\n" * 200, 100)
    assert "".join(made).count("# a") == 200
    assert max(map(len, made)) <= 100


def test_a_page_says_how_much_of_the_text_was_seen_with_it_and_reading_goes_on_there() -> None:
    text = "word word. " * 10
    first = page_of(text, 0, 30)
    assert first.share == Share(len(first.text), len(text) - 1)
    after = page_of(text, None, 30, seen=first.share.shown)
    assert (after.number, page_of(text, None, 30, seen=3).number) == (1, 0)
    last = page_of(text, None, 30, seen=1_000)
    assert (last.number, last.share.percent) == (last.total - 1, WHOLE)


def test_a_fence_begins_on_the_page_that_shows_some_of_it() -> None:
    assert pages("some words\n```python\nfirst\nsecond\nthird\n```\nend", 24) == [
        "some words\n",
        "```python\nfirst\nsecond\n```",
        "```python\nthird\n```\nend",
    ]


def test_a_fence_whose_last_line_does_not_fit_ends_all_the_same() -> None:
    assert pages("```python\nfirst\nsecond\n```", 24) == ["```python\nfirst\nsecond\n```"]
    assert pages("```python\nfirst\nsecond\n```\nend", 24) == [
        "```python\nfirst\nsecond\n```\n",
        "end",
    ]


def test_of_an_endless_name_of_a_fence_a_page_repeats_the_beginning() -> None:
    made = pages("```" + "x" * 300 + "\n" + "code\n" * 100, 100)

    assert max(map(len, made)) <= 100 + len("\n```")
    assert "".join(made).count("code") == 100
    assert all(page.startswith("```" + "x" * 40) for page in made)


@given(mid_texts)
def test_a_fence_ends_where_its_lines_end(text: str) -> None:
    """Looking only at lines with a mark finds what looking at every line does."""
    whole = clean(text)
    lines = lines_of(whole)
    for fence in fences_of(whole):
        inside = [line for line in lines if line.fence is not None and line.start >= fence.start]
        assert inside[0].start == fence.start
        assert whole[: fence.end].endswith(("\n", fence.mark)) or fence.end == len(whole)


# A number of words for each sentence, as a byte: of bytes Hypothesis makes one choice.
sentences = st.binary(min_size=300, max_size=600).map(
    lambda counts: " ".join(" ".join(["word"] * (1 + count % 30)) + "." for count in counts)
)


@settings(max_examples=20, deadline=None)
@given(sentences)
def test_a_long_paragraph_is_broken_after_sentences(text: str) -> None:
    pages = [page_of(text, number) for number in range(page_of(text, 0).total)]
    assert "".join(page.text for page in pages) == text
    assert all(page.text.rstrip().endswith(".") for page in pages)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(2_000, 9_000))
def test_a_sentence_without_end_is_broken_after_words(length: int, count: int) -> None:
    word = "w" * length
    text = " ".join([word] * count)
    pages = [page_of(text, number) for number in range(page_of(text, 0).total)]
    assert {part for page in pages for part in page.text.split()} == {word}


def test_a_short_line_before_a_long_paragraph_does_not_stand_on_a_page_alone() -> None:
    first = page_of("# Title\n" + "A sentence of it. " * 1_000, 0)
    assert len(first.text) > PAGE // 2
