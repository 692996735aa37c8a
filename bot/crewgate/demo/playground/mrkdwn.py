"""Slack's mrkdwn as HTML: everything escaped except the markup made here.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from dataclasses import dataclass, field
from html import escape
from typing import Final

from crewgate.demo.playground.emoji import with_emoji
from crewgate.demo.workspace.text import readable

_FENCE: Final = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_CONTROL: Final = re.compile(r"<([^<>\n]+)>")
_BARE_URL: Final = re.compile(r"https?://[^\s<>|`]+[^\s<>|`.,;:!?)*_~]")
_KEPT: Final = re.compile("\ue000(\\d+)\ue001")
_MARKS: Final = re.compile("[\ue000\ue001]")
_STYLES: Final = tuple(
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
    """HTML; without `verbatim`, addresses become links by themselves."""
    kept: list[str] = []

    def keep(html: str) -> str:
        kept.append(html)
        return f"\ue000{len(kept) - 1}\ue001"

    def restore(html: str) -> str:
        while _KEPT.search(html):
            html = _KEPT.sub(lambda match: kept[int(match[1])], html)
        return html

    def without_controls(inside: str) -> str:
        return _CONTROL.sub(lambda match: match[1].rpartition("|")[2], inside)

    text = _MARKS.sub("", text)
    text = _FENCE.sub(lambda match: keep(f"<pre>{_text(without_controls(match[1]))}</pre>"), text)
    text = _CODE.sub(lambda match: keep(f"<code>{_text(without_controls(match[1]))}</code>"), text)
    text = _CONTROL.sub(lambda match: keep(control(match[1], names)), text)
    if not verbatim:
        text = _BARE_URL.sub(lambda match: keep(link(readable(match[0]))), text)
    html = with_emoji(_text(text))
    for pattern, tag in _STYLES:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    return restore(_lines(html))


def plain(text: str) -> str:
    """Plain text as HTML: only emoji are more than letters."""
    return with_emoji(escape(text)).replace("\n", "<br>")


def control(inside: str, names: Names) -> str:
    """HTML of a control sequence in angle brackets: a mention, a date, a link."""
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
    """A link that opens elsewhere; an address that is not http is shown as text."""
    if not is_web(address):
        return escape(f"<{address}|{label}>" if label else f"<{address}>")
    shown = escape(label or address)
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{shown}</a>'


def is_web(address: str) -> bool:
    return address.lower().startswith(("http://", "https://"))


def _text(text: str) -> str:
    return escape(readable(text))


def _date(target: str, fallback: str) -> str:
    """A point in time, which the browser formats in its own time zone."""
    parts = target.split("^")
    unix, form = (*parts[1:3], "", "")[:2]
    if not unix.isdigit():
        return escape(fallback)
    return (
        f'<time data-unix="{unix}" data-form="{escape(form)}">{escape(readable(fallback))}</time>'
    )


def _lines(html: str) -> str:
    """Lines as they stand, those after `>` as quotations."""
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
