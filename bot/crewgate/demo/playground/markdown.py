"""Markdown as HTML, by markdown-it, with raw HTML off: an agent's output cannot run script."""

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from crewgate.demo.playground.emoji import with_emoji
from crewgate.demo.playground.mrkdwn import is_web

_ALIGNED: Final = re.compile(r"text-align:(left|center|right)")
_CHECKBOX: Final = re.compile(r"\[([ xX])\] ")
_CACHE_SIZE: Final = 256
"""Rendered texts in the cache: the same ones are needed at every change."""

_Env = MutableMapping[str, Any]


class _Renderer(RendererHTML):
    """HTML without inline styles, which the page's security policy forbids."""

    def text(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        """Text, escaped; boxes of task lists and emoji as the characters they stand for."""
        content = tokens[at].content
        if at == 0 and (box := _CHECKBOX.match(content)):
            content = ("☐ " if box[1] == " " else "☑ ") + content[box.end() :]
        return with_emoji(escape(content))

    def th_open(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        return f"<th{_alignment(tokens[at])}>"

    def td_open(self, tokens: Sequence[Token], at: int, _: OptionsDict, __: _Env) -> str:
        return f"<td{_alignment(tokens[at])}>"

    def table_open(self, _: Sequence[Token], __: int, ___: OptionsDict, ____: _Env) -> str:
        """A table, which scrolls by itself when it is too wide, with the keyboard too."""
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
    # Nothing is fetched from anywhere: an image is a link to it.
    parser.disable("image")
    parser.validateLink = is_web  # type: ignore[method-assign,assignment]  # the documented way
    return parser


_PARSER: Final = _parser()


@lru_cache(maxsize=_CACHE_SIZE)
def markdown(text: str) -> str:
    """HTML; links only to http and https."""
    return str(_PARSER.render(text))
