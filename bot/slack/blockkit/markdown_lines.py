"""The lines of Markdown and the fenced code they stand in; one pass, nothing else is parsed."""

from __future__ import annotations

import re

# A fence may stand in quotes and list items. A backtick fence has no backtick after its mark. A
# mark longer than 40 is decoration: closing it would cost more than it is worth.
_FENCE = re.compile(
    r"(?P<prefix>(?:[ \t>]|(?:[-*+]|[0-9]{1,9}[.)])[ \t])*)"
    r"(?P<mark>`{3,40}(?=[^`\n]*(?:\n|$))|~{3,40}(?!~))"
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Fence:
    """A fenced code block; two are the same only if they are one object."""

    __slots__ = ("close", "mark", "start")

    def __init__(self, start: int, prefix: str, mark: str) -> None:
        self.start = start
        self.mark = mark
        self.close = re.sub(r"[^ \t>]", " ", prefix) + mark
        """A line that ends it, inside the same quotes and list items."""

    def ends_with(self, line: str) -> bool:
        """Whether this line is its last."""
        bare = line.strip(" \t\n>")
        return len(bare) >= len(self.mark) and not bare.strip(self.mark[0])


class Line:
    """A line, from `start` to after its line end, and the fence it belongs to, marks included."""

    __slots__ = ("end", "fence", "start")

    def __init__(self, start: int, end: int, fence: Fence | None) -> None:
        self.start = start
        self.end = end
        self.fence = fence


def lines_of(text: str) -> list[Line]:
    """The lines of cleaned Markdown, each with the fence it stands in."""
    lines: list[Line] = []
    fence: Fence | None = None
    for match in _LINE.finditer(text):
        if fence is None:
            opening = _FENCE.match(match[0])
            if opening is not None:
                fence = Fence(match.start(), opening["prefix"], opening["mark"])
            lines.append(Line(match.start(), match.end(), fence))
        else:
            lines.append(Line(match.start(), match.end(), fence))
            if fence.ends_with(match[0]):
                fence = None
    return lines
