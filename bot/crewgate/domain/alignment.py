"""The common parts of two sequences, found with bounded work."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import Final, NamedTuple

#: Pairs of elements looked at in one comparison of outputs: 0.1 to 0.2 s.
STEPS: Final = 1_000_000
#: Words counted in one comparison to pair passages: as long.
LIKENESS: Final = 3_000_000


@dataclass(slots=True)
class StepBudget:
    """The work left for one comparison; what it does not cover counts as changed as a whole."""

    letters: int
    steps: int = STEPS
    likeness: int = LIKENESS

    def affords(self, *texts: str) -> bool:
        """Take the letters of some texts from the budget; return False once it is spent."""
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

    This is SequenceMatcher's answer. Its time is cubic at worst: once the budget is spent, nothing
    more is found to be the same.
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
    """The places of each element in the new sequence; documented, but the stubs lack it."""

    def __init__(self, old: list[int], new: list[int], budget: StepBudget) -> None:
        # Frequent elements anchor nothing in long sequences (autojunk): that saves most.
        super().__init__(None, old, new)
        self._budget = budget
        places = self.b2j
        self._costs = [0, *accumulate(1 + len(places.get(one, ())) for one in old)]

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        """Return the longest common stretch, or none if looking for it costs more than is left."""
        end = len(self._costs) - 1 if ahi is None else ahi
        self._budget.steps -= self._costs[end] - self._costs[alo]
        if self._budget.steps < 0:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)
