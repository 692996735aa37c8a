"""A text of any length in pages, cut at paragraphs; nothing of it is lost."""

from __future__ import annotations

from typing import Final

from bot.slack.blockkit.markdown_lines import Fence, lines_of
from bot.slack.blockkit.text import clean, whole_character

#: What one page shows, in characters: some screens of a modal.
PAGE: Final = 6_000


def pages(text: str, size: int = PAGE) -> list[str]:
    """The text, cleaned, in pieces of at most about `size`; at least one.

    Fenced code that runs across a cut is closed there and opened again on the next page.
    """
    made: list[str] = []
    page = ""
    paragraph_at = 0
    open_fence: Fence | None = None
    whole = clean(text)
    for line in lines_of(whole):
        opening = _opening(whole, line.fence)
        for words in _pieces(whole[line.start : line.end], size):
            if page and len(page) + len(words) > size:
                cut = paragraph_at if paragraph_at >= max(1, size // 4) else len(page)
                shown, page = page[:cut], page[cut:]
                if open_fence is not None and not page:
                    shown += ("" if shown.endswith("\n") else "\n") + open_fence.close
                    if line.fence is open_fence:
                        page = opening
                made.append(shown)
                paragraph_at = 0
            page += words
            open_fence = line.fence
        if line.fence is None and not whole[line.start : line.end].strip():
            paragraph_at = len(page)
    return [*made, page] if page.strip() or not made else made


def _opening(whole: str, fence: Fence | None) -> str:
    """The line that opens a fence."""
    if fence is None:
        return ""
    end = whole.find("\n", fence.start)
    return whole[fence.start : end + 1] if end >= 0 else ""


def _pieces(line: str, size: int) -> list[str]:
    """A line, or as many pieces of it as a page needs."""
    found = []
    while len(line) > size:
        space = line.rfind(" ", size // 2, size)
        at = space + 1 if space > 0 else whole_character(line, size) or size
        found.append(line[:at])
        line = line[at:]
    return [*found, line]
