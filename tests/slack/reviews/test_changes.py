"""Changes as they are shown: marks that no output has itself, within Slack's limits."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.notification import Format, Output
from crewgate.domain.review import State
from crewgate.domain.verdict import Approve, Revise
from crewgate.slack.blockkit.blocks import Block, modal
from crewgate.slack.reviews.changes import LINES_COMPARED, amount, compare_outputs, render_changes
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, a_decision, a_round
from tests.slack.rendering import check_view, outputs, shown, strings

REVISED = a_round(State.RESUMED, decision=a_decision(Revise("Name the fee.")))
TABLE = "| Maker | Price |\n|---|---|\n| Alpha | 0.18 |\n| Beta | 0.22 |\n"
LEGEND = ":pencil2: changed: ~removed~ → *added*"


def changed(before: str, after: str, format_: Format = Format.MARKDOWN) -> list[Block]:
    view = CardView(
        round=a_round(number=2),
        output=Output(after, format_),
        previous=REVISED,
        before=Output(before, format_),
    )
    return list(render_changes(view))


def amount_of(before: str, after: str, format_: Format = Format.MARKDOWN) -> str:
    return amount(compare_outputs(Output(before, format_), Output(after, format_)))


def passages(blocks: list[Block]) -> list[str]:
    """Each passage with its signs and marks."""
    return [
        "".join(map(written, block["elements"][0]["elements"]))
        for block in blocks
        if block["type"] == "rich_text" and block["elements"][0]["type"] == "rich_text_section"
    ]


def written(leaf: Any) -> str:
    if leaf["type"] == "emoji":
        return f":{leaf['name']}:"
    style = leaf.get("style", {})
    text: str = f"`{leaf['text']}`" if style.get("code") else leaf["text"]
    if style.get("strike"):
        return f"~{text}~"
    if style.get("italic"):
        return f"_{text}_"
    return f"*{text}*" if style.get("bold") and style.get("underline") else text


def test_the_marks_are_explained_and_stand_at_what_changed() -> None:
    blocks = changed(
        "# Costs\n\nIt **fell** to 0.18 EUR in 2023.\n\n- one\n- two\n",
        "# Costs\n\nIt **fell** to 0.09 EUR in 2023.\n\n- two\n- three\n",
    )
    assert passages(blocks) == [
        f"{LEGEND} · :heavy_plus_sign: is new · :heavy_minus_sign: is gone",
        "_Costs_",
        ":pencil2: It fell to ~0.18~ → *0.09* EUR in 2023.",
        ":heavy_minus_sign: • ~one~",
        "• two",
        ":heavy_plus_sign: • three",
    ]


def test_rows_stand_below_the_header_of_their_table() -> None:
    many = "".join(f"| {name} | 1 |\n" for name in "abcdef")
    blocks = changed(TABLE + many, TABLE.replace("0.18", "0.09") + many.replace("f | 1", "f | 2"))
    assert passages(blocks)[1:] == [
        "_Maker | Price_",
        ":pencil2: Alpha | ~0.18~ → *0.09*",
        "_… 6 passages unchanged …_",
        "_Maker | Price_",
        ":pencil2: f | ~1~ → *2*",
    ]


def test_each_cell_of_a_new_row_of_a_wide_table_has_its_columns_name() -> None:
    wide = "| Maker | Share | Growth | Warranty | Remarks |\n|---|---|---|---|---|\n"
    row = "| B | {} % | – | – | new |\n"
    assert passages(changed(wide + row.format(4), wide + row.format(5)))[1:] == [
        "_Maker | Share | Growth | Warranty | Remarks_",
        ":pencil2: B | ~4~ → *5* % | – | – | new",
    ]
    assert passages(changed(wide, wide + row.format(5)))[-1] == (
        ":heavy_plus_sign: Maker: B | Share: 5 % | Growth: – | Warranty: – | Remarks: new"
    )


def test_words_that_are_gone_say_so_without_their_style() -> None:
    blocks = changed("It fell sharply in 2023.", "It fell in 2023.")
    assert passages(blocks)[-1] == ":pencil2: It fell ~sharply~ (gone) in 2023."


def test_what_moved_and_under_which_heading_it_stands() -> None:
    filler = "\n\n".join(f"Words {number}." for number in range(4))
    blocks = changed(f"First one.\n\n# Notes\n\n{filler}", f"# Notes\n\n{filler}\n\nFirst one.")
    assert passages(blocks) == [
        ":arrow_up_down: stands elsewhere",
        "_… 5 passages unchanged; below “Notes”:_",
        ":arrow_up_down: First one.",
    ]


def test_values_of_json_stand_at_their_keys() -> None:
    blocks = changed('{"a": {"b": 0.18}, "c": 1}', '{"a": {"b": 0.09}, "c": 1}', Format.JSON)
    assert passages(blocks)[1:] == [":pencil2: `a.b:` ~0.18~ → *0.09*", "_… 1 value unchanged …_"]


def test_code_keeps_its_type_and_long_neighbours_are_cut_at_a_word() -> None:
    neighbour = "word " * 100
    blocks = changed(f"{neighbour}\n\n```\nfee = 0.18\n```", f"{neighbour}\n\n```\nfee = 0.09\n```")
    _, kept, line = passages(blocks)
    assert kept.endswith("word …")
    assert len(kept) < 210
    assert line == ":pencil2: `fee =` ~`0.18`~ → `0.09`".replace("`0.09`", "*`0.09`*")


def test_long_passages_that_were_replaced_stand_below_each_other() -> None:
    before, after = "old " * 30, "new " * 30
    header = TABLE.replace("0.18", before.strip())
    blocks = changed(header, TABLE.replace("0.18", after.strip()))
    assert f"~{before.strip()}~ → *{after.strip()}*" in passages(blocks)[-2]
    blocks = changed(json.dumps({"a": before}), json.dumps({"a": after}), Format.JSON)
    assert f"~{before.strip()}~\n→ *{after.strip()}*" in passages(blocks)[-1]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("One thing.", "One thing.\n\nAnother.", "1 passage added"),
        ("a b c d", "a b c e", "1 passage changed"),
        (
            "a b c d\n\nf g h i\n\n" + TABLE,
            "a b c e\n\nf g h j\n\n" + TABLE + "| Gamma | 1 |",
            "2 passages changed, 1 row added",
        ),
        (
            "a b c d\n\nx\n\n" + TABLE,
            "a b c e\n\n" + TABLE.replace("Beta", "Gamma"),
            "1 passage changed, 1 removed; 1 row added, 1 removed",
        ),
        (
            TABLE,
            TABLE.replace("---|\n", "---|---|\n").replace(" |\n", " | x |\n"),
            "2 rows changed, 1 table header changed",
        ),
        ("```\na\n```", "```\na\nb\nc\n```", "2 lines of code added"),
    ],
)
def test_how_much_changed_is_said_in_passages_and_rows(before: str, after: str, said: str) -> None:
    assert amount_of(before, after) == said


def test_how_much_of_json_changed_is_said_in_values() -> None:
    said = amount_of('{"a": 1, "b": 1, "c": 1}', '{"a": 2, "b": 2}', Format.JSON)
    assert said == "2 values changed, 1 removed"


def test_what_is_not_there_to_compare_or_did_not_change_is_said() -> None:
    first = CardView(round=a_round(), output=Output("x"))
    assert "first round" in shown(list(render_changes(first)))
    unreadable = CardView(round=a_round(number=2), output=Output("x"))
    assert "may not read the round before" in shown(list(render_changes(unreadable)))
    assert "although a revision was asked for" in shown(changed("Same.", "Same."))
    approved = a_round(State.RESUMED, decision=a_decision(Approve()))
    view = CardView(
        round=a_round(number=2), output=Output("Same."), previous=approved, before=Output("Same.")
    )
    assert "although" not in shown(list(render_changes(view)))
    assert "Only the formatting" in shown(changed("Some *words*", "Some **words**"))


def test_what_nobody_asked_for_is_said_with_what_was_asked_before() -> None:
    replaced = a_round(State.SUPERSEDED, number=2)
    view = CardView(
        round=a_round(number=3),
        output=Output("new"),
        previous=replaced,
        before=Output("old"),
        decided_before=REVISED,
    )
    said = shown(list(render_changes(view)))
    assert "Nobody decided round 2" in said
    assert "Name the fee." in said


def test_texts_that_differ_in_too_much_stand_one_after_the_other() -> None:
    before, after = ("\n".join(f"{word} {n}" for n in range(LINES_COMPARED + 2)) for word in "ab")
    blocks = changed(before, after)
    assert "as a whole" in shown(blocks[:3])
    assert "much of it changed" in amount_of(before, after)
    read = "".join(strings([block["elements"] for block in blocks if "elements" in block]))
    assert "a 5001" in read
    assert "b 5001" in read


@settings(max_examples=60)
@given(outputs, outputs, st.booleans())
def test_no_change_is_beyond_the_limits(before: Output, after: Output, nothing: bool) -> None:
    view = CardView(
        round=a_round(number=2),
        output=after,
        previous=REVISED,
        before=Output("") if nothing else before,
    )
    blocks = list(render_changes(view))
    for at in range(0, len(blocks), 80):
        made = modal("Changes", blocks[at : at + 80])
        check_view(made, may_mention=frozenset({f"@{ANA.id}"}))
