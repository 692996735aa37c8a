"""Renders the texts of blocks to HTML on the server, so that the page parses no markup.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

import json
import re
import unicodedata
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from crewgate.demo.workspace.blocks import Json, readable

#: The characters of emoji to which Slack gives a name other than the one in Unicode.
CHARACTERS: Final[dict[str, str]] = json.loads(
    (Path(__file__).parent / "emoji.json").read_text(encoding="utf-8")
)

_EMOJI_NAME = re.compile(r":([a-z0-9_+-]+):")
#: Variation selector 16: shows a character that is text by default as a picture.
_AS_PICTURE: Final = "\ufe0f"


def character(name: str) -> str:
    """Return the emoji of this name, or `:name:` if there is none."""
    if name in CHARACTERS:
        return CHARACTERS[name]
    try:
        found = unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        found = ""
    if len(found) != 1 or unicodedata.category(found) != "So":
        return f":{name}:"
    # A wide character is shown as a picture even without the selector.
    return found if unicodedata.east_asian_width(found) == "W" else found + _AS_PICTURE


def with_emoji(text: str) -> str:
    return _EMOJI_NAME.sub(lambda match: character(match[1]), text)


_FENCE: Final = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_CONTROL: Final = re.compile(r"<([^<>\n]+)>")
_BARE_URL: Final = re.compile(r"https?://[^\s<>|`]+[^\s<>|`.,;:!?)*_~]")
_KEPT: Final = re.compile("\ue000(\\d+)\ue001")
_MARKS: Final = re.compile("[\ue000\ue001]")
_MRKDWN_STYLES: Final = tuple(
    (re.compile(rf"(?<![\w{mark}]){mark}(?=[^\s{mark}])([^{mark}\n]*[^\s{mark}]){mark}(?!\w)"), tag)
    for mark, tag in ((r"\*", "b"), ("_", "i"), ("~", "s"))
)
_QUOTE: Final = re.compile(r"&gt; ?(.*)")
_SPECIAL: Final = {"!here": "@here", "!channel": "@channel", "!everyone": "@everyone"}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of people, groups and channels by id."""

    users: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)


def mrkdwn(text: str, names: Names, *, verbatim: bool = False) -> str:
    """Render Slack's mrkdwn to HTML; without `verbatim`, bare addresses become links."""
    parts: list[str] = []

    def keep(html: str) -> str:
        parts.append(html)
        return f"\ue000{len(parts) - 1}\ue001"

    def restore(html: str) -> str:
        while _KEPT.search(html):
            html = _KEPT.sub(lambda match: parts[int(match[1])], html)
        return html

    def without_controls(inside: str) -> str:
        return _CONTROL.sub(lambda match: match[1].rpartition("|")[2], inside)

    text = _MARKS.sub("", text)
    text = _FENCE.sub(
        lambda match: keep(f"<pre>{_mrkdwn_text(without_controls(match[1]))}</pre>"), text
    )
    text = _CODE.sub(
        lambda match: keep(f"<code>{_mrkdwn_text(without_controls(match[1]))}</code>"), text
    )
    text = _CONTROL.sub(lambda match: keep(control(match[1], names)), text)
    if not verbatim:
        text = _BARE_URL.sub(lambda match: keep(link(readable(match[0]))), text)
    html = with_emoji(_mrkdwn_text(text))
    for pattern, tag in _MRKDWN_STYLES:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    return restore(_lines(html))


def plain(text: str) -> str:
    return with_emoji(escape(text)).replace("\n", "<br>")


def control(inside: str, names: Names) -> str:
    """Render a control sequence in angle brackets: a mention, a date, a link."""
    target, _, label = inside.partition("|")
    if target.startswith("!date^"):
        return _date(target, label)
    if target.startswith("@"):
        return mention(names.users.get(target[1:], label or target[1:]), user=target[1:])
    if target.startswith("!subteam^"):
        group = target.removeprefix("!subteam^")
        return mention(names.groups.get(group, label.lstrip("@") or group))
    if target.startswith("#"):
        return mention(names.channels.get(target[1:], label or target[1:]), sign="#")
    if target in _SPECIAL:
        return mention(_SPECIAL[target][1:], user="everyone")
    return link(readable(target), readable(label))


def mention(name: str, *, user: str = "", sign: str = "@") -> str:
    return f'<span class="mention" data-user="{escape(user)}">{sign}{escape(name)}</span>'


def link(address: str, label: str = "") -> str:
    """Render a link to a new tab; an address without http is shown as text."""
    if not is_web(address):
        return escape(f"<{address}|{label}>" if label else f"<{address}>")
    shown = escape(label or address)
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{shown}</a>'


def is_web(address: str) -> bool:
    return address.lower().startswith(("http://", "https://"))


def _mrkdwn_text(text: str) -> str:
    return escape(readable(text))


def _date(target: str, fallback: str) -> str:
    """Render a point in time, which the browser formats in its own time zone."""
    parts = target.split("^")
    unix, form = (*parts[1:3], "", "")[:2]
    if not unix.isdigit():
        return escape(fallback)
    return (
        f'<time data-unix="{unix}" data-form="{escape(form)}">{escape(readable(fallback))}</time>'
    )


def _lines(html: str) -> str:
    """Render lines, and lines after `>` as quotations."""
    done: list[str] = []
    quoted: list[str] = []

    def close() -> None:
        if quoted:
            done.append(f"<blockquote>{'<br>'.join(quoted)}</blockquote>")
            quoted.clear()

    for line in html.split("\n"):
        if (match := _QUOTE.fullmatch(line)) is not None:
            quoted.append(match[1])
        else:
            close()
            done.append(line)
    close()
    joined = "<br>".join(done)
    return re.sub(r"(?:<br>)?(<blockquote>.*?</blockquote>)(?:<br>)?", r"\1", joined)


_ALIGNED: Final = re.compile(r"text-align:(left|center|right)")
_CHECKBOX: Final = re.compile(r"\[([ xX])\] ")
_CACHE_SIZE: Final = 256
"""The number of cached texts; most are needed again at every change."""

_Env = MutableMapping[str, Any]


class _Renderer(RendererHTML):
    """HTML without inline styles, which the page's security policy forbids."""

    def text(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        """Render emoji, and the boxes of task lists, as characters."""
        content = tokens[at].content
        if at == 0 and (box := _CHECKBOX.match(content)):
            content = ("☐ " if box[1] == " " else "☑ ") + content[box.end() :]
        return with_emoji(escape(content))

    def th_open(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        return f"<th{_alignment(tokens[at])}>"

    def td_open(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        return f"<td{_alignment(tokens[at])}>"

    def table_open(self, _: Sequence[Token], __: int, ___: OptionsDict, ____: _Env) -> str:
        """Render a table that scrolls by itself, with the keyboard too."""
        return '<div class="table" tabindex="0"><table>'

    def table_close(self, _: Sequence[Token], __: int, ___: OptionsDict, ____: _Env) -> str:
        return "</table></div>"

    def link_open(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        address = escape(str(tokens[at].attrs.get("href", "")))
        return f'<a href="{address}" target="_blank" rel="noopener noreferrer">'


def _alignment(token: Token) -> str:
    found = _ALIGNED.search(str(token.attrs.get("style", "")))
    return f' class="{found[1]}"' if found else ""


def _parser() -> MarkdownIt:
    options = {"html": False, "breaks": True}
    parser = MarkdownIt("commonmark", options, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    # The page fetches nothing from elsewhere, so an image becomes a link to the image.
    parser.disable("image")
    parser.validateLink = is_web  # type: ignore[method-assign,assignment]  # the documented way
    return parser


_PARSER: Final = _parser()


@lru_cache(maxsize=_CACHE_SIZE)
def markdown(text: str) -> str:
    """Render Markdown to HTML, with links only to http and https."""
    return str(_PARSER.render(text))


def render_blocks(blocks: Sequence[Json], names: Names) -> list[Json]:
    return [_render(block, names) for block in blocks]


def _render(value: Any, names: Names) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if isinstance(value, dict):
        return _text(value, names) or {key: _render(item, names) for key, item in value.items()}
    return [_render(item, names) for item in value] if isinstance(value, list | tuple) else value


def _text(value: Json, names: Names) -> Json | None:
    """Return a text object with its HTML; None for anything else."""
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
