"""The beginning of a text that does not fit: cut where a reader would cut it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crewgate.slack.blockkit.excerpts import first_part, length
from crewgate.slack.blockkit.text import clean, neutralise_markdown, utf16_length
from tests.slack.blockkit.hostile import texts, tokens, words_of

sentences = st.lists(st.sampled_from(["Alpha beta gamma.", "Δ ε.", "x" * 30, "<@U1>"]), min_size=1)
documents = st.lists(
    st.one_of(
        sentences.map(" ".join),
        st.integers(1, 30).map(
            lambda rows: "| a | b |\n|---|---|\n" + "\n".join(["| one | two |"] * rows)
        ),
        st.tuples(st.sampled_from(["```", "~~~~", "````"]), st.integers(0, 40)).map(
            lambda fence: f"{fence[0]}python\n" + "call(x)\n\n" * fence[1] + fence[0]
        ),
        st.integers(1, 20).map(lambda items: "\n".join(["- item"] * items)),
    ),
    min_size=1,
    max_size=12,
).map("\n\n".join)


def excerpt(text: str, limit: int) -> tuple[str, bool]:
    """The text, neutralised, and whether anything of it was left out."""
    shown, characters = first_part(text, limit)
    return shown, characters < length(text)


@given(st.one_of(texts, documents), st.integers(40, 400))
@example("~~~[bank][1][x](javascript:alert)\xad", 40)
def test_an_excerpt_is_a_beginning_within_its_limit(text: str, limit: int) -> None:
    shown, left_out = excerpt(text, limit)
    assert utf16_length(shown) <= limit
    whole = neutralise_markdown(text)
    assert left_out or shown == whole
    begins = words_of(shown)
    expected = words_of(clean(text))[: len(begins)]
    # The last word may be cut, and a fence that is closed adds no word.
    assert begins[:-1] == expected[:-1]
    assert not begins or expected[-1].startswith(begins[-1])


@given(documents, st.integers(60, 400))
def test_an_excerpt_never_ends_inside_code_or_a_row(text: str, limit: int) -> None:
    shown, _ = excerpt(text, limit)
    last = tokens(shown + "\n\nTHE END")[-2]
    assert last.content == "THE END"
    rows = {line for line in text.split("\n") if line.startswith("|")}
    assert rows.issuperset(line for line in shown.split("\n") if line.startswith("|"))


@pytest.mark.parametrize("lead", ["## 5. Quality", "**Quality**", "It is inspected so:"])
@pytest.mark.parametrize("before", ["", "Words. " * 20 + "\n\n"])
def test_an_excerpt_does_not_end_with_what_leads_to_the_rest(lead: str, before: str) -> None:
    for room in (40, 150, 190, 300):
        shown, _ = first_part(f"{before}{lead}\n\n{'Much of it. ' * 60}", room, render=str)
        assert not shown.endswith(lead)


PARAGRAPH = "Some words here. More words there."


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        (f"{PARAGRAPH}\n\n{PARAGRAPH}", 60, PARAGRAPH),
        (f"{PARAGRAPH}\n{PARAGRAPH}", 60, PARAGRAPH),
        (PARAGRAPH, 25, "Some words here."),
        ("one two three four", 11, "one two"),
        ("x" * 50, 10, "x" * 10),
        (f"{PARAGRAPH}\n\n```\na\nb\nc\nd\n```", 45, PARAGRAPH),
        ("```\n" + "line\n" * 20 + "```", 30, "```\nline\nline\nline\nline\n```"),
        ("> ~~~\n" + "> line\n" * 20 + "> ~~~", 28, "> ~~~\n> line\n> line\n> ~~~"),
        ("1. ```\n   line\n   line\n   ```", 22, "1. ```\n   line\n   ```"),
        ("| a | b |\n|---|---|\n| " + "c" * 50 + " |", 60, "| a | b |\n|---|---|"),
    ],
)
def test_a_cut_is_made_where_a_reader_would_make_it(text: str, limit: int, shown: str) -> None:
    assert excerpt(text, limit) == (shown, True)


def test_a_text_that_just_fits_is_whole() -> None:
    assert excerpt("x" * 100, 100) == ("x" * 100, False)
    assert excerpt("\r\n" * 100, 100) == ("\n" * 100, False)


def test_where_nothing_fits_nothing_is_shown() -> None:
    assert excerpt("😀😀", 1) == ("", True)


@pytest.mark.parametrize(
    "pattern",
    ["word ", "<a", "`", "\n", "[a](http://x)", "- ", "&lt;", "😀", "[[", "`` ` ", "](", "\r\n"],
)
def test_half_a_million_characters_cost_no_more_than_what_is_shown(pattern: str) -> None:
    text = pattern * (500_000 // len(pattern))
    rendered: list[int] = []

    def counting(part: str) -> str:
        rendered.append(len(part))
        return neutralise_markdown(part)

    shown, characters = first_part(text, 1_000, render=counting)
    assert utf16_length(shown) <= 1_000
    assert characters < length(text)
    assert sum(rendered) < 20 * 1_000
