"""Comparing costs little, however the two outputs are made."""

import hashlib
import json
from collections.abc import Callable
from functools import partial

import pytest
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.token import Token

from crewgate.domain.changes import (
    LEAVES_COMPARED,
    PATH_SHOWN,
    Changes,
    Fate,
    Hunk,
    Kind,
    PassageKind,
    Unchanged,
)
from crewgate.domain.notification import Format, Output
from crewgate.slack.reviews.changes import LINES_COMPARED, compare_outputs
from tests.worst_cases import LARGEST, MEMORY, SECONDS, memory, timed


def shuffled(words: list[str], between: str, seed: int) -> str:
    """The same words in another order: whatever is common crosses what else is."""
    places = sorted(
        range(len(words)), key=lambda at: hashlib.sha256(b"%d %d" % (seed, at)).digest()
    )
    return between.join(words[at] for at in places)


def lines(count: int, distinct: int) -> list[str]:
    return [f"{number % distinct:x}" for number in range(count)]


def deep(levels: int, key: str, core: object) -> object:
    for _ in range(levels):
        core = {key: core}
    return core


Pair = tuple[str, str]

TEXTS: dict[str, Callable[[], Pair]] = {
    "the longest": lambda: ("a" * LARGEST, "b" * LARGEST),
    "line ends": lambda: ("\n" * LARGEST, "\n" * (LARGEST - 1) + "x"),
    "other line ends": lambda: ("\r" * LARGEST, "\r" * (LARGEST - 1) + "x"),
    "short lines": lambda: ("a\n" * (LARGEST // 2), "b\n" * (LARGEST // 2)),
    "short words": lambda: ("a b " * (LARGEST // 4), "a c " * (LARGEST // 4)),
    "the same but for the ends": lambda: ("x" + "a\n" * 500_000 + "x", "y" + "a\n" * 500_000 + "y"),
    "lines in another order": lambda: (
        shuffled(lines(2_000, 95), "\n", 1),
        shuffled(lines(2_000, 95), "\n", 2),
    ),
    "lines that are all alike in another order": lambda: (
        shuffled(lines(199, 2), "\n", 1),
        shuffled(lines(199, 2), "\n", 2),
    ),
    "words in another order": lambda: (
        shuffled(lines(750, 71), " ", 1),
        shuffled(lines(750, 71), " ", 2),
    ),
    "many hunks of words in another order": lambda: (
        "\n".join(f"{shuffled(lines(99, 2), ' ', one)}\n== {one}" for one in range(150)),
        "\n".join(f"{shuffled(lines(99, 2), ' ', -one)}\n== {one}" for one in range(150)),
    ),
    "long lines in another order": lambda: (
        shuffled([f"{one}{'x' * 1_000}" for one in range(1_000)], "\n", 1),
        shuffled([f"{one}{'x' * 1_000}" for one in range(1_000)], "\n", 2),
    ),
}


def reworded(count: int, length: int, seed: int) -> str:
    """So many paragraphs of so many words, a few of which differ by the seed."""
    return "\n\n".join(
        " ".join(f"w{(number * place + seed * (place % 9 == 0)) % 997}" for place in range(length))
        for number in range(count)
    )


def table(count: int, value: str) -> str:
    return "| name | value | note |\n|-|-|-|\n" + "".join(
        f"| row {number} | {value}{number} | same |\n" for number in range(count)
    )


TEXTS |= {
    "paragraphs reworded": lambda: (reworded(200, 60, 1), reworded(200, 60, 2)),
    "more paragraphs than are paired": lambda: (reworded(2_000, 4, 1), reworded(2_000, 4, 2)),
    "passages that differ in one word each": lambda: (
        "\n\n".join(f"a{number}" for number in range(2_400)),
        "\n\n".join(f"b{number}" for number in range(2_400)),
    ),
    "a table": lambda: (table(1_000, "a"), table(1_000, "b")),
    "a long table": lambda: (table(4_900, "a"), table(4_900, "b")),
    "lists and marks": lambda: (
        "- **a** `b` [c](http://d) ~~e~~\n" * 4_900,
        "1. *f* \\* g\n" * 4_900,
    ),
    "brackets in long paragraphs": lambda: ("[" * 5_900 + "\n\n" + "*a_" * 1_900, "](" * 2_900),
    "many long paragraphs of marks": lambda: (
        ("*a_ " * 1_400 + "\n\n") * 180,
        ("`a`` b" * 900 + "\n\n") * 180,
    ),
}

JSON: dict[str, Callable[[], Pair]] = {
    "one long text": lambda: (json.dumps("a b " * 260_000), json.dumps("a c " * 260_000)),
    "many texts in another order": lambda: (
        json.dumps([shuffled(lines(99, 2), " ", one) for one in range(2_000)]),
        json.dumps([shuffled(lines(99, 2), " ", -one) for one in range(2_000)]),
    ),
    "many keys": lambda: (
        json.dumps({f"{number}": 1 for number in range(100_000)}),
        json.dumps({f"{number}": 2 for number in range(100_000)}),
    ),
    "as many keys as are compared": lambda: (
        json.dumps({f"{number}": "a b c" for number in range(LEAVES_COMPARED - 1)}),
        json.dumps({f"{number}": "a b d" for number in range(LEAVES_COMPARED - 1)}),
    ),
    "one long key": lambda: (
        json.dumps({"k" * (LARGEST - 100): 1}),
        json.dumps({"k" * (LARGEST - 100): 2}),
    ),
    "many leaves below a long key": lambda: (
        json.dumps({"k" * 1_000_000: [1] * 4_000}),
        json.dumps({"k" * 1_000_000: [2] * 4_000}),
    ),
    "many leaves below many keys": lambda: (
        json.dumps(deep(800, "k" * 1_000, [1] * 4_000)),
        json.dumps(deep(800, "k" * 1_000, [2] * 4_000)),
    ),
    "too deep": lambda: ("[" * LARGEST, "[" * (LARGEST - 1) + "]"),
    "a long number": lambda: ("1" * LARGEST, "2" * LARGEST),
    "numbers": lambda: ("[" + "1," * 500_000 + "1]", "[" + "2," * 500_000 + "2]"),
    "indented numbers": lambda: (json.dumps([1] * 4_000, indent=2), json.dumps([2] * 4_000)),
}

PAIRS = {
    **{f"text: {name}": (Format.MARKDOWN, pair) for name, pair in TEXTS.items()},
    **{f"JSON: {name}": (Format.JSON, pair) for name, pair in JSON.items()},
}


@pytest.mark.parametrize("name", PAIRS)
def test_any_two_outputs_are_compared_in_bounded_time(name: str) -> None:
    format_, pair = PAIRS[name]
    before, after = (Output(one, format_) for one in pair())

    took, changes = timed(partial(compare_outputs, before, after))
    assert took < SECONDS
    assert changes


@pytest.mark.parametrize(
    "name",
    [
        "text: short lines",
        "text: short words",
        "text: a table",
        "text: passages that differ in one word each",
        "JSON: numbers",
        "JSON: many keys",
        "JSON: many leaves below many keys",
    ],
)
def test_any_two_outputs_are_compared_in_bounded_memory(name: str) -> None:
    format_, pair = PAIRS[name]
    before, after = (Output(one, format_) for one in pair())

    assert memory(partial(compare_outputs, before, after)) < MEMORY / 2


MARKED = [
    f"Paragraph {number} with **bold** words, `code` and a [link](https://a.example)." * 3
    for number in range(LINES_COMPARED // 2 - 100)
]


@pytest.mark.parametrize("between", ["\n\n", "\n- ", " |\n| x | "])
def test_marks_are_read_of_changed_passages_and_those_beside_them_alone(
    between: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of the time of a comparison goes into reading marks."""
    changed = MARKED.copy()
    for place in (2, -2):
        changed[place] = changed[place].replace("bold", "other")
    table = "| No | Text |\n|---|---|\n| x | "
    before, after = (f"{table}{between.join(lines)}" for lines in (MARKED, changed))
    read: list[str] = []
    parse = ParserInline.parse

    def noted(
        self: ParserInline, src: str, md: MarkdownIt, env: dict[str, object], tokens: list[Token]
    ) -> list[Token]:
        read.append(src)
        return parse(self, src, md, env, tokens)

    monkeypatch.setattr(ParserInline, "parse", noted)

    changes = compare_outputs(Output(before), Output(after))

    assert sum(map(len, read)) < len(before) / 10
    assert [fate for _, fate in changes.amounts] == [Fate.CHANGED]
    hunks = [part for part in changes.parts if isinstance(part, Hunk)]
    assert len(hunks) == 2
    assert "**" not in "".join(segment.text for hunk in hunks for segment in hunk.segments)
    shown = [one for part in changes.parts if isinstance(part, Unchanged) for one in part.passages]
    assert "**" not in "".join(one.text for one in shown)


def test_of_a_long_text_too_it_is_known_that_the_formatting_alone_changed() -> None:
    before, after = ("\n\n".join([*MARKED, last, *MARKED[:9]]) for last in ("*so*", "so"))
    changes = compare_outputs(Output(before), Output(after))
    assert changes.reformatted
    assert not changes


def by_key(before: object, after: object) -> Changes:
    return compare_outputs(
        Output(json.dumps(before), Format.JSON), Output(json.dumps(after), Format.JSON)
    )


def test_a_long_path_is_shown_by_its_end() -> None:
    [part] = by_key(deep(40, "key" * 10, {"last": 1}), deep(40, "key" * 10, {"last": 2})).parts
    assert isinstance(part, Hunk)
    assert part.passage.key.startswith("…")
    assert part.passage.key.endswith("key.last")
    assert len(part.passage.key) == PATH_SHOWN + 1


def test_places_are_told_apart_though_their_paths_read_alike() -> None:
    changes = by_key({"a.b": 1, "a": {"b": 2}}, {"a.b": 1, "a": {"b": 3}})
    assert changes.amounts == {(PassageKind.VALUE, Fate.CHANGED): 1}


def test_json_with_too_many_leaves_is_compared_by_line() -> None:
    before = json.dumps(list(range(LEAVES_COMPARED - 2)) + [{}] * 3, indent=2)
    after = before.replace("\n  7,", "\n  8,")
    changes = compare_outputs(Output(before, Format.JSON), Output(after, Format.JSON))
    assert changes.amounts.keys() <= {(PassageKind.CODE, fate) for fate in Fate}
    assert len(fates_of(changes)) == 2 - (Fate.CHANGED in fates_of(changes))


def fates_of(changes: Changes) -> list[Fate]:
    return [part.fate for part in changes.parts if isinstance(part, Hunk)]


def test_what_is_beyond_the_budget_counts_as_changed_and_nothing_is_lost() -> None:
    before, after = TEXTS["many hunks of words in another order"]()
    parts = compare_outputs(Output(before), Output(after)).parts
    for kind, whole in ((Kind.REMOVED, before), (Kind.ADDED, after)):
        words = "".join(
            "".join(segment.text for segment in part.segments if segment.kind in {Kind.SAME, kind})
            if isinstance(part, Hunk)
            else "".join(passage.text for passage in part.passages)
            for part in parts
        )
        assert sorted("".join(words.split())) == sorted("".join(whole.split()))


def test_of_long_texts_the_ends_in_common_are_left_aside() -> None:
    many = "".join(f"Sentence {number}.\n\n" for number in range(LINES_COMPARED))
    before = f"{many}The fee is 0.18 EUR.\n\n{many}"
    after = f"{many}The fee is 0.09 EUR.\n\n{many}"

    changes = compare_outputs(Output(before), Output(after))

    assert changes.amounts == {(PassageKind.PARAGRAPH, Fate.CHANGED): 1}
    first, hunk, *_ = changes.parts
    assert first == Unchanged(0)
    assert isinstance(hunk, Hunk)
    assert hunk.passage.text == "The fee is 0.09 EUR."
    assert changes.parts[-1] == Unchanged(0)


def test_what_is_left_aside_ends_before_a_fence_that_goes_on() -> None:
    many = "".join(f"a = {number}\n\n" for number in range(LINES_COMPARED))
    changes = compare_outputs(
        Output(f"Words.\n\n```\n{many}fee = *0.18*\n```\n"),
        Output(f"Words.\n\n```\n{many}fee = *0.09*\n```\n"),
    )
    assert changes.too_long
    changes = compare_outputs(
        Output(f"{many}```\n\nfee = *0.18*\n```\n"), Output(f"{many}```\n\nfee = *0.09*\n```\n")
    )
    assert changes.amounts == {(PassageKind.CODE, Fate.CHANGED): 1}


def test_texts_that_differ_in_too_much_stand_one_after_the_other() -> None:
    before, after = (
        "\n".join(f"{word} {number}" for number in range(LINES_COMPARED + 2))
        for word in ("old", "new")
    )
    changes = compare_outputs(Output(before), Output(after))
    assert changes
    assert changes.too_long
    assert fates_of(changes) == [Fate.REMOVED, Fate.ADDED]
    assert fates_of(compare_outputs(Output(""), Output(after))) == [Fate.ADDED]
