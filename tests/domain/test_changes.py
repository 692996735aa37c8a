"""The changes between two outputs, passage by passage or by key."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.changes import (
    LEAVES_COMPARED,
    Changes,
    Fate,
    Hunk,
    Kind,
    Passage,
    PassageKind,
    Unchanged,
    compare,
    compare_json,
)

HEADER = ("Maker", "Price")


def prose(*texts: str, kind: PassageKind = PassageKind.PARAGRAPH) -> list[Passage]:
    return [Passage(kind=kind, text=text) for text in texts]


def code(*lines: str) -> list[Passage]:
    return prose(*lines, kind=PassageKind.CODE)


def rows(*found: tuple[str, ...], header: tuple[str, ...] = HEADER) -> list[Passage]:
    table = " | ".join(header)
    first = Passage(kind=PassageKind.HEADER, text=table, cells=header)
    return [
        first,
        *(
            Passage(kind=PassageKind.ROW, text=" | ".join(cells), cells=cells, table=table)
            for cells in found
        ),
    ]


def by_key(before: object, after: object) -> Changes:
    changes = compare_json(json.dumps(before), json.dumps(after))
    assert changes is not None
    return changes


def fates(changes: Changes) -> list[tuple[Fate, str]]:
    return [(one.fate, one.passage.text) for one in changes.parts if isinstance(one, Hunk)]


def test_a_passage_changed_inside() -> None:
    changes = compare(prose("Intro.", "The cat sat here."), prose("Intro.", "The dog sat here."))

    assert changes.amounts == {(PassageKind.PARAGRAPH, Fate.CHANGED): 1}
    unchanged, hunk = changes.parts
    assert unchanged == Unchanged(1, tuple(prose("Intro.")))
    assert isinstance(hunk, Hunk)
    assert [(one.kind, one.text) for one in hunk.segments] == [
        (Kind.SAME, "The "),
        (Kind.REMOVED, "cat "),
        (Kind.ADDED, "dog "),
        (Kind.SAME, "sat here."),
    ]


def test_passages_that_have_little_in_common_came_and_went() -> None:
    changes = compare(prose("one two three"), prose("vier fünf sechs"))
    assert fates(changes) == [(Fate.ADDED, "vier fünf sechs"), (Fate.REMOVED, "one two three")]


def test_a_passage_finds_the_one_it_came_of_among_several() -> None:
    before = prose("The fee is two percent a year.", "Notice is three months to a quarter's end.")
    after = prose(
        "A new beginning.",
        "The fee is nine percent a year.",
        "Another sentence.",
        "Notice is six months to a quarter's end.",
    )
    assert fates(compare(before, after)) == [
        (Fate.ADDED, "A new beginning."),
        (Fate.CHANGED, "The fee is nine percent a year."),
        (Fate.ADDED, "Another sentence."),
        (Fate.CHANGED, "Notice is six months to a quarter's end."),
    ]
    back = compare(after, before)
    assert [fate for fate, _ in fates(back)] == [
        *(Fate.REMOVED, Fate.CHANGED, Fate.REMOVED, Fate.CHANGED)
    ]


def test_what_only_stands_elsewhere_has_moved() -> None:
    changes = compare(prose("a b", "c d", "e f", "g h"), prose("g h", "a b", "c d", "e f"))
    assert fates(changes) == [(Fate.MOVED, "g h")]
    assert changes.amounts == {(PassageKind.PARAGRAPH, Fate.MOVED): 1}
    # The same bracket somewhere else in a program is another bracket.
    moved = compare(code("}", "a", "b", "c"), code("a", "b", "c", "}"))
    assert [fate for fate, _ in fates(moved)] == [Fate.REMOVED, Fate.ADDED]


def test_the_same_words_in_another_form_have_not_changed() -> None:
    before = [
        Passage(kind=PassageKind.PARAGRAPH, text="Risks"),
        Passage(kind=PassageKind.ITEM, text="One  thing"),
    ]
    after = [
        Passage(kind=PassageKind.HEADING, text="Risks"),
        Passage(kind=PassageKind.PARAGRAPH, text="One thing"),
    ]
    assert not compare(before, after)
    assert compare(code("a  b"), code("a b"))
    assert compare(code("a b"), prose("a b"))


def test_rows_are_known_by_their_first_cell() -> None:
    before = rows(("Alpha", "0.18"), ("Beta", "0.22"), ("Gamma", "0.31"))
    after = rows(("Gamma", "0.30"), ("Alpha", "0.09"), ("Delta", "0.31"))

    changes = compare(before, after)

    assert fates(changes) == [
        (Fate.REMOVED, "Beta | 0.22"),
        (Fate.CHANGED, "Gamma | 0.30"),
        (Fate.CHANGED, "Alpha | 0.09"),
        (Fate.ADDED, "Delta | 0.31"),
    ]
    assert changes.amounts == {
        (PassageKind.ROW, Fate.CHANGED): 2,
        (PassageKind.ROW, Fate.ADDED): 1,
        (PassageKind.ROW, Fate.REMOVED): 1,
    }


def test_a_row_that_changed_and_moved_has_changed_and_one_that_only_moved_has_moved() -> None:
    before = rows(("Alpha", "1"), ("Beta", "2"), ("Gamma", "3"), ("Total", "6"))
    after = rows(("Gamma", "4"), ("Alpha", "1"), ("Beta", "2"), ("Total", "6"))
    assert fates(compare(before, after)) == [(Fate.CHANGED, "Gamma | 4")]
    moved = rows(("Gamma", "3"), ("Alpha", "1"), ("Beta", "2"), ("Total", "6"))
    assert fates(compare(before, moved)) == [(Fate.MOVED, "Gamma | 3")]


def test_rows_of_two_tables_are_not_mixed_up_and_a_new_column_changes_every_row() -> None:
    costs = rows(("Total", "1"), header=("Costs", "EUR"))
    gains = rows(("Total", "2"), header=("Gains", "EUR"))
    changes = compare([*costs, *prose("Between.")], [*prose("Between."), *gains])
    assert all(fate is not Fate.CHANGED for fate, _ in fates(changes))

    wider = rows(("Total", "1", "p. 3"), header=("Costs", "EUR", "Source"))
    assert [fate for fate, _ in fates(compare(costs, wider))] == [Fate.CHANGED, Fate.CHANGED]


def test_the_same_first_cell_twice_means_the_first_and_the_second_row() -> None:
    before = rows(("", "1 of a"), ("", "2 of b"))
    after = rows(("", "3 of a"), ("", "4 of b"))
    changes = compare(before, after)
    assert fates(changes) == [(Fate.CHANGED, " | 3 of a"), (Fate.CHANGED, " | 4 of b")]


def test_few_unchanged_passages_are_kept_and_many_counted_with_their_last_heading() -> None:
    kept = [
        *prose("a", "b"),
        *prose("Costs", "Gains", kind=PassageKind.HEADING),
        *prose("c", "d"),
    ]
    changes = compare([*kept, *prose("old one")], [*kept, *prose("new one"), *prose("e")])
    assert changes.parts[0] == Unchanged(6, heading=kept[3])
    changes = compare(prose("x", "a", "b"), prose("y", "a", "b"))
    assert changes.parts[-1] == Unchanged(2, tuple(prose("a", "b")))


def test_the_same_passages_have_no_changes() -> None:
    changes = compare(prose("a", "b", "c"), prose("a", "b", "c"))
    assert not changes
    assert changes.parts == (Unchanged(3),)


def test_how_much_changed_is_measured_without_the_words() -> None:
    before = [*prose("The cat sat here.", "x", "y"), *rows(("Alpha", "1"))]
    after = [*prose("The dog sat here.", "y", "z"), *rows(("Alpha", "2"))]
    quick = compare(before, after, with_words=False)
    assert quick.amounts == compare(before, after).amounts
    assert quick.parts == ()


def test_passages_are_compared_by_words_until_it_takes_too_long() -> None:
    line = "word " * 1_400
    before = prose(*(f"{line} a{number}" for number in range(8)))
    after = prose(*(f"{line} b{number}" for number in range(8)))
    hunks = [one for one in compare(before, after).parts if isinstance(one, Hunk)]
    assert [one.kind for one in hunks[-1].segments] == [Kind.REMOVED, Kind.ADDED]
    assert len(hunks[0].segments) > len(hunks[-1].segments)


# --- JSON ---


def test_json_is_compared_by_key() -> None:
    changes = by_key(
        {"a": {"b": "x"}, "c": [1, {"d": 2}], "gone": None, "e": {}},
        {"a": {"b": "y"}, "c": [1, {"d": 2}], "new": True, "e": {}},
    )

    assert changes.amounts == {
        (PassageKind.VALUE, Fate.CHANGED): 1,
        (PassageKind.VALUE, Fate.ADDED): 1,
        (PassageKind.VALUE, Fate.REMOVED): 1,
    }
    assert [one.passage.key for one in changes.parts if isinstance(one, Hunk)] == [
        "a.b",
        "new",
        "gone",
    ]
    assert [one.count for one in changes.parts if isinstance(one, Unchanged)] == [2, 1]


def test_a_number_in_json_is_replaced_whole() -> None:
    [part] = by_key({"fee": 0.18}, {"fee": 0.09}).parts
    assert isinstance(part, Hunk)
    assert [(one.kind, one.text) for one in part.segments] == [
        (Kind.REMOVED, "0.18"),
        (Kind.ADDED, "0.09"),
    ]


def test_json_that_ends_unchanged_or_is_one_value() -> None:
    assert by_key({"a": 1, "b": 2}, {"a": 2, "b": 2}).parts[-1] == Unchanged(1)
    [part] = by_key("one", "two").parts
    assert isinstance(part, Hunk)
    assert part.passage.key == "the whole"


@pytest.mark.parametrize(("before", "after"), [("{", "{}"), ("{}", "{")])
def test_what_only_claims_to_be_json_is_not_compared_by_key(before: str, after: str) -> None:
    assert compare_json(before, after) is None


def test_json_of_more_leaves_than_are_compared_is_not_compared_by_key() -> None:
    most = json.dumps([0] * LEAVES_COMPARED)
    more = json.dumps([0] * (LEAVES_COMPARED + 1))
    assert compare_json(most, most) == Changes({}, (Unchanged(LEAVES_COMPARED),))
    assert compare_json(most, more) is None
    assert compare_json(more, most) is None


# --- whatever they are ---

passages = st.lists(
    st.sampled_from(
        [
            *prose("The fee is 0.18 EUR.", "The fee is 0.09 EUR.", "Another thing.", "x"),
            *prose("The fee", "Costs", kind=PassageKind.HEADING),
            *code("a = 1", "a = 2", "}"),
            *rows(("Alpha", "1"), ("Alpha", "2"), ("Beta", "1"), ("", "")),
        ]
    ),
    max_size=12,
)


@settings(max_examples=300)
@given(passages, passages)
def test_no_passage_is_lost_and_none_is_made_up(old: list[Passage], new: list[Passage]) -> None:
    """All new passages are shown, and as many old passages are shown as removed."""
    changes = compare(old, new)

    hunks = [one for one in changes.parts if isinstance(one, Hunk)]
    counted = sum(one.count for one in changes.parts if isinstance(one, Unchanged))
    is_there = [one for one in hunks if one.fate is not Fate.REMOVED]
    was_there = [one for one in hunks if one.fate is not Fate.ADDED]
    assert len(is_there) + counted == len(new)
    assert len(was_there) + counted == len(old)
    assert sum(changes.amounts.values()) == len(hunks)
    for one in hunks:
        read = {
            kind: "".join(part.text for part in one.segments if part.kind in {Kind.SAME, kind})
            for kind in (Kind.ADDED, Kind.REMOVED)
        }
        where = old if one.fate is Fate.REMOVED else new
        kind = Kind.REMOVED if one.fate is Fate.REMOVED else Kind.ADDED
        assert read[kind].split() in [passage.text.split() for passage in where]
        if one.fate is Fate.CHANGED:
            assert "".join(read[Kind.REMOVED].split()) in {"".join(p.text.split()) for p in old}
