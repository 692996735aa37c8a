"""What a list or Home looks up for its lines: links to messages, and who may decide."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import Round
from crewgate.slack.blockkit.text import utf16_length
from crewgate.usecases.read_models import MessageRef

Link: TypeAlias = Callable[[MessageRef], str | None]
Deciders: TypeAlias = Callable[[Round], Sequence[ReviewerRef]]
"""Who may decide for a crew; no e-mail address of somebody whom Slack knows."""

_LINK_LIMIT: Final = 500
"""Three such links still fit into one section. Slack's own are under 120."""


def linked(title: str, where: MessageRef | None, link: Link) -> str:
    """The title as a link to a message; plain while there is none or where it is too long."""
    url = link(where) if where is not None else None
    if not url or utf16_length(url) > _LINK_LIMIT or any(char in url for char in "<>| \n"):
        return title
    return f"<{url.replace('&', '&amp;')}|{title.replace('|', '¦')}>"
