"""The changes since the round before, passage by passage, with marks that no output contains.

Words lose their own formatting: bold and underlined is new, struck through is removed. An arrow
between them, or “(gone)”, says so to people who hear no style.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from crewgate.domain import changes
from crewgate.domain.changes import (
    Changes,
    Fate,
    Hunk,
    Kind,
    Passage,
    PassageKind,
    StepBudget,
    Unchanged,
)
from crewgate.domain.edits import EditsFate, fate_of
from crewgate.domain.notification import Format, Output
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Revise
from crewgate.slack.blockkit.blocks import Block, present, section
from crewgate.slack.blockkit.excerpts import COLUMNS
from crewgate.slack.blockkit.markdown import fences_of
from crewgate.slack.blockkit.passages import lines_as_passages, passages_of
from crewgate.slack.blockkit.rich_text import emoji, leaf, paragraph, quotation
from crewgate.slack.blockkit.text import clean, place_to_break
from crewgate.slack.words import cards, names, states
from crewgate.usecases.read_models import CardView

LINES_COMPARED: Final = 5_000
"""The most lines to compare. Longer texts first lose their common beginning and end; if still too
long, the old text is shown before the new one."""
_NEAR: Final = 20
"""The lines beside a change whose marks are read, for the passages shown beside it."""


def compare_outputs(before: Output, after: Output, *, with_words: bool = True) -> Changes:
    """Compare two outputs in a fraction of a second, whatever their texts."""
    if before.format is after.format is Format.JSON:
        by_key = changes.compare_json(before.text, after.text, with_words=with_words)
        if by_key is not None:
            return by_key
    made = _compare_texts(before, after, with_words=with_words)
    return replace(made, reformatted=not made and before.text != after.text)


def edits_since(view: CardView) -> str:
    """Return a sentence on how many requested edits were made; empty if none were requested."""
    if view.previous is None or view.before is None or view.asked_text is None:
        return ""
    if view.previous.state is not State.RESUMED:
        return ""
    fate = fate_of(view.before.text, view.asked_text, view.output.text)
    mark = "" if fate.taken == fate.asked else ":exclamation: "
    return f"{mark}{cards.asked(view.previous)} {edits_in(fate)}."


def _compare_texts(before: Output, after: Output, *, with_words: bool) -> Changes:
    old, new = clean(before.text), clean(after.text)
    longest = max(old.count("\n"), new.count("\n"))
    head = tail = 0
    if longest > LINES_COMPARED:
        head = _common_beginning(old, new)
        tail = _common_end(old[head:], new[head:])
        old, new = old[head : len(old) - tail], new[head : len(new) - tail]
        longest = max(old.count("\n"), new.count("\n"))
    if longest > LINES_COMPARED:
        made = Changes(
            {},
            tuple(
                hunk(Passage(kind=PassageKind.PARAGRAPH, text=text))
                for hunk, text in ((changes.removed, old), (changes.added, new))
                if text
            ),
            too_long=True,
        )
    else:
        near = _near_changes(old, new)
        made = changes.compare(
            _passages(before, old, near[0]), _passages(after, new, near[1]), with_words=with_words
        )
    aside = (Unchanged(0),)
    return replace(made, parts=(*(aside if head else ()), *made.parts, *(aside if tail else ())))


def _passages(output: Output, text: str, lines: Collection[int]) -> list[Passage]:
    return lines_as_passages(text) if output.format is Format.JSON else passages_of(text, lines)


def _near_changes(old: str, new: str) -> tuple[set[int], set[int]]:
    """Return the lines of both texts at or near a change.

    To read the marks of a paragraph takes most of the time, and people see only these paragraphs.
    """
    old_lines: set[int] = set()
    new_lines: set[int] = set()
    for block in changes.align(old.split("\n"), new.split("\n"), StepBudget(letters=0)):
        if not block.same:
            old_lines.update(range(block.start - _NEAR, block.end + _NEAR))
            new_lines.update(range(block.new_start - _NEAR, block.new_end + _NEAR))
    return old_lines, new_lines


def _common_beginning(one: str, other: str) -> int:
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    at = one.rfind("\n\n", 0, least) + 2 if "\n\n" in one[:least] else 0
    last = deque(fences_of(one[:at]), maxlen=1)
    return last[0].start if last and last[0].end == at else at


def _common_end(one: str, other: str) -> int:
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        stretch = slice(len(one) - middle, len(one) - least)
        if one[stretch] == other[len(other) - middle : len(other) - least]:
            least = middle
        else:
            most = middle - 1
    blank = one.find("\n\n", len(one) - least)
    return len(one) - blank if blank >= 0 else 0


_SIGNS: Final = {
    Fate.CHANGED: "pencil2",
    Fate.ADDED: "heavy_plus_sign",
    Fate.REMOVED: "heavy_minus_sign",
    Fate.MOVED: "arrow_up_down",
}
_LEGEND: Final = {Fate.ADDED: " is new", Fate.REMOVED: " is gone", Fate.MOVED: " stands elsewhere"}
_STYLES: Final[dict[Kind, dict[str, bool]]] = {
    Kind.SAME: {},
    Kind.ADDED: {"bold": True, "underline": True},
    Kind.REMOVED: {"strike": True},
}
_LEAVES_LIMIT: Final = 500
_PARAGRAPH_LIMIT: Final = 2_800
_NEIGHBOUR_SHOWN: Final = 200
"""The characters shown of an unchanged passage beside a change."""
_HEADING_SHOWN: Final = 80
_ONE_LINE: Final = 80
"""The most characters of old and new words that share a line."""


def render_changes(view: CardView) -> Iterator[Block]:
    if view.round.removed_at is not None:
        yield section(names.removed(view.round.removed_at))
        return
    if rewritten := view.output.rewritten:
        yield section(cards.rewritten(rewritten))
        yield from quotation("\n".join(rewritten.lessons))
        original = replace(view.output, text=rewritten.original)
        yield from _compared(original, view.output, nothing="*Only masked passages changed.*")
        if view.previous is None:
            return
        yield section(f"*Since {names.number(view.previous)}*")
    if view.before is None or view.previous is None:
        is_first = view.round.number == 1
        why = "This is the first round" if is_first else "You may not read the round before"
        yield section(f"{why}, so there is nothing to compare it with.")
        return
    if _is_unasked(view.previous):
        nobody = f"Nobody decided round {view.previous.number}"
        yield section(f"{nobody}: a newer output came before anybody decided.")
    answers = view.answers
    asked = cards.asked(answers) if answers is not None else None
    if edits := edits_since(view):
        yield section(edits)
    elif answers is not None and answers.decision is not None and asked is not None:
        yield section(asked)
        if words := states.written(answers.decision):
            yield from quotation(words)
    nothing = _nothing_changed(view.previous, may_hide=view.may_hide_changes)
    yield from _compared(view.before, view.output, nothing=nothing)


def _compared(before: Output, after: Output, *, nothing: str) -> Iterator[Block]:
    changes = compare_outputs(before, after)
    if changes.reformatted:
        yield section("Only the formatting changed; the words are the same.")
    elif not changes:
        yield section(nothing)
    elif changes.too_long:
        yield section("So much changed that it stands here as a whole: what was, then what is.")
        yield from _parts(changes)
    else:
        yield section(f"*{amount(changes)}*")
        yield _legend(changes)
        yield from _parts(changes)


def _legend(changes: Changes) -> Block:
    fates = {fate for _, fate in changes.amounts}
    marks: list[list[Block]] = []
    if Fate.CHANGED in fates:
        removed = leaf("removed", **_STYLES[Kind.REMOVED])
        added = leaf("added", **_STYLES[Kind.ADDED])
        marks.append([leaf(" changed: "), removed, leaf(" → "), added])
    marks += [[leaf(words)] for fate, words in _LEGEND.items() if fate in fates]
    signs = [fate for fate in Fate if fate in fates]
    leaves: list[Block] = []
    for fate, words in zip(signs, marks, strict=True):
        leaves += present(leaf(" · ") if leaves else None, emoji(_SIGNS[fate]), *words)
    return paragraph(*leaves)


def _parts(changes: Changes) -> Iterator[Block]:
    values = any(unit is PassageKind.VALUE for unit, _ in changes.amounts)
    header = ""
    for part in changes.parts:
        if isinstance(part, Unchanged):
            yield from _unchanged(part, values=values)
            header = _table_of(part.passages[-1]) if part.passages else ""
            continue
        table, named = part.passage.table, _with_names(part)
        if table and table != header and named is part:
            yield paragraph(leaf(clean(table)[:_NEIGHBOUR_SHOWN], italic=True))
        header = _table_of(part.passage)
        yield from _hunk(named)


def _with_names(hunk: Hunk) -> Hunk:
    names, cells = hunk.passage.table.split(changes.CELLS_BETWEEN), hunk.passage.cells
    if len(hunk.segments) > 1 or not COLUMNS < len(cells) == len(names):
        return hunk
    pairs = (f"{name}: {cell}" for name, cell in zip(names, cells, strict=True))
    text = changes.CELLS_BETWEEN.join(pairs)
    return replace(hunk, segments=(replace(hunk.segments[0], text=text),))


def _table_of(passage: Passage) -> str:
    return passage.text if passage.kind is PassageKind.HEADER else passage.table


def _unchanged(part: Unchanged, *, values: bool) -> Iterator[Block]:
    for passage in part.passages:
        text = clean(passage.text)
        at = len(text)
        if at > _NEIGHBOUR_SHOWN:
            at = place_to_break(text, _NEIGHBOUR_SHOWN // 2, _NEIGHBOUR_SHOWN)
        rest = " …" if at < len(text) else ""
        quiet = passage.kind in {PassageKind.HEADER, PassageKind.HEADING}
        style = {"italic": True} if quiet else _code(passage)
        yield paragraph(*_mark(passage), leaf(text[:at].rstrip() + rest, **style))
    if not part.passages:
        yield paragraph(leaf(clean(_stretch(part, values=values)), italic=True))


def _stretch(part: Unchanged, *, values: bool) -> str:
    if not part.count:
        return "… unchanged …"
    one, many = ("value", "values") if values else ("passage", "passages")
    counted = f"{part.count:,} {one if part.count == 1 else many} unchanged"
    below = f"; below “{part.heading.text[:_HEADING_SHOWN]}”:" if part.heading is not None else ""
    return f"… {counted}{below}" if below else f"… {counted} …"


def _hunk(hunk: Hunk) -> Iterator[Block]:
    held = [emoji(_SIGNS[hunk.fate]), leaf(" "), *_mark(hunk.passage)]
    room = _PARAGRAPH_LIMIT
    for text, style in _runs(hunk):
        for piece in _pieces(text, room):
            if len(piece) > room or len(held) >= _LEAVES_LIMIT:
                yield paragraph(*held)
                held, room = [], _PARAGRAPH_LIMIT
            held.append(leaf(piece, **style))
            room -= len(piece)
    yield paragraph(*held)


def _runs(hunk: Hunk) -> Iterator[tuple[str, dict[str, bool]]]:
    """Yield words with their styles: `0.18 → 0.09`, or `0.18 (gone)` if nothing replaced it."""
    segments = hunk.segments
    whole, code = hunk.fate is Fate.ADDED, _code(hunk.passage)
    in_one_line = (
        len(segments) > len((Kind.REMOVED, Kind.ADDED))
        or sum(len(segment.text) for segment in segments) <= _ONE_LINE
    )
    for segment, following in zip_longest(segments, segments[1:]):
        text = clean(segment.text)
        words = text.rstrip()
        space = text[len(words) :]
        if segment.kind is Kind.REMOVED and len(segments) > 1:
            if following is not None and following.kind is Kind.ADDED:
                space = " → " if in_one_line else "\n→ "
            else:
                space = f" (gone){space}"
        if words:
            yield words, code | ({} if whole else _STYLES[segment.kind])
        if space:
            yield space, {}


def _pieces(text: str, room: int) -> Iterable[str]:
    while len(text) > room:
        at = place_to_break(text, room // 2, room) if room > _NEIGHBOUR_SHOWN else 0
        if at:
            yield text[:at]
        text = text[at:]
        room = _PARAGRAPH_LIMIT
    if text:
        yield text


def _mark(passage: Passage) -> list[Block]:
    match passage.kind:
        case PassageKind.ITEM:
            return [leaf("• ")]
        case PassageKind.VALUE if passage.key:
            return [leaf(f"{clean(passage.key)}:", code=True), leaf(" ")]
        case _:
            return []


def _code(passage: Passage) -> dict[str, bool]:
    return {"code": True} if passage.kind is PassageKind.CODE else {}


def changed(changes: Changes, previous: Round, *, may_hide: bool) -> str:
    if not changes:
        what = "Only masked text" if may_hide else "Nothing"
        what = "Only the formatting" if changes.reformatted else what
        return f"{what} changed since {names.number(previous)}"
    unasked = ", which nobody decided" if _is_unasked(previous) else ""
    return f"*{amount(changes)}* since {names.number(previous)}{unasked}"


def unchanged(round_: Round, answers: Round | None) -> str:
    same = f"This output is the same as in round {round_.number - 1:,}"
    if answers is not None and answers.decision is not None and answers.decision.is_approve:
        return (
            f":exclamation: *The same again.* {same}, which was approved. The crew asks once more."
        )
    return f":exclamation: *Nothing changed.* {same}, although a revision was asked for."


def _nothing_changed(previous: Round, *, may_hide: bool) -> str:
    if may_hide:
        return "*Only masked passages changed.*"
    decision = previous.decision
    asked = decision is not None and isinstance(decision.verdict, Revise)
    although = ", although a revision was asked for" if asked else ""
    return f":exclamation: *Nothing changed.* Word for word the same as before{although}."


def _is_unasked(previous: Round) -> bool:
    """Return True if the crew replaced the previous round before it was decided."""
    return previous.state is State.SUPERSEDED and previous.reason is None


def edits_in(fate: EditsFate) -> str:
    others = names.counted(fate.others, "other passage") if fate.others else "nothing else"
    others += " changed"
    if fate.asked == 1:
        return f"the edit was {'' if fate.taken else 'not '}made, and {others}"
    if fate.taken == fate.asked == 2:  # noqa: PLR2004  # English has a word for two
        return f"both were made, and {others}"
    made = "all" if fate.taken == fate.asked else f"{fate.taken:,}" if fate.taken else "none"
    of = f"{fate.asked:,}" if made == "all" else f"of {fate.asked:,}"
    return f"{made} {of} {'was' if made in {'1', 'none'} else 'were'} made, and {others}"


_NOUNS: Final = {
    PassageKind.PARAGRAPH: ("passage", "passages"),
    PassageKind.ROW: ("row", "rows"),
    PassageKind.HEADER: ("table header", "table headers"),
    PassageKind.CODE: ("line of code", "lines of code"),
    PassageKind.VALUE: ("value", "values"),
}


def amount(changes: Changes) -> str:
    """Return the amount of changes: `3 passages changed, 2 added, 1 row added`."""
    if changes.too_long:
        return "much of it changed"
    pieces: list[list[str]] = []
    for unit, (one, many) in _NOUNS.items():
        counts = [(fate, changes.amounts.get((unit, fate), 0)) for fate in Fate]
        words = [
            f"{count:,} {one if count == 1 else many} {fate}" for fate, count in counts if count
        ]
        # Only the first number has the noun: `3 passages changed, 2 added`.
        words[1:] = [f"{count:,} {fate}" for fate, count in counts if count][1:]
        pieces += [words] if words else []
    between = ", " if all(len(words) == 1 for words in pieces) else "; "
    return between.join(", ".join(words) for words in pieces)
