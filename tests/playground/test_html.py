"""People's and agents' texts, as HTML."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.demo.playground.render_html import (
    Names,
    character,
    markdown,
    mrkdwn,
    plain,
    render_blocks,
    rich_text,
)

NAMES = Names({"U1": "Ana"}, {"S1": "leads"}, {"C1": "reviews"})
SLACK = Path(__file__).parents[2] / "bot" / "crewgate" / "slack"
WEB = 'target="_blank" rel="noopener noreferrer"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _slanted_ ~gone~", "<b>bold</b> <i>slanted</i> <s>gone</s>"),
        ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"),
        ("*a\nb*", "*a<br>b*"),
        ("`*code*`", "<code>*code*</code>"),
        ("a\n```\nx < y\n  *z*\n```\nb", "a<br><pre>x &lt; y\n  *z*</pre><br>b"),
        ('&lt;b&gt; &amp;lt; "q"', "&lt;b&gt; &amp;lt; &quot;q&quot;"),
        ("said:\n> one\n> two\nend", "said:<blockquote>one<br>two</blockquote>end"),
        ("<@U1>", '<span class="mention" data-user="U1">@Ana</span>'),
        ("<@U2|bo>", '<span class="mention" data-user="U2">@bo</span>'),
        ("<!subteam^S1>", '<span class="mention" data-user="">@leads</span>'),
        ("<#C1|x>", '<span class="mention" data-user="">#reviews</span>'),
        ("<!here>", '<span class="mention" data-user="everyone">@here</span>'),
        ("<https://a.b/?x&amp;y|see>", f'<a href="https://a.b/?x&amp;y" {WEB}>see</a>'),
        ("<javascript:alert(1)|see>", "&lt;javascript:alert(1)|see&gt;"),
        ("<odd>", "&lt;odd&gt;"),
        ("on https://a.b/c.", f'on <a href="https://a.b/c" {WEB}>https://a.b/c</a>.'),
        (":tada: :no_such:", "🎉 :no_such:"),
        ("<!date^5^{date}|then>", '<time data-unix="5" data-form="{date}">then</time>'),
        ("<!date^x^{date}|then>", "then"),
        ("\ue0000\ue001", "0"),
    ],
)
def test_mrkdwn(text: str, html: str) -> None:
    assert mrkdwn(text, NAMES) == html


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("+1", "👍"),  # a name of Slack's own
        ("rocket", "🚀"),  # Unicode's name
        ("gear", "⚙️"),  # text, unless told to be a picture
        ("sparkles", "✨"),
        ("space", ":space:"),
        ("copyright_sign", "©️"),
        ("no_such", ":no_such:"),
    ],
)
def test_emoji_by_slack_s_name_or_by_unicode_s(name: str, shown: str) -> None:
    assert character(name) == shown


def test_every_emoji_that_the_bot_uses_is_shown() -> None:
    words = "".join(file.read_text(encoding="utf-8") for file in SLACK.rglob("*.py"))
    used = set(re.findall(r"(?<![\w:]):([a-z][a-z0-9_]*[a-z]):(?!\w)", words)) - {"name"}
    assert "checkered_flag" in used
    assert [name for name in used if character(name) == f":{name}:"] == []


def test_addresses_in_verbatim_texts_stay_text() -> None:
    assert mrkdwn("https://a.b", NAMES, verbatim=True) == "https://a.b"


def test_plain_text_has_emoji_and_nothing_else() -> None:
    assert plain("<b> :x:\n*a*") == "&lt;b&gt; ❌<br>*a*"


@given(st.text(alphabet="<>&*_~`|!@#^ab\n \"'/:.\ue0000\ue001"))
def test_mrkdwn_lets_no_markup_through(text: str) -> None:
    html = mrkdwn(text, NAMES)
    for tag in html.split("<")[1:]:
        name = tag.lstrip("/").split(">")[0].split(" ")[0]
        assert name in {"b", "i", "s", "br", "pre", "code", "blockquote", "span", "a", "time"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        ("[a](javascript:b)", "<p>[a](javascript:b)</p>\n"),
        ("[a](https://b.c)", f'<p><a href="https://b.c" {WEB}>a</a></p>\n'),
        ("![a](https://b.c)", f'<p>!<a href="https://b.c" {WEB}>a</a></p>\n'),
        ("~~a~~ b\nc :x:", "<p><s>a</s> b<br />\nc ❌</p>\n"),
        ("- [ ] a\n- [x] b", "<ul>\n<li>☐ a</li>\n<li>☑ b</li>\n</ul>\n"),
    ],
)
def test_markdown(text: str, html: str) -> None:
    assert markdown(text) == html


def test_a_table_keeps_its_alignment_without_inline_styles() -> None:
    html = markdown("| a | b |\n|:--|--:|\n| 1 | 2 |")
    assert '<div class="table" tabindex="0"><table>' in html
    assert '<th class="left">a</th>' in html
    assert '<td class="right">2</td>' in html
    assert "style" not in html


def _section(*leaves: dict[str, Any]) -> dict[str, Any]:
    section = {"type": "rich_text_section", "elements": list(leaves)}
    return {"type": "rich_text", "elements": [section]}


@pytest.mark.parametrize(
    ("leaf", "html"),
    [
        ({"type": "text", "text": "<a>\nb"}, "&lt;a&gt;<br>b"),
        (
            {"type": "text", "text": "x", "style": {"bold": True, "code": True}},
            "<b><code>x</code></b>",
        ),
        ({"type": "link", "url": "https://a.b", "text": "c"}, f'<a href="https://a.b" {WEB}>c</a>'),
        ({"type": "link", "url": "javascript:x"}, "&lt;javascript:x&gt;"),
        ({"type": "emoji", "name": "x"}, "❌"),
        ({"type": "user", "user_id": "U1"}, '<span class="mention" data-user="U1">@Ana</span>'),
        (
            {"type": "usergroup", "usergroup_id": "S1"},
            '<span class="mention" data-user="">@leads</span>',
        ),
        (
            {"type": "channel", "channel_id": "C1"},
            '<span class="mention" data-user="">#reviews</span>',
        ),
        (
            {"type": "broadcast", "range": "here"},
            '<span class="mention" data-user="everyone">@here</span>',
        ),
        (
            {"type": "date", "timestamp": 5, "format": "{time}", "fallback": "then"},
            '<time data-unix="5" data-form="{time}">then</time>',
        ),
        ({"type": "odd"}, ""),
    ],
)
def test_rich_text(leaf: dict[str, Any], html: str) -> None:
    assert rich_text(_section(leaf), NAMES) == f"<p>{html}</p>"


def test_rich_text_has_lists_code_and_quotations() -> None:
    def part(kind: str, **more: Any) -> dict[str, Any]:
        return {"type": f"rich_text_{kind}", "elements": [{"type": "text", "text": "a\nb"}], **more}

    items = {**part("list", style="ordered", indent=1, offset=2), "elements": [part("section")]}
    parts = [part("preformatted"), part("quote"), items, part("list", elements=[]), part("odd")]
    assert rich_text({"elements": parts}, NAMES) == (
        "<pre>a\nb</pre><blockquote>a<br>b</blockquote>"
        '<ol class="indent-1" start="3"><li>a<br>b</li></ol><ul class="indent-0"></ul>'
    )


def test_every_text_of_a_block_gets_its_html() -> None:
    option = {"text": {"type": "plain_text", "text": "<1>"}, "value": "1"}
    block = {
        "type": "section",
        "fields": [{"type": "mrkdwn", "text": "*a*"}],
        "accessory": {"type": "overflow", "options": [option]},
    }
    [made] = render_blocks([block], NAMES)
    assert made["fields"][0] == {"text": "*a*", "html": "<b>a</b>"}
    assert made["accessory"]["options"][0]["text"]["html"] == "&lt;1&gt;"
    assert made["accessory"]["options"][0]["value"] == "1"
