"""The lines of Markdown and the fenced code they stand in; one pass, nothing else is parsed."""

import re
from collections.abc import Iterator

# A fence may stand in quotes and list items, up to 40 deep. A backtick fence has no backtick after
# its mark. A mark longer than 40 is decoration: closing it would cost more than it is worth.
_FENCE = re.compile(
    r"(?P<prefix>(?:[ \t>]|(?:[-*+]|[0-9]{1,9}[.)])[ \t]){0,40})"
    r"(?P<mark>`{3,40}(?=[^`\n]*(?:\n|$))|~{3,40}(?!~))"
)
_MARK = re.compile("```|~~~")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
#: So much of what stands behind a fence's mark is repeated: the language, usually.
_INFO_SHOWN = 40


class Fence:
    """A fenced code block; two are the same only if they are one object."""

    __slots__ = ("_found", "end", "mark", "start")

    def __init__(self, found: re.Match[str]) -> None:
        self._found = found
        self.start = found.start()
        self.mark = found["mark"]
        self.end = len(found.string)
        """After its last line, once that is known."""

    @property
    def opening(self) -> str:
        """A line that begins it again."""
        begun = self._found.string[self.start : self._found.end() + _INFO_SHOWN]
        return begun.split("\n", 1)[0] + "\n"

    @property
    def close(self) -> str:
        """A line that ends it, inside the same quotes and list items."""
        return re.sub(r"[^ \t>]", " ", self._found["prefix"]) + self.mark

    def ends_with(self, line: str) -> bool:
        bare = line.strip(" \t\n>")
        return len(bare) >= len(self.mark) and not bare.strip(self.mark[0])


class Line:
    """A line, from `start` to after its line end, and the fence it belongs to, marks included."""

    __slots__ = ("end", "fence", "start")

    def __init__(self, start: int, end: int, fence: Fence | None) -> None:
        self.start = start
        self.end = end
        self.fence = fence


def fences_of(text: str) -> Iterator[Fence]:
    """The fences of cleaned Markdown, in order; only lines with a fence's mark are looked at."""
    if "```" not in text and "~~~" not in text:  # a fraction of the time of a search
        return
    fence: Fence | None = None
    at = 0
    while (found := _MARK.search(text, at)) is not None:
        start = text.rfind("\n", at, found.start()) + 1 or at
        at = text.find("\n", found.end()) + 1 or len(text)
        if fence is None:
            opening = _FENCE.match(text, start)
            fence = Fence(opening) if opening is not None else None
        elif fence.ends_with(text[start:at]):
            fence.end = at
            yield fence
            fence = None
    if fence is not None:
        yield fence


def lines_of(text: str) -> list[Line]:
    """The lines of cleaned Markdown, each with the fence it stands in."""
    lines: list[Line] = []
    fences = fences_of(text)
    fence = next(fences, None)
    for match in _LINE.finditer(text):
        if fence is not None and match.start() >= fence.end:
            fence = next(fences, None)
        inside = fence is not None and match.start() >= fence.start
        lines.append(Line(match.start(), match.end(), fence if inside else None))
    return lines
