"""A person's edits of an output: the boxes of a form, an exact revision, and the edits' fate.

Edits are compared line by line: a paragraph, an item or a row of Markdown is a line.
"""

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from itertools import starmap, zip_longest
from typing import Final, NamedTuple

from crewgate.domain.changes import Block, StepBudget, align

REVISION_LIMIT: Final = 12_000
"""The longest exact revision in characters; a page of the history shows four revisions."""
_CONTEXT: Final = 20
_BLANK: Final = " \t\r\n"
#: The gap between two parts: either spaces, or line ends and blank lines; the indentation that
#: follows these belongs to the next part.
_GAP: Final = re.compile(r"(?:[ \t]*\r?\n)+|[ \t]*")

PlaceToBreak = Callable[[str, int, int], int]
"""Takes a text and two places; returns where to break it: after the first, up to the second."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A text in parts, with the gaps before, between and after them."""

    texts: tuple[str, ...]
    gaps: tuple[str, ...]

    def joined(self, written: Sequence[str]) -> str:
        """Return the text with these parts; an emptied part is left out, with the gap before it."""
        gaps, end = self.gaps[:-1], self.gaps[-1]
        edits = [
            (gap, was if _plain(was) == _plain(now) else now)
            for gap, was, now in zip(gaps, self.texts, written, strict=True)
            if now.strip() or not was.strip()
        ]
        if not edits:
            return ""
        return "".join((gaps[0], edits[0][1], *(gap + one for gap, one in edits[1:]), end))


def _plain(part: str) -> str:
    return part.replace("\r\n", "\n").strip()


def cut(text: str, size: int, place_to_break: PlaceToBreak) -> Parts:
    texts: list[str] = []
    gaps: list[str] = []
    at = 0
    while True:
        gap = _GAP.match(text, at)
        assert gap is not None, "the pattern matches the empty text, too"
        at = gap.end()
        if not text[at:].strip():
            return Parts(tuple(texts), (*gaps, gap[0] + text[at:]))
        part = text[at : at + size + 1]
        if len(part) > size:
            ends = (part.rfind(mark, 1, size) for mark in ("\n\n", "\n"))
            end = next((one for one in ends if one > 0), 0)
            part = part[: end or place_to_break(part, size // 2, size)]
        part = part.rstrip(_BLANK) or part
        texts.append(part)
        gaps.append(gap[0])
        at += len(part)


class Edit(NamedTuple):
    """A passage and its replacement, with enough lines around both to make the passage unique."""

    old: str
    new: str


def edits_of(before: str, edited: str) -> list[Edit]:
    old, new = _lines(before), _lines(edited)
    whole = "\n".join(old)

    def edit(one: Block) -> Edit:
        passage, instead = old[one.start : one.end], new[one.new_start : one.new_end]
        return Edit("\n".join(passage), "\n".join(instead))

    found: list[Block] = []
    for block in _changed(old, new):
        found.append(block)
        _join(found)
        for _ in range(_CONTEXT):
            passage = edit(found[-1]).old
            # `made` is the text after all earlier edits: the passage must be unique there, too.
            parts, at = list[str](), 0
            for one in found[:-1]:
                parts += [*old[at : one.start], edit(one).new]
                at = one.end
            made = "\n".join((*parts, *old[at:]))
            if passage.strip() and _is_once(passage, whole) and _is_once(passage, made):
                break
            _grow(found, len(old))
    return list(map(edit, found))


def _is_once(passage: str, text: str) -> bool:
    # Overlapping places count too, which `str.count` would leave out.
    return text.find(passage) == text.rfind(passage)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n")]


def _changed(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    return [one for one in align(old, new, StepBudget(0)) if not one.same]


def _grow(found: list[Block], end: int) -> None:
    last = found[-1]
    if last.start:
        found[-1] = last._replace(start=last.start - 1, new_start=last.new_start - 1)
    elif last.end < end:
        found[-1] = last._replace(end=last.end + 1, new_end=last.new_end + 1)
    _join(found)


def _join(found: list[Block]) -> None:
    if len(found) > 1 and found[-1].start < found[-2].end:
        last, before = found.pop(), found.pop()
        more = max(0, before.end - last.end)
        found.append(before._replace(end=last.end + more, new_end=last.new_end + more))


def exact_revision(edits: Sequence[Edit]) -> str:
    one = len(edits) == 1
    asks = "Make this edit" if one else f"Make these {len(edits)} edits"
    steps = "\n\n".join(
        f"{'' if one else f'{number}. '}{_step(edit)}" for number, edit in enumerate(edits, 1)
    )
    return f"{asks} in your last answer, word for word, and change nothing else.\n\n{steps}"


def _step(edit: Edit) -> str:
    if not edit.new.strip():
        return f"Remove\n<<<\n{edit.old}\n>>>"
    return f"Replace\n<<<\n{edit.old}\n>>>\nwith\n<<<\n{edit.new}\n>>>"


def lines_changed(revision: str) -> list[Edit]:
    """Return the lines that an exact revision changes; none for any other text."""
    found = _STEP.finditer(revision.partition("\n\n")[2])
    edits = [Edit(step["gone"] or step["old"], step["new"] or "") for step in found]
    if not edits or exact_revision(edits) != revision:
        return []
    lines: list[Edit] = []
    for edit in edits:
        old, new = edit.old.split("\n"), edit.new.split("\n")
        for block in _changed(old, new):
            went, came = old[block.start : block.end], new[block.new_start : block.new_end]
            lines += starmap(Edit, zip_longest(went, came, fillvalue=""))
    return [edit for edit in lines if any(map(str.strip, edit))]


_STEP: Final = re.compile(
    r"Remove\n<<<\n(?P<gone>.+?)\n>>>(?=\n\n|\Z)"
    r"|Replace\n<<<\n(?P<old>.+?)\n>>>\nwith\n<<<\n(?P<new>.+?)\n>>>(?=\n\n|\Z)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class EditsFate:
    """The numbers of edits asked for, of edits that the new output has, and of other changes."""

    asked: int
    taken: int
    others: int


def fate_of(before: str, edited: str, after: str) -> EditsFate:
    edits, wanted, now = edits_of(before, edited), _filled(edited), _filled(after)
    exact = _Lines(_lines(after.strip("\n")))
    if exact.lines == _lines(edited.strip("\n")):
        return EditsFate(len(edits), len(edits), 0)
    ours = {line for edit in edits for text in edit for line in _filled(text)}
    others = 0
    for block in _changed(wanted, now):
        went = [line for line in wanted[block.start : block.end] if line not in ours]
        came = [line for line in now[block.new_start : block.new_end] if line not in ours]
        # For each line of an edit that is missing now, one new line may say the same in other
        # words: the new line is not counted as a change beside the edits.
        of_edits = block.end - block.start - len(went)
        others += max(len(went), len(came) - of_edits)
    lines, there = frozenset(wanted), _Lines(now)
    taken = sum(_is_in(edit, lines, there, exact) for edit in edits)
    return EditsFate(len(edits), taken, others)


def _filled(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _is_in(edit: Edit, wanted: Container[str], now: "_Lines", exact: "_Lines") -> bool:
    old, new = _Lines(_filled(edit.old)), _filled(edit.new)
    is_left = any(line in now.places for line in old.lines if line not in wanted)
    if old.lines == new:  # the edit changes only blank lines or indentation
        old, new, now = _Lines(_lines(edit.old)), _lines(edit.new), exact
    # An edit that only removes lines counts as not taken while its old passage is still there.
    is_left |= old.contain(new) and now.contain(old.lines)
    return now.contain(new) and not is_left


class _Lines:
    """An index of lines that finds passages fast among hundreds of thousands."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.places: dict[str, list[int]] = {}
        for at, line in enumerate(lines):
            self.places.setdefault(line, []).append(at)

    def contain(self, passage: Sequence[str]) -> bool:
        starts = self.places.get(passage[0], ()) if passage else (0,)
        return any(self.lines[at : at + len(passage)] == passage for at in starts)
