"""Comparing costs little, however the two outputs are made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial

import pytest

from bot.domain.changes import Changes, Hunk, Kind, compare, measure
from bot.domain.json_leaves import LEAVES_COMPARED, PATH_SHOWN
from bot.domain.notification import Format, Output
from tests.worst_cases import LARGEST, MEMORY, SECONDS, memory, seconds


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

    assert seconds(partial(compare, before, after)) < SECONDS
    assert seconds(partial(measure, before, after)) < SECONDS
    assert compare(before, after)


@pytest.mark.parametrize(
    "name",
    [
        "text: short lines",
        "text: short words",
        "JSON: numbers",
        "JSON: many keys",
        "JSON: many leaves below many keys",
    ],
)
def test_any_two_outputs_are_compared_in_bounded_memory(name: str) -> None:
    format_, pair = PAIRS[name]
    before, after = (Output(one, format_) for one in pair())

    assert memory(partial(compare, before, after)) < MEMORY / 2


def by_key(before: object, after: object) -> Changes:
    return compare(Output(json.dumps(before), Format.JSON), Output(json.dumps(after), Format.JSON))


def test_a_long_path_is_shown_by_its_end() -> None:
    [part] = by_key(deep(40, "key" * 10, {"last": 1}), deep(40, "key" * 10, {"last": 2})).parts
    assert isinstance(part, Hunk)
    assert part.key.startswith("…")
    assert part.key.endswith("key.last")
    assert len(part.key) == PATH_SHOWN + 1


def test_places_are_told_apart_though_their_paths_read_alike() -> None:
    changes = by_key({"a.b": 1, "a": {"b": 2}}, {"a.b": 1, "a": {"b": 3}})
    assert (changes.added, changes.removed) == (1, 1)


def test_json_with_too_many_leaves_is_compared_by_line() -> None:
    numbers = list(range(LEAVES_COMPARED + 1))
    before = json.dumps(numbers, indent=2)
    after = before.replace("\n  7,", "\n  8,")
    changes = compare(Output(before, Format.JSON), Output(after, Format.JSON))
    assert not changes.by_key
    assert (changes.added, changes.removed) == (1, 1)


def test_what_is_beyond_the_budget_counts_as_changed_and_nothing_is_lost() -> None:
    before, after = TEXTS["many hunks of words in another order"]()
    parts = [
        part for part in compare(Output(before), Output(after)).parts if isinstance(part, Hunk)
    ]
    for kind, whole in ((Kind.REMOVED, before), (Kind.ADDED, after)):
        words = "".join(
            segment.text
            for part in parts
            for segment in part.segments
            if segment.kind in {Kind.SAME, kind}
        )
        assert sorted(words.replace("\n", "")) == sorted(whole.replace("\n", ""))


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("", "", (0, 0)),
        ("", "a", (1, 0)),
        ("a", "", (0, 1)),
        ("a\n", "a", (0, 0)),
        ("a\r\nb", "a\nb", (0, 0)),
        ("a\nb", "b", (0, 1)),
        ("b", "a\nb", (1, 0)),
        ("xb\nc", "b\nc", (1, 1)),
        ("a\nb\nc", "a\nxb\nc", (1, 1)),
        ("a\na\na", "a\na", (0, 1)),
        ("ab\nb", "ab", (0, 1)),
    ],
)
def test_lines_are_counted_whole(before: str, after: str, counts: tuple[int, int]) -> None:
    changes = compare(Output(before), Output(after))
    assert (changes.added, changes.removed) == counts
