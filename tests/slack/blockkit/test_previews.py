"""The beginning of an output in one line says nothing that was not written."""

import pytest

from crewgate.domain.caveats import WHOLE, Share
from crewgate.slack.blockkit.excerpts import Preview, preview


def found(text: str, *, read: int = 400, is_json: bool = False) -> Preview:
    """The preview of a text of which so many characters were read."""
    made = preview(text[:read], is_json=is_json, characters=len(text), limit=160)
    assert (made.share.percent == WHOLE) is not made.words.endswith("…") or not made.words
    assert made.share.shown <= len(made.words) or made.share.percent == WHOLE
    return made


def shown(text: str, *, read: int = 400, is_json: bool = False) -> str:
    return found(text, read=read, is_json=is_json).words


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# Findings\n\nThey *grow*.\n\n- a\n- b", "Findings · They grow. a · b"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nSo it is.", "a | b · 1 | 2 · So it is."),
        ("It is `x`:\n\n```python\nx = 1\n```", "It is x: python x = 1"),
        ("[The study](https://example.com/s)", "The study (https://example.com/s)"),
        ("---\n\n![x](y)", "x (y)"),
        ("Pay *it* ~~90~~ 100", "Pay it ~~90~~ 100"),
        ("  \n", ""),
    ],
)
def test_all_that_was_written_is_in_it_without_its_marks(text: str, says: str) -> None:
    assert shown(text) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": "b\\nc", "d": [1, true, "e"]}', "a: b c, d: 1, true, e"),
        ("{}", "{}"),
        (r'{"caf\u00e9": 1}', "caf : …"),
    ],
)
def test_json_is_its_keys_and_values(text: str, says: str) -> None:
    assert shown(text, is_json=True) == says


LIABILITY = "The supplier accepts liability only where the law leaves it no choice."


@pytest.mark.parametrize("read", range(22, len(LIABILITY)))
def test_what_was_cut_off_ends_with_a_whole_word_and_no_full_stop(read: int) -> None:
    words, _, ellipsis = shown(LIABILITY, read=read).rpartition(" ")
    assert ellipsis == "…"
    assert LIABILITY.startswith(f"{words} ")


@pytest.mark.parametrize("amount", ["60,000", "60 000", "60\u202f000", "60000"])
@pytest.mark.parametrize("is_json", [False, True])
def test_no_number_is_cut(amount: str, *, is_json: bool) -> None:
    whole = f'{{"We ask": "for {amount} euros"}}' if is_json else f"We ask for {amount} euros now."
    said = " ".join(amount.split())
    for read in range(10, len(whole) - 1):
        line = shown(whole, read=read, is_json=is_json)
        assert "6" not in line or f"for {said} euros" in line


def test_a_long_line_is_cut_between_words() -> None:
    line = shown("word " * 100)
    assert line == "word " * 31 + "word …"


@pytest.mark.parametrize(("text", "says"), [("报告" * 100, "报告" * 80 + "…"), ("1" * 300, "…")])
def test_without_spaces_it_is_cut_between_characters_of_no_number(text: str, says: str) -> None:
    assert shown(text) == says


TABLE = "| Term | Value |\n|---|---|\n" + "| Notice | 30 days |\n" * 40


def test_a_table_or_code_that_does_not_fit_is_left_out_whole_and_counted() -> None:
    text = f"Terms:\n\n{TABLE}\nThe supplier accepts liability.\n\n```\n{'x = 1;' * 30}\n```\n"
    made = found(text, read=2_000)
    assert made.words == "Terms: The supplier accepts liability. …"
    assert (made.rows, made.code_lines) == ((40,), 1)
    assert made.share == Share(len("Terms:"), len(text)), "The first words, up to the table."

    two = found(f"{TABLE}\n{TABLE}", read=4_000)
    assert (two.words, two.rows) == (" …", (40, 40))


def test_the_rows_of_a_table_whose_end_was_not_read_are_not_counted() -> None:
    assert found(f"Terms.\n\n{TABLE}\nEnd.", read=300).rows == (None,)


@pytest.mark.parametrize("text", ["", " \n", "---"])
def test_of_an_output_without_words_nothing_is_shown(text: str) -> None:
    assert found(text) == Preview("", Share(0, 0))


def test_a_block_drawn_as_written_counts_as_far_as_it_is_shown() -> None:
    text = f"| a |\n|---|\n| 1 | {'surplus words ' * 30}|"
    cut = found(text, read=2_000)
    assert cut.words.startswith("| a | |---| | 1 | surplus words")
    assert cut.share.of == len(text)
    assert 0 < cut.share.shown <= len(cut.words) < len(text)
    assert found("| a |\n|---|\n| 1 | 2 |").share.percent == WHOLE
