"""Markdown as rich text: within Slack's limits whatever was written, losing no word."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crewgate.slack.blockkit.rich_text import (
    RICH_TEXT_LIMIT,
    preformatted,
    quotation,
    rich_text,
)
from crewgate.slack.blockkit.text import utf16_length
from tests.slack.rendering import NASTY, mid_texts, shown


def leaves(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if "elements" in block:
            yield from leaves(block["elements"])
        else:
            yield block


@settings(max_examples=80)
@given(mid_texts)
@example("[a](https://b.example 'title') text")
@example("1. a\n\n   b\n2.\n")
@example("| a |\n|---|\n| b | c |\n")
def test_rich_text_is_within_the_limits_and_calls_nobody(markdown: str) -> None:
    for block in rich_text(markdown):
        assert sum(utf16_length(one["text"]) for one in leaves([block])) <= RICH_TEXT_LIMIT
        assert all(one["type"] == "text" and one["text"] for one in leaves([block]))


@settings(max_examples=80)
@given(st.lists(st.sampled_from(NASTY), max_size=40))
def test_rich_text_loses_no_word(made: list[str]) -> None:
    numbered = "".join(f"{one}w{number} " for number, one in enumerate(made))

    read = shown(rich_text(numbered))

    assert [f"w{number}" for number in range(len(made)) if f"w{number}" not in read] == []


MARKDOWN = """# Title

Some **bold**, *thin*, ~~gone~~ and `code` with a [link](https://a.example).

- one
  - two
    1. three
- [x] done
- [ ] open

3. third

| Vendor | Share |
|---|---|
| North | 41 % |

```python
print("x")
```

> said
"""


def test_markdown_as_an_llm_writes_it() -> None:
    [block] = rich_text(MARKDOWN)
    by_text = {one["text"]: one.get("style", {}) for one in leaves([block])}

    assert by_text["Title"] == {"bold": True}
    assert by_text["bold"] == {"bold": True}
    assert by_text["thin"] == {"italic": True}
    assert by_text["gone"] == {"strike": True}
    assert by_text["code"] == {"code": True}
    assert "https://a.example" in by_text
    assert "[x] done" in by_text
    assert "[ ] open" in by_text
    assert "Vendor | Share\n-------+------\nNorth  | 41 %" in by_text
    assert by_text["python"] == {"italic": True}
    lists = [one for one in block["elements"] if one["type"] == "rich_text_list"]
    assert [(one["style"], one["indent"]) for one in lists[:3]] == [
        ("bullet", 0),
        ("bullet", 1),
        ("bullet", 2),
    ]
    assert "1. " in by_text, "Slack numbers the items of inner lists with letters."
    assert lists[-1]["offset"] == 2
    assert {"rich_text_quote", "rich_text_preformatted"} <= {
        one["type"] for one in block["elements"]
    }


def test_a_table_that_is_too_wide_for_a_phone_is_shown_row_by_row() -> None:
    wide = (
        "| Clause | Risk | What it says |\n|---|---|---|\n"
        "| 5 | high | *Liability* ends after 3 months. |\n| 6 | low | |\n"
    )
    [block] = rich_text(wide)
    assert [[one["text"] for one in row["elements"]] for row in block["elements"]] == [
        ["\n", "Clause | Risk | What it says\n"],
        [
            "\n",
            "Clause: ",
            "5\n",
            "Risk: ",
            "high\n",
            "What it says: ",
            "Liability ends after 3 months.\n",
        ],
        ["\n", "Clause: ", "6\n", "Risk: ", "low\n", "What it says: ", "\n"],
    ]
    assert {one["text"] for one in leaves([block]) if one.get("style")} == {
        "Clause | Risk | What it says\n",
        "Clause: ",
        "Risk: ",
        "What it says: ",
    }


def test_names_of_columns_that_would_make_a_table_endless_are_not_repeated() -> None:
    table = f"| {'name ' * 20}|\n|---|\n" + "| x |\n" * 200
    [block, *_] = rich_text(table)
    assert block["elements"][0]["type"] == "rich_text_preformatted"


def test_nothing_is_nothing() -> None:
    assert rich_text("") == []
    assert preformatted("") == []


@pytest.mark.parametrize("before", ["", "> ", "- ", "**bold** and "])
def test_a_long_paragraph_is_broken_after_sentences(before: str) -> None:
    text = before + "This is a sentence with some words in it. " * 300
    blocks = rich_text(text)
    assert len(blocks) > 3
    for block in blocks:
        assert "".join(leaf["text"] for leaf in leaves([block])).rstrip().endswith(".")


def test_a_sentence_without_end_is_broken_after_words() -> None:
    [*found] = quotation("words " * 2_000)
    texts = [block["elements"][0]["elements"][0]["text"] for block in found]
    assert len(texts) > 3
    assert {word for text in texts for word in text.split()} == {"words"}
    assert quotation(" \n") == []
