"""Compare two outputs by passages and words as shown, or JSON by its keys; the work is bounded."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import Match, SequenceMatcher
from enum import StrEnum
from itertools import accumulate, chain, zip_longest
from typing import Final, NamedTuple

#: The most pairs of elements that one comparison of outputs looks at, which takes 0.1 to 0.2 s.
STEPS: Final = 1_000_000
#: The most words that one comparison counts to pair similar passages: another 0.1 to 0.2 s.
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
        # difflib's autojunk stays on: in long sequences frequent elements anchor no match, which
        # saves most of the time.
        super().__init__(None, old, new)
        self._budget = budget
        places = self.b2j
        self._costs = [0, *accumulate(1 + len(places.get(one, ())) for one in old)]

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        """Return the longest common stretch; an empty stretch if the search costs too much."""
        end = len(self._costs) - 1 if ahi is None else ahi
        self._budget.steps -= self._costs[end] - self._costs[alo]
        if self._budget.steps < 0:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)


WORDS_COMPARED: Final = 1_500
"""The most words of a passage to compare; a longer passage counts as changed as a whole."""
#: The least share of unchanged letters with which a passage is compared by words; with less, the
#: old text is shown as removed and the new text as added.
LEAST_IN_COMMON: Final = 0.3
CELLS_BETWEEN: Final = " | "
#: A single unchanged word of at most this many characters between two changes is shown as changed:
#: it would only split the change.
_ISLAND: Final = 3

# Scripts without spaces between words: each character is a word.
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = "—…。、，！？：；「」『』"
#: Characters that no word begins or ends with. Others beyond ASCII may: letters, accents, emoji, €.
_NO_LETTER = rf"\s!-/:-@\[-^`{{-~–“”‘’«»„‚·•{_MARKS}{_IDEOGRAPHS}"
#: The marks inside words, as in `e-mail`, `0.18`, `2024–2025`, `12:30` or an address.
_INSIDE = r"[!-+\--/:<-@\[-^`{}~–“”‘’«»„‚·•]"
_WORD: Final = re.compile(
    rf"(?P<word>(?:[-+$<>~#@]{{1,3}}(?=\.?[0-9]))?(?:\.(?=[0-9]))?"  # numbers: -5, $0.18, <3, .5
    rf"[^{_NO_LETTER}]+(?:(?:{_INSIDE}+|(?<=[0-9]),(?=[0-9]))[^{_NO_LETTER}]+)*%?"
    rf"|\S)(?P<space>\s*)"
)


class Kind(StrEnum):
    """The fate of some words between two texts."""

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
    letters = sum(_letters(old[block.start : block.end]) for block in blocks if block.same)
    if letters < LEAST_IN_COMMON * max(_letters(old), _letters(new)):
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
    """Merge a short unchanged word into the changes on both sides, which the word only splits."""
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


#: The most leaves of a JSON text; a larger text is compared by its lines.
LEAVES_COMPARED: Final = 5_000
#: The longest shown path of a leaf, in characters.
PATH_SHOWN: Final = 300


@dataclass(slots=True)
class Paths:
    """Numbers for the places in two JSON texts; a place has one number in both.

    Written out, the paths of a deep text with long keys would be many times as long as the text.
    """

    _numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _steps: list[tuple[int, str]] = field(default_factory=list)

    def below(self, parent: int, step: str) -> int:
        """Return the number of the place one step below `parent`; -1 is the whole text."""
        number = self._numbers.setdefault((parent, step), len(self._steps))
        if number == len(self._steps):
            self._steps.append((parent, step))
        return number

    def name(self, place: int) -> str:
        steps: list[str] = []
        length = 0
        while place >= 0 and length <= PATH_SHOWN:
            place, step = self._steps[place]
            steps.append(step[-PATH_SHOWN - 1 :])
            length += len(step)
        name = "".join(reversed(steps)).removeprefix(".")
        return name if len(name) <= PATH_SHOWN else "…" + name[-PATH_SHOWN:]


def read_leaves(text: str, paths: Paths) -> dict[int, str] | None:
    """Return each leaf of a JSON text by its place; None if the text is no JSON, or too large."""
    # A comma follows each leaf but the last, and a bracket opens each container. These signs, with
    # those inside texts, bound the number of leaves: too large a text is not parsed.
    if text.count(",") + text.count("[") + text.count("{") > LEAVES_COMPARED:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    leaves: dict[int, str] = {}
    todo: list[tuple[int, object]] = [(-1, value)]
    while todo:
        place, found = todo.pop()
        match found:
            case dict() if found:
                todo += [(paths.below(place, f".{key}"), one) for key, one in found.items()][::-1]
            case list() if found:
                todo += [
                    (paths.below(place, f"[{number}]"), one) for number, one in enumerate(found)
                ][::-1]
            case str():
                leaves[place] = found
            case _:
                leaves[place] = json.dumps(found, ensure_ascii=False)
    return leaves


class PassageKind(StrEnum):
    """The role of a passage in its text."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    """An item of a list, with its number, if it has one."""
    ROW = "row"
    HEADER = "header"
    CODE = "code"
    """A line of code, or of other text that is shown as written."""
    VALUE = "value"


_ROWS: Final = frozenset({PassageKind.ROW, PassageKind.HEADER})
_APART: Final = frozenset({*_ROWS, PassageKind.CODE, PassageKind.VALUE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A paragraph, an item, a row, …: its words as shown, without formatting."""

    kind: PassageKind
    text: str
    words: str = ""
    """The text without marks that its source does not have, if it has any."""
    cells: tuple[str, ...] = ()
    table: str = ""
    """The header of a row's table, which tells two tables apart."""
    key: str = ""

    @property
    def is_row(self) -> bool:
        return self.kind in _ROWS

    @property
    def unit(self) -> PassageKind:
        """The kind for comparison: any passage of prose can replace any other."""
        return self.kind if self.kind in _APART else PassageKind.PARAGRAPH

    @property
    def seen(self) -> tuple[str, str]:
        """A key that is equal for passages that differ in formatting alone."""
        words = self.words or self.text
        text = words if self.kind is PassageKind.CODE else " ".join(words.split())
        return self.unit, text.rstrip()


_LEAST_ALIKE: Final = 0.4


class Pair(NamedTuple):
    """A passage and its successor: `before` is None if it was added, `after` if it was removed."""

    before: Passage | None
    after: Passage | None
    same: bool = False
    moved: bool = False


def _pair(before: Passage | None, after: Passage | None, *, moved: bool) -> Pair:
    same = before is not None and after is not None and before.seen == after.seen
    return Pair(before, after, same, moved)


def pairs_of(before: Sequence[Passage], after: Sequence[Passage], budget: StepBudget) -> list[Pair]:
    """Pair all passages of both texts, in the order of `after`.

    A removed and an added passage are one pair if they have equal words, or are rows of one table
    with equal first cells.
    """
    found: list[Pair] = []
    for block in align([one.seen for one in before], [one.seen for one in after], budget):
        old, new = before[block.start : block.end], after[block.new_start : block.new_end]
        if block.same:
            found += [Pair(*pair, same=True) for pair in zip(old, new, strict=True)]
        else:
            found += _in_place(old, new, budget)
    # A passage that is removed at one place and added at another is one pair, at its new place.
    return _join_equal(_join_equal(found, _words), _row)


def _in_place(old: Sequence[Passage], new: Sequence[Passage], budget: StepBudget) -> Iterator[Pair]:
    partner = _rows_by_first_cell(old, new) | _most_alike(
        [(at, one) for at, one in enumerate(old) if not one.is_row],
        [(at, one) for at, one in enumerate(new) if not one.is_row],
        budget,
    )
    taken = set(partner.values())
    shown = 0
    for at, one in enumerate(new):
        place = partner.get(at)
        if place is None:
            yield Pair(None, one)
            continue
        yield from (Pair(old[gone], None) for gone in range(shown, place) if gone not in taken)
        yield _pair(old[place], one, moved=place < shown)
        shown = max(shown, place)
    yield from (Pair(old[gone], None) for gone in range(shown, len(old)) if gone not in taken)


def _rows_by_first_cell(old: Sequence[Passage], new: Sequence[Passage]) -> dict[int, int]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for at in range(len(old) - 1, -1, -1):
        if old[at].is_row:
            places[_first_cell(old[at])].append(at)
    return {
        at: places[_first_cell(one)].pop()
        for at, one in enumerate(new)
        if one.is_row and places[_first_cell(one)]
    }


def _first_cell(row: Passage) -> str:
    return " ".join(row.cells[0].split()) if row.cells else ""


Placed = tuple[int, Passage]


def _most_alike(old: list[Placed], new: list[Placed], budget: StepBudget) -> dict[int, int]:
    old_words = [Counter(one.text.split()) for _, one in old]
    new_words = [Counter(one.text.split()) for _, one in new]
    budget.likeness -= min(len(old) * sum(map(len, new_words)), len(new) * sum(map(len, old_words)))
    if not old or not new or budget.likeness < 0:
        return {}
    # best[i][j]: the highest sum of likenesses in pairs of the first i old and j new passages.
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    alike = [
        [
            _likeness(words, others) if one.unit is other.unit else 0.0
            for (_, other), others in zip(new, new_words, strict=True)
        ]
        for (_, one), words in zip(old, old_words, strict=True)
    ]
    for i, row in enumerate(alike, 1):
        for j, likeness in enumerate(row, 1):
            paired = best[i - 1][j - 1] + likeness if likeness >= _LEAST_ALIKE else 0.0
            best[i][j] = max(best[i - 1][j], best[i][j - 1], paired)
    found: dict[int, int] = {}
    i, j = len(old), len(new)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found[new[j][0]] = old[i][0]
    return found


def _likeness(words: Counter[str], others: Counter[str]) -> float:
    most = max(words.total(), others.total())
    return (words & others).total() / most if most else 0.0


def _join_equal(pairs: list[Pair], name: Callable[[Passage], Hashable | None]) -> list[Pair]:
    """Join a removed and an added passage where `name` is equal for both, and not None."""
    gone: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at in range(len(pairs) - 1, -1, -1):
        before, after = pairs[at].before, pairs[at].after
        if before is not None and after is None and (named := name(before)) is not None:
            gone[named].append(at)
    origin: dict[int, int] = {}
    for at, pair in enumerate(pairs):
        if pair.after is not None and pair.before is None and gone.get(name(pair.after)):
            origin[at] = gone[name(pair.after)].pop()
    went = set(origin.values())
    return [
        _pair(pairs[origin[at]].before, pair.after, moved=True) if at in origin else pair
        for at, pair in enumerate(pairs)
        if at not in went
    ]


def _words(passage: Passage) -> Hashable | None:
    return None if passage.kind is PassageKind.CODE else passage.seen


def _row(passage: Passage) -> Hashable | None:
    return (passage.table, _first_cell(passage)) if passage.is_row else None


LETTERS_COMPARED: Final = 60_000
"""Letters that one comparison looks at; passages beyond them count as changed as a whole."""
#: The most unchanged passages in a row that are shown; of more passages only the number is shown.
_KEPT: Final = 2


class Fate(StrEnum):
    """The fate of a passage."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Hunk:
    """A passage that changed or moved, as it is now; a removed passage, as it was."""

    fate: Fate
    passage: Passage
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Unchanged passages in a row: their number (0: not counted), and a few, or a heading."""

    count: int
    passages: tuple[Passage, ...] = ()
    heading: Passage | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences between two outputs."""

    amounts: dict[tuple[PassageKind, Fate], int]
    """The number of passages by kind and fate. All prose counts as paragraphs."""
    parts: tuple[Hunk | Unchanged, ...] = ()
    too_long: bool = False
    reformatted: bool = False
    """Only the formatting differs."""

    def __bool__(self) -> bool:
        return bool(self.amounts) or self.too_long


def removed(passage: Passage) -> Hunk:
    return Hunk(Fate.REMOVED, passage, (Segment(Kind.REMOVED, passage.text),))


def added(passage: Passage) -> Hunk:
    return Hunk(Fate.ADDED, passage, (Segment(Kind.ADDED, passage.text),))


def compare(
    before: Sequence[Passage], after: Sequence[Passage], *, with_words: bool = True
) -> Changes:
    """Return the changes from `before` to `after`, in a fraction of a second for any texts."""
    budget = StepBudget(LETTERS_COMPARED)
    return _changes(pairs_of(before, after, budget), budget, with_words=with_words)


def compare_json(before: str, after: str, *, with_words: bool = True) -> Changes | None:
    paths = Paths()
    old = read_leaves(before, paths)
    new = read_leaves(after, paths) if old is not None else None
    if old is None or new is None:
        return None
    pairs = _pairs_by_key(old, new, paths)
    return _changes(pairs, StepBudget(LETTERS_COMPARED), with_words=with_words)


def _pairs_by_key(old: dict[int, str], new: dict[int, str], paths: Paths) -> Iterator[Pair]:
    for place in [*new, *(place for place in old if place not in new)]:
        before, after = old.get(place), new.get(place)
        same = before == after
        key = "" if same else paths.name(place) or "the whole"
        yield Pair(_value(before, key), _value(after, key), same)


def _value(text: str | None, key: str) -> Passage | None:
    return None if text is None else Passage(kind=PassageKind.VALUE, text=text, key=key)


def _changes(pairs: Iterable[Pair], budget: StepBudget, *, with_words: bool) -> Changes:
    amounts: Counter[tuple[PassageKind, Fate]] = Counter()
    parts: list[Hunk | Unchanged] = []
    same: list[Passage] = []
    for pair in pairs:
        if pair.after is not None and pair.same and not pair.moved:
            same.append(pair.after)
            continue
        hunk = _hunk(pair, budget if with_words else None)
        amounts[hunk.passage.unit, hunk.fate] += 1
        parts += [*_unchanged(same), hunk] if with_words else []
        same = []
    return Changes(dict(amounts), (*parts, *(_unchanged(same) if with_words else ())))


def _hunk(pair: Pair, budget: StepBudget | None) -> Hunk:
    before, after = pair.before, pair.after
    if after is None:
        assert before is not None, "a pair has at least one side"
        return removed(before)
    if before is None:
        return added(after)
    if pair.same:
        return Hunk(Fate.MOVED, after, (Segment(Kind.SAME, after.text),))
    segments: tuple[Segment, ...] = ()
    if budget is not None and before.cells and after.cells:
        segments = compare_cells(before.cells, after.cells, budget)
    elif budget is not None:
        segments = compare_words(before.text, after.text, budget)
    return Hunk(Fate.CHANGED, after, segments)


def _unchanged(passages: Sequence[Passage]) -> Iterator[Unchanged]:
    if not passages:
        return
    if len(passages) <= _KEPT and passages[0].kind is not PassageKind.VALUE:
        yield Unchanged(len(passages), tuple(passages))
        return
    headings = (one for one in reversed(passages) if one.kind is PassageKind.HEADING)
    yield Unchanged(len(passages), heading=next(headings, None))
