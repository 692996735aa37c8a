"""The changes inside a passage: words, numbers, dates and sums whole, with bounded work."""

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from enum import StrEnum
from itertools import accumulate, chain, zip_longest
from typing import Final, NamedTuple

#: The most pairs of elements in one comparison of outputs: 0.1 to 0.2 s.
STEPS: Final = 1_000_000
#: The most words counted to pair passages: as long.
LIKENESS: Final = 3_000_000


@dataclass(slots=True)
class StepBudget:
    """The work left for one comparison; beyond it, texts count as changed as a whole."""

    letters: int
    steps: int = STEPS
    likeness: int = LIKENESS

    def affords(self, *texts: str) -> bool:
        """Take the length of these texts from the budget; return False once it is spent."""
        self.letters -= sum(map(len, texts))
        return self.letters >= 0


class Block(NamedTuple):
    """Elements from `start` to `end` in the old sequence, and their place in the new one."""

    same: bool
    start: int
    end: int
    new_start: int
    new_end: int


def align(old: Sequence[Hashable], new: Sequence[Hashable], budget: StepBudget) -> Iterator[Block]:
    """Yield the blocks that turn the old sequence into the new one, in order.

    This is SequenceMatcher's answer, whose time is cubic at worst: once the budget is spent, all
    the rest counts as changed.
    """
    numbers: dict[Hashable, int] = {}
    for kind, start, end, new_start, new_end in _Matcher(
        [numbers.setdefault(one, len(numbers)) for one in old],
        [numbers.setdefault(one, len(numbers)) for one in new],
        budget,
    ).get_opcodes():
        yield Block(kind == "equal", start, end, new_start, new_end)


class _Matcher(SequenceMatcher[int]):
    b2j: dict[int, list[int]]
    """SequenceMatcher documents `b2j`, but the stubs lack it."""

    def __init__(self, old: list[int], new: list[int], budget: StepBudget) -> None:
        # Frequent elements anchor nothing in long sequences (autojunk): that saves most.
        super().__init__(None, old, new)
        self._budget = budget
        places = self.b2j
        self._costs = [0, *accumulate(1 + len(places.get(one, ())) for one in old)]

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        """Return the longest common stretch; an empty one if the search costs more than is left."""
        end = len(self._costs) - 1 if ahi is None else ahi
        self._budget.steps -= self._costs[end] - self._costs[alo]
        if self._budget.steps < 0:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)


WORDS_COMPARED: Final = 1_500
"""A longer passage counts as changed as a whole."""
#: Passages with less than this in common are shown one after the other.
LEAST_IN_COMMON: Final = 0.3
CELLS_BETWEEN: Final = " | "
#: The length of a word that only splits the change around it.
_ISLAND: Final = 3

# Scripts without spaces between words: each character is a word.
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = "—…。、，！？：；「」『』"
#: Characters that begin and end no word. All else beyond ASCII does: letters, accents, emoji, €.
_NO_LETTER = rf"\s!-/:-@\[-^`{{-~–“”‘’«»„‚·•{_MARKS}{_IDEOGRAPHS}"
#: The marks inside words, as in `e-mail`, `0.18`, `2024–2025`, `12:30` or an address.
_INSIDE = r"[!-+\--/:<-@\[-^`{}~–“”‘’«»„‚·•]"
_WORD: Final = re.compile(
    rf"(?P<word>(?:[-+$<>~#@]{{1,3}}(?=\.?[0-9]))?(?:\.(?=[0-9]))?"  # −5, $0.18, <3, .5
    rf"[^{_NO_LETTER}]+(?:(?:{_INSIDE}+|(?<=[0-9]),(?=[0-9]))[^{_NO_LETTER}]+)*%?"
    rf"|\S)(?P<space>\s*)"
)


class Kind(StrEnum):
    """The fate of some words."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Segment:
    """Some words in a row, and their fate."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word, and the space after it, which comparisons ignore."""

    text: str
    space: str

    def __str__(self) -> str:
        return self.text + self.space


def words_of(text: str) -> list[Word]:
    return [Word(match["word"], match["space"]) for match in _WORD.finditer(text)]


def compare_words(before: str | None, after: str | None, budget: StepBudget) -> tuple[Segment, ...]:
    """Return the changes from one text's words to another's; None is a missing text.

    The unchanged and added segments make up `after`; the unchanged and removed ones make up
    `before`, except for its spaces.
    """
    if before is None or after is None or not budget.affords(before, after):
        return _one_after_the_other(before, after)
    old, new = words_of(before), words_of(after)
    if max(len(old), len(new)) > WORDS_COMPARED:
        return _one_after_the_other(before, after)
    blocks = list(align([word.text for word in old], [word.text for word in new], budget))
    kept = sum(_letters(old[block.start : block.end]) for block in blocks if block.same)
    if kept < LEAST_IN_COMMON * max(_letters(old), _letters(new)):
        return _one_after_the_other(before, after)
    return _as_segments(_without_islands(blocks, old), old, new)


def compare_cells(
    before: Sequence[str], after: Sequence[str], budget: StepBudget
) -> tuple[Segment, ...]:
    cells: list[tuple[Segment, ...]] = []
    if len(before) == len(after):
        cells = [compare_words(*pair, budget) for pair in zip(before, after, strict=True)]
    else:
        for block in align(before, after, budget):
            pairs = zip_longest(
                before[block.start : block.end], after[block.new_start : block.new_end]
            )
            cells += [compare_words(*pair, budget) for pair in pairs]
    between = (Segment(Kind.SAME, CELLS_BETWEEN),)
    return tuple(chain.from_iterable([cells[0], *(between + cell for cell in cells[1:])]))


def _letters(words: Sequence[Word]) -> int:
    return sum(len(word.text) for word in words)


def _without_islands(blocks: list[Block], old: list[Word]) -> list[Block]:
    """Merge a short unchanged word into the changes on both sides, for it only splits them."""
    made: list[Block] = []
    for at, block in enumerate(blocks):
        is_island = (
            block.same
            and 0 < at < len(blocks) - 1
            and block.end - block.start == 1
            and len(old[block.start].text) <= _ISLAND
        )
        changed = is_island or not block.same
        if changed and made and not made[-1].same:
            last = made[-1]
            made[-1] = last._replace(end=block.end, new_end=block.new_end)
        else:
            made.append(block._replace(same=not changed))
    return made


def _as_segments(blocks: list[Block], old: list[Word], new: list[Word]) -> tuple[Segment, ...]:
    made: list[Segment] = []
    for block in blocks:
        gone, came = old[block.start : block.end], new[block.new_start : block.new_end]
        if block.same:
            pairs = zip(gone, came, strict=True)
            text = "".join(word.text + (word.space or before.space) for before, word in pairs)
            made.append(Segment(Kind.SAME, text))
            continue
        if gone:
            made.append(Segment(Kind.REMOVED, "".join(map(str, gone))))
        if came:
            made.append(Segment(Kind.ADDED, "".join(map(str, came))))
    return tuple(made)


def _one_after_the_other(before: str | None, after: str | None) -> tuple[Segment, ...]:
    both = ((Kind.REMOVED, before), (Kind.ADDED, after))
    return tuple(Segment(kind, text) for kind, text in both if text is not None)
