"""Renders the texts of blocks to HTML on the server, so that the page parses no markup itself.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from crewgate.demo.playground.emoji import character
from crewgate.demo.playground.markdown import markdown
from crewgate.demo.playground.mrkdwn import Names, link, mention, mrkdwn, plain
from crewgate.demo.workspace.text import Json


def render_blocks(blocks: Sequence[Json], names: Names) -> list[Json]:
    """The blocks, with an `html` rendering beside each text."""
    return [_render(block, names) for block in blocks]


def _render(value: Any, names: Names) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if isinstance(value, dict):
        return _text(value, names) or {key: _render(item, names) for key, item in value.items()}
    return [_render(item, names) for item in value] if isinstance(value, list | tuple) else value


def _text(value: Json, names: Names) -> Json | None:
    """A text object with its HTML; None for anything else."""
    match value:
        case {"type": "mrkdwn", "text": str(text)}:
            verbatim = bool(value.get("verbatim"))
            return {"text": text, "html": mrkdwn(text, names, verbatim=verbatim)}
        case {"type": "plain_text", "text": str(text)}:
            return {"text": text, "html": plain(text)}
        case {"type": "markdown", "text": str(text)}:
            return {**value, "html": markdown(text)}
        case {"type": "rich_text"}:
            return {"type": "rich_text", "html": rich_text(value, names)}
        case _:
            return None


_STYLES: Final = (
    ("code", "code"),
    ("bold", "b"),
    ("italic", "i"),
    ("strike", "s"),
    ("underline", "u"),
)


def rich_text(block: Json, names: Names) -> str:
    return "".join(_part(part, names) for part in block.get("elements", ()))


def _part(part: Json, names: Names) -> str:
    match part.get("type"):
        case "rich_text_section":
            return f"<p>{_leaves(part, names)}</p>"
        case "rich_text_preformatted":
            return f"<pre>{_leaves(part, names, breaks=False)}</pre>"
        case "rich_text_quote":
            return f"<blockquote>{_leaves(part, names)}</blockquote>"
        case "rich_text_list":
            return _list(part, names)
        case _:
            return ""


def _list(part: Json, names: Names) -> str:
    tag = "ol" if part.get("style") == "ordered" else "ul"
    indent = max(0, min(int(part.get("indent", 0)), 8))
    start = f' start="{int(part["offset"]) + 1}"' if tag == "ol" and part.get("offset") else ""
    items = "".join(f"<li>{_leaves(item, names)}</li>" for item in part.get("elements", ()))
    return f'<{tag} class="indent-{indent}"{start}>{items}</{tag}>'


def _leaves(part: Json, names: Names, *, breaks: bool = True) -> str:
    html = "".join(_leaf(leaf, names) for leaf in part.get("elements", ()))
    return html.replace("\n", "<br>") if breaks else html


def _leaf(leaf: Json, names: Names) -> str:
    html = _bare(leaf, names)
    style = leaf.get("style") or {}
    for name, tag in _STYLES:
        if style.get(name):
            html = f"<{tag}>{html}</{tag}>"
    return html


def _bare(leaf: Json, names: Names) -> str:  # noqa: PLR0911 - one a kind
    match leaf:
        case {"type": "text", "text": str(text)}:
            return escape(text)
        case {"type": "link", "url": str(url)}:
            return link(url, str(leaf.get("text") or ""))
        case {"type": "emoji", "name": str(name)}:
            return escape(character(name))
        case {"type": "user", "user_id": str(user)}:
            return mention(names.users.get(user, user), user=user)
        case {"type": "usergroup", "usergroup_id": str(group)}:
            return mention(names.groups.get(group, group))
        case {"type": "channel", "channel_id": str(channel)}:
            return mention(names.channels.get(channel, channel), sign="#")
        case {"type": "broadcast", "range": str(reach)}:
            return mention(reach, user="everyone")
        case {"type": "date", "timestamp": int(unix)}:
            form = escape(str(leaf.get("format", "{date} {time}")))
            fallback = escape(str(leaf.get("fallback") or unix))
            return f'<time data-unix="{unix}" data-form="{form}">{fallback}</time>'
        case _:
            return ""
