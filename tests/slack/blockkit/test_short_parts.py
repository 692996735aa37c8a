"""The beginning of a text that a card does not show whole: it ends where a reader can stop."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crewgate.slack.blockkit.excerpts import count_rows, length, short_part
from crewgate.slack.blockkit.text import clean, neutralise_markdown, utf16_length
from tests.slack.blockkit.hostile import texts, words_of

MARKDOWN = MarkdownIt("commonmark").enable("table")
CHARACTERS, ROWS, LIMIT = 600, 4, 2_000

WORDS = {"a": "Alpha", "b": "beta", "c": "of", "d": "12.5 %", "e": "Δ", "f": "ends."}
# A letter for each word: of a string Hypothesis makes one choice, of a list two for each element.
words = st.text(list(WORDS), min_size=1).map(lambda letters: [WORDS[letter] for letter in letters])


def sentences(letters: str) -> str:
    found = [[WORDS[letter] for letter in one] for one in letters.split(".")]
    return " ".join(" ".join(one).capitalize() + "." for one in found if one) or "None."


paragraphs = (
    st.text([*WORDS, "."], min_size=1) | st.text([*WORDS, "."], min_size=30, max_size=400)
).map(sentences)
headings = st.one_of(
    st.tuples(st.integers(1, 4), words).map(lambda made: f"{'#' * made[0]} {' '.join(made[1])}"),
    words.map(lambda found: " ".join(found) + "\n==="),
    words.map(lambda found: f"**{' '.join(found)}**"),
    words.map(lambda found: " ".join(found) + ":"),
)
tables = st.tuples(st.integers(1, 30), st.integers(1, 3), st.booleans()).map(
    lambda made: "\n".join(
        ("| {} |" if made[2] else "{}").format(" | ".join(cells))
        for cells in (
            ["name", *(["value"] * made[1])],
            ["---", *(["---:"] * made[1])],
            *([f"row {row}", *([f"{row}.5"] * made[1])] for row in range(made[0])),
        )
    )
)
fences = st.tuples(st.sampled_from(["```", "~~~~"]), st.integers(1, 60)).map(
    lambda made: f"{made[0]}python\n" + "call(x)\n\n" * made[1] + made[0]
)
lists = st.tuples(st.sampled_from(["- {}", "1. {}", "* [ ] {}"]), st.lists(paragraphs, min_size=1))
items = lists.map(lambda made: "\n".join(made[0].format(item) for item in made[1][:8]))
documents = st.lists(
    st.one_of(paragraphs, headings, headings, tables, fences, items, st.just("---")),
    min_size=3,
    max_size=30,
).map("\n\n".join)


def leaves(markdown: str) -> list[str]:
    """The blocks of a text that have no others inside, in order."""
    kinds = ("heading_open", "paragraph_open", "tr_open", "fence", "hr")
    return [token.type for token in MARKDOWN.parse(markdown) if token.type in kinds]


@settings(max_examples=200)
@given(documents.filter(lambda text: len(text) > CHARACTERS))
def test_a_part_ends_where_a_reader_can_stop(text: str) -> None:
    shown, characters = short_part(text, characters=CHARACTERS, rows=ROWS, limit=LIMIT)

    assert len(shown) <= CHARACTERS + len("\n~~~~")
    assert text.startswith(shown) or shown.endswith(("```", "~~~~"))
    assert 0 < characters < length(text)
    found = leaves(shown)
    last = MARKDOWN.parse(shown + "\n\nTHE END")[-2]
    assert last.content == "THE END", "it ends inside a fence"
    rows = [line for line in text.split("\n") if " | " in line]
    assert {line for line in shown.split("\n") if " | " in line} <= set(rows)
    assert found.count("tr_open") - shown.count("---:\n") <= ROWS + shown.count("name | value")
    if set(found) & {"paragraph_open", "tr_open", "fence"} and not shown.endswith(("**", ":")):
        assert found[-1] not in {"heading_open", "hr"}


@example("👩\u200d👩\u200d👧", 40, 0)
@given(texts, st.integers(40, 400), st.integers(0, 5))
def test_a_part_is_a_beginning_whatever_was_written(text: str, characters: int, rows: int) -> None:
    shown, count = short_part(text, characters=characters, rows=rows, limit=LIMIT)

    assert utf16_length(shown) <= LIMIT
    assert 0 <= count <= length(text)
    begins = words_of(shown)
    expected = words_of(clean(text))[: len(begins)]
    assert begins[:-1] == expected[:-1]


LONG = "Some words here. " * 12
ENDS = {
    "a paragraph": (f"{LONG}\n\n{LONG}", LONG.strip()),
    "a sentence": (LONG * 2, LONG.strip()),
    "no heading": (f"{LONG}\n\n# One\n\n## Two\n\n{LONG}", LONG.strip()),
    "no underlined heading": (f"{LONG}\n\nTwo\nlines\n===\n\n{LONG}", LONG.strip()),
    "no bold line": (f"{LONG}\n\n**Findings**\n\n{LONG}", LONG.strip()),
    "no introduction": (f"{LONG}\n\nThe figures:\n\n{LONG}", LONG.strip()),
    "no rule": (f"{LONG}\n\n---\n\n{LONG}", LONG.strip()),
    "an item": ("- one two three\n" * 40, "\n".join(["- one two three"] * 13)),
    "few rows": (
        "| a | b |\n|---|---|\n" + "| c | d |\n" * 9,
        "| a | b |\n|---|---|\n| c | d |\n| c | d |\n| c | d |",
    ),
    "rows without outer pipes": (
        "a | b\n---|---\n" + "c | d\n" * 9,
        "a | b\n---|---\nc | d\nc | d\nc | d",
    ),
    "no header alone": (f"{LONG}\n\n| a |\n|---|\n| {LONG} |", LONG.strip()),
    "a fence that is cut": ("```\n" + "x = 1\n" * 50 + "```", "```\n" + "x = 1\n" * 34 + "```"),
    "before a fence": (f"{LONG[:100]}\n\n```\n" + "x = 1\n" * 50 + "```", LONG[:100].strip()),
    "headings only": ("# a\n" * 80, "\n".join(["# a"] * 52)),
    "a header alone where there is no more": (
        f"| a |\n|---|\n| {LONG}{LONG} |",
        "| a |\n|---|",
    ),
    "a line of code": (f"```\n{'x' * 300}\n```", f"```\n{'x' * 206}\n```"),
}


@pytest.mark.parametrize(("text", "shown"), ENDS.values(), ids=ENDS)
def test_a_cut_is_made_where_a_reader_can_stop(text: str, shown: str) -> None:
    assert short_part(text, characters=210, rows=3, limit=1_000)[0] == neutralise_markdown(shown)


def test_rows_are_counted_without_their_headers() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    assert count_rows(f"# T\n\n{table}\n\ntext\n\n{table}") == 4
    assert count_rows("```\n| no | row |\n```\n\na sentence | with a bar") == 0
