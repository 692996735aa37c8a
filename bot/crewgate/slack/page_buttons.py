"""Buttons that turn the pages of a modal."""

from crewgate.slack import strings
from crewgate.slack.blockkit.blocks import Block, actions, button, context


def page_buttons(
    page: int,
    pages: int,
    *,
    value: str,
    previous_id: str,
    next_id: str,
    on_top: bool = False,
    is_next_green: bool = False,
) -> list[Block]:
    """The number of the page and buttons to its neighbours; nothing for a single page.

    `on_top`: others stand below the page, and no two are called alike.
    """
    if pages == 1:
        return []
    following = button(
        strings.NEXT_ON_TOP if on_top else strings.NEXT,
        action_id=next_id,
        value=value,
        style="primary" if is_next_green else None,
    )
    label = strings.PREVIOUS_ON_TOP if on_top else strings.PREVIOUS
    previous = button(label, action_id=previous_id, value=value)
    return [
        context(strings.page_of(page, pages)),
        actions(*([previous] if page > 0 else []), *([following] if page + 1 < pages else [])),
    ]
