"""What two sequences have in common, found with bounded work."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import Final, NamedTuple

#: Pairs of elements looked at in one comparison of outputs: a tenth of a second or two.
STEPS: Final = 1_000_000
#: Words counted in one comparison to find which passage became which: as long.
LIKENESS: Final = 3_000_000


@dataclass(slots=True)
class StepBudget:
    """What one comparison may still cost; what is too expensive counts as changed as a whole."""

    letters: int
    steps: int = STEPS
    likeness: int = LIKENESS

    def affords(self, *texts: str) -> bool:
        """Take the letters of some texts from the budget; False once they are more than it has."""
        self.letters -= sum(map(len, texts))
        return self.letters >= 0


class Block(NamedTuple):
    """Elements from `start` to `end` in the old sequence, and what stands for them in the new."""

    same: bool
    start: int
    end: int
    new_start: int
    new_end: int


def align(old: Sequence[Hashable], new: Sequence[Hashable], budget: StepBudget) -> Iterator[Block]:
    """How the new sequence comes of the old, in order.

    SequenceMatcher's answer. Its time is cubic at worst: where the budget ends, nothing more
    is found to be the same.
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
    """Where each element is in the new sequence; documented, yet unknown to the type checker."""

    def __init__(self, old: list[int], new: list[int], budget: StepBudget) -> None:
        # Frequent elements anchor nothing in long sequences (autojunk): that saves most.
        super().__init__(None, old, new)
        self._budget = budget
        places = self.b2j
        self._costs = [0, *accumulate(1 + len(places.get(one, ())) for one in old)]

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        """The longest common stretch, or none when looking for it costs more than is left."""
        end = len(self._costs) - 1 if ahi is None else ahi
        self._budget.steps -= self._costs[end] - self._costs[alo]
        if self._budget.steps < 0:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)
