"""Two outputs, compared as they are shown."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from crewgate.domain.changes import (
    Changes,
    Passage,
    PassageKind,
    Unchanged,
    added,
    compare,
    compare_json,
    removed,
)
from crewgate.domain.edits import fate_of
from crewgate.domain.notification import Format, Output
from crewgate.domain.review import State
from crewgate.slack.blockkit.markdown import fences_of, lines_as_passages, passages_of
from crewgate.slack.blockkit.text import clean
from crewgate.slack.reviews import strings
from crewgate.slack.reviews.changes import edits_in
from crewgate.usecases.read_models import CardView

LINES_COMPARED: Final = 5_000
"""Of longer texts the beginning and the end that both have in common are left aside; where more
is left, one is shown after the other."""


def compare_outputs(before: Output, after: Output) -> Changes:
    """What changed, with its words.

    For any two texts a fraction of a second, and memory in proportion to their length.
    """
    return _compare(before, after, with_words=True)


def measure_changes(before: Output, after: Output) -> Changes:
    """The same without its parts: how much changed."""
    return _compare(before, after, with_words=False)


def edits_since(view: CardView) -> str:
    """The fate of the edits that were asked for in the round before; empty if none were.

    Empty, too, where the crew was never told of them.
    """
    if view.previous is None or view.before is None or view.asked_text is None:
        return ""
    if view.previous.state is not State.RESUMED:
        return ""
    fate = fate_of(view.before.text, view.asked_text, view.output.text)
    mark = "" if fate.taken == fate.asked else ":exclamation: "
    return f"{mark}{strings.asked(view.previous)} {edits_in(fate)}."


def _compare(before: Output, after: Output, *, with_words: bool) -> Changes:
    if before.format is after.format is Format.JSON:
        by_key = compare_json(before.text, after.text, with_words=with_words)
        if by_key is not None:
            return by_key
    made = _compare_texts(before, after, with_words=with_words)
    return replace(made, reformatted=not made and before.text != after.text)


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
        made = _one_after_the_other(old, new)
    else:
        passages = _reader(before)(old), _reader(after)(new)
        made = compare(*passages, with_words=with_words)
    aside = (Unchanged(0),)
    return replace(made, parts=(*(aside if head else ()), *made.parts, *(aside if tail else ())))


def _reader(output: Output) -> Callable[[str], list[Passage]]:
    return lines_as_passages if output.format is Format.JSON else passages_of


def _one_after_the_other(old: str, new: str) -> Changes:
    """One passage each, for what is too long to be compared."""
    return Changes(
        {},
        tuple(
            hunk(Passage(PassageKind.PARAGRAPH, text))
            for hunk, text in ((removed, old), (added, new))
            if text
        ),
        too_long=True,
    )


def _common_beginning(one: str, other: str) -> int:
    """How many characters both begin with, up to a blank line outside of code."""
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
    """How many characters both end with, from a blank line on."""
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
