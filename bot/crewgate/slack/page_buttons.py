"""Buttons that turn the pages of a modal or of Home."""

from __future__ import annotations

from crewgate.slack import strings
from crewgate.slack.blockkit.blocks import Block, actions, button, context


def page_buttons(
    page: int, pages: int, *, value: str, previous_id: str, next_id: str
) -> list[Block]:
    """The number of the page and buttons to its neighbours; nothing for a single page."""
    if pages == 1:
        return []
    previous = button(strings.PREVIOUS, action_id=previous_id, value=value)
    following = button(strings.NEXT, action_id=next_id, value=value)
    return [
        context(strings.page_of(page, pages)),
        actions(*([previous] if page > 0 else []), *([following] if page + 1 < pages else [])),
    ]
