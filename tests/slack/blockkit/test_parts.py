"""Everything of a text that is no white space and no syntax is drawn, in order, as it stands."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crewgate.slack.blockkit.excerpts import preview
from crewgate.slack.blockkit.parts import Part, PartKind, drawn_blocks, parts_of
from crewgate.slack.blockkit.passages import passages_of
from crewgate.slack.blockkit.rich_text import rich_text
from crewgate.slack.blockkit.text import clean
from tests.repo.files import ROOT
from tests.slack.rendering import NASTY, shown
from tests.worst_cases import SECONDS, SWEPT, seconds

HIDDEN = "wire 90,000 EUR to ACC-666"
SYNTAX = frozenset(" \t\n#*_~`|-+>=:[](){}<>!\\\"'.")
"""The characters that Markdown may take as its own; everything else is always drawn."""


def drawn(part: Part) -> str:
    runs = [*part.runs, *(run for cell in part.cells for run in cell)]
    own = "".join(run.text for run in runs if not run.is_added)
    return part.number + part.info + own


def is_in(words: str, text: str) -> bool:
    """Return True if all these characters stand in the text, in order."""
    rest = iter(text)
    return all(char in rest for char in words)


def with_numbers(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        if block.get("style") == "ordered":
            yield f"{block.get('offset', 0) + 1}."
        yield from with_numbers(block.get("elements", []))
        if block["type"] == "text":
            yield block["text"]


def words_of(text: str) -> str:
    return "".join(char for char in text if char not in SYNTAX and not char.isspace())


@pytest.mark.parametrize(
    "text",
    [
        f"| Item | Price |\n|---|---|\n| Paper | 10 EUR | {HIDDEN} |\n| Pens | 5 EUR |",
        f"| Item | Price |\n|---|---|\n| Paper | `10 | {HIDDEN}` |",
        f"See [the report](https://a.example '{HIDDEN}').",
        f"![the report](https://a.example ({HIDDEN}))",
        f"{'- ' * 25}{HIDDEN}",
        f"{'>' * 45} {HIDDEN}",
        f"```{HIDDEN}\nx = 1\n```",
        f"[ref]: https://a.example '{HIDDEN}'",
        f"<!-- {HIDDEN} -->",
    ],
)
def test_what_a_parser_of_markdown_drops_is_drawn(text: str) -> None:
    assert HIDDEN in "".join(map(drawn, parts_of(text)))
    assert HIDDEN in shown(rich_text(text))
    assert HIDDEN in " ".join(one.text for one in passages_of(text))
    assert HIDDEN in preview(text, is_json=False, characters=len(text), limit=400).words


@pytest.mark.parametrize("text", ["2*3*4", "9*0*00", "9***0***00", "a**b**~~c~~d", "x*y `z`*w*1"])
def test_marks_inside_a_word_are_drawn(text: str) -> None:
    [part] = parts_of(text)
    assert "*" in part.text


@pytest.mark.parametrize("numbers", [("15.", "30."), ("1.", "1."), ("007)", "8)"), ("0.", "1.")])
def test_an_item_has_the_number_that_was_written(numbers: tuple[str, str]) -> None:
    first, second = numbers
    assert [part.number for part in parts_of(f"{first} one\n{second} two")] == [first, second]


def test_a_mark_of_a_quotation_is_syntax_on_each_of_its_lines() -> None:
    text = "> | a | b |\n> |---|:-:|\n> | -5 | > x |\n>\n> `c\n> d` e\n> > f\nlazy\n"
    assert [drawn(part) for part in parts_of(text)] == ["ab", "-5> x", "c d e", "flazy"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(NASTY) | st.from_regex(r"[a-z0-9]{1,3} ?"), max_size=40))
@example(["[a](b 'c')", "1. ", "- - ", "x"])
def test_nothing_that_was_written_is_left_out(made: list[str]) -> None:
    text = clean("".join(made))
    words = words_of(text)
    assert words_of("".join(map(drawn, parts_of(text)))) == words
    assert is_in(words, "".join(with_numbers(rich_text(text))))
    lines = " ".join(f"{one.text} " for one in passages_of(text))
    assert is_in(words, lines)
    assert is_in(words, preview(text, is_json=False, characters=len(text), limit=4_000).words)


def test_a_block_is_drawn_as_written_alone() -> None:
    text = "**a**\n\n| x |\n|---|\n| 1 | 2 |\n\n**b**"
    blocks = list(drawn_blocks(text))
    kinds = [part.kind for block in blocks for part in block.parts]
    assert kinds == [PartKind.PARAGRAPH, PartKind.WRITTEN, PartKind.PARAGRAPH]
    assert [block.is_plain for block in blocks] == [True, False, True]


@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", "> - "])
def test_a_block_that_other_renderers_may_cut_at_its_depth_is_not_plain(mark: str) -> None:
    """markdown-it drops what stands 20 levels deep, unless it is told otherwise."""
    plain = [block.is_plain for depth in (3, 24) for block in drawn_blocks(mark * depth + "x")]
    assert plain == [True, False]


OUTPUTS = (ROOT / "tests/data/model_outputs.txt").read_text(encoding="utf-8").split("%%\n")


def test_of_a_hundred_outputs_as_models_write_them_at_most_two_blocks_are_drawn_as_written() -> (
    None
):
    parts = [part for text in OUTPUTS for part in parts_of(clean(text))]
    assert len(OUTPUTS) == 100
    assert sum(part.kind is PartKind.WRITTEN for part in parts) <= 2
    for text in OUTPUTS:
        assert is_in(words_of(text), "".join(with_numbers(rich_text(text)))), text


@pytest.mark.parametrize("text", ["> - a\n>   1. b\n> > *c*\n", "**a** `b` [c](d)\n\n", "|a|b|\n"])
def test_a_text_is_held_against_its_drawing_in_bounded_time(text: str) -> None:
    assert seconds(partial(parts_of, text * (SWEPT // len(text)))) < SECONDS
