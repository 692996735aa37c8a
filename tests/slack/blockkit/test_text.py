"""Text from outside: nobody is called, nothing is hidden, nothing is lost, and cuts are clean."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.slack.blockkit.excerpts import excerpt, first_part, length
from bot.slack.blockkit.text import (
    JOINER,
    ago,
    clean,
    code,
    date,
    duration,
    escape_mrkdwn,
    is_blank,
    mrkdwn_code,
    neutralise_markdown,
    one_line,
    plain,
    utf16_length,
)

NASTY = (
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<#C1|general>",
    "<!subteam^S1>",
    "<!date^1^{date}|now>",
    "<https://evil.example|bank>",
    "&lt;!channel&gt;",
    "&#60;@U1&#x3E;",
    "&LT;!here&GT;",
    "<&#33;channel>",
    "<\\!channel>",
    "[bank](https://evil.example)",
    "[bank](<https://evil.example> 'yes')",
    "![cat](https://evil.example/cat.png)",
    "[![build](https://i.example)](https://ci.example)",
    "[bank][1]",
    "[1]: https://evil.example",
    "[x](javascript:alert)",
    "<https://plain.example/path>",
    "<me@example.com>",
    "<!-- hidden -->",
    "<b>bold</b>",
    "@channel",
    "@here",
    "```",
    "`",
    "~~~",
    "    ",
    "\n",
    "\r\n",
    "\n\n",
    "> ",
    "- ",
    "| a | b |",
    "[",
    "](",
    "\\",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ud800",
    "שלום",
    "👩‍👩‍👧",
    "e\u0301",
    "R&D",
    "word",
)
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=6)), max_size=40).map("".join)

ALIVE = re.compile(r"<[!@#/?A-Za-z]")


def tokens(markdown: str) -> list[Token]:
    """Everything a Markdown parser of somebody else's finds, flattened."""
    return [
        inner
        for outer in MarkdownIt("commonmark").enable("table").parse(markdown)
        for inner in (outer, *(outer.children or ()))
    ]


def words_of(text: str) -> list[str]:
    """What a reader reads, without punctuation."""
    return re.findall(r"\w+", text.replace(JOINER, ""))


@given(texts)
def test_markdown_from_outside_calls_nobody_whether_or_not_entities_are_decoded(
    text: str,
) -> None:
    safe = neutralise_markdown(text)
    assert not ALIVE.search(safe)
    assert not ALIVE.search(html.unescape(safe))
    assert not re.search(r"@(channel|here|everyone)", safe)
    for token in tokens(safe):
        assert not ALIVE.search(token.content)


@given(texts)
def test_markdown_from_outside_has_no_links_images_or_html(text: str) -> None:
    kinds = {token.type for token in tokens(neutralise_markdown(text))}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}


@example("0\u202e[bank](https://evil.example)")
@given(texts)
def test_markdown_from_outside_loses_no_word(text: str) -> None:
    assert words_of(neutralise_markdown(text)) == words_of(clean(text))


@given(texts)
def test_what_is_neutral_stays_as_it_is(text: str) -> None:
    once = neutralise_markdown(text)
    assert neutralise_markdown(once) == once


@given(texts)
def test_cleaned_text_can_be_sent_and_has_no_control_characters(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", cleaned)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("see [docs](https://a.example)", "see docs (https://a.example)"),
        ("[docs](https://a.example/x_(y))", "docs (https://a.example/x_(y))"),
        ('[docs](https://a.example "t")', 'docs (https://a.example "t")'),
        ("[https://a.example](https://a.example)", "https://a.example"),
        ("[https://a.example](https://b.example)", "https://a.example (https://b.example)"),
        ("![cat](https://a.example)", "cat (https://a.example)"),
        ("[](https://a.example)", "(https://a.example)"),
        (
            "[![b](https://i.example)](https://c.example)",
            "b (https://i.example) (https://c.example)",
        ),
        ("<https://a.example>", "https://a.example"),
        ("<https://a.example|bank>", f"<{JOINER}https://a.example|bank>"),
        ("[x][1]\n\n[1]: https://a.example", f"[x][1]\n\n[1]{JOINER}: https://a.example"),
        ("[x](mailto:a@b.example)", f"[x]{JOINER}(mailto:a@b.example)"),
        ("`[x](https://a.example)`", f"`[x]{JOINER}(https://a.example)`"),
        ("``a ` [x](https://a.example)``", f"``a ` [x]{JOINER}(https://a.example)``"),
        ("```\n[x](https://a.example)\n```", f"```\n[x]{JOINER}(https://a.example)\n```"),
        ("&lt;b&gt;", f"&{JOINER}lt;b&{JOINER}gt;"),
        ("https://a.example?x=1&y=2&lt=3", "https://a.example?x=1&y=2&lt=3"),
        ("R&D, a < b, x <= y, a & b", "R&D, a < b, x <= y, a & b"),
        ("a\x00b\x7f\x85c\r\nd", "a␀b␡\nc\nd"),
        ("שלום \u200fworld", "שלום \u200fworld"),
    ],
)
def test_markdown_reads_like_this(written: str, shown: str) -> None:
    assert neutralise_markdown(written) == shown


def test_structure_stays_as_written() -> None:
    written = (
        "# Title\n\n- one\n  - two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "> quoted **bold** _it_\n\n```python\nif a < b:\n    print('x')\n```\n"
    )
    assert neutralise_markdown(written) == written


@given(texts)
def test_mrkdwn_from_outside_has_no_markup_of_slack(text: str) -> None:
    escaped = escape_mrkdwn(text)
    assert not re.search("[<>]", escaped)
    back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back == clean(text)


@given(st.text(alphabet="&<>a😀\u0301\n\r", max_size=60), st.integers(2, 30))
def test_escaped_text_is_cut_within_its_limit_and_never_inside_an_entity(
    text: str, limit: int
) -> None:
    escaped = escape_mrkdwn(text, limit)
    assert utf16_length(escaped) <= limit
    assert not re.search(r"&(?!(?:amp|lt|gt);)", escaped)
    if escaped != escape_mrkdwn(text):
        assert escaped.endswith("…")


@given(texts, st.integers(2, 80))
def test_names_are_one_line_within_their_limit(text: str, limit: int) -> None:
    for shown in (one_line(text, limit), plain(text, limit)):
        assert utf16_length(shown) <= limit
        assert "\n" not in shown
        assert not ALIVE.search(shown)


def test_a_name_of_endless_spaces_says_that_something_follows() -> None:
    assert one_line(" " * 1_000 + "name", 10) == "…"


@given(texts)
def test_code_cannot_be_ended_by_what_is_in_it(text: str) -> None:
    assert "``" not in code(text)
    assert "``" not in mrkdwn_code(text)


def test_an_emoji_and_an_accent_are_not_torn() -> None:
    assert escape_mrkdwn("ab👩‍👧cd", 6) == "ab…"
    assert escape_mrkdwn("abcde\u0301fg", 6) == "abcd…"


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u2060\ufeff", "\u202e"])
def test_nothing_to_see_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(text + "x")


# --- excerpts ------------------------------------------------------------------------------------

sentences = st.lists(st.sampled_from(["Alpha beta gamma.", "Δ ε.", "x" * 30, "<@U1>"]), min_size=1)
documents = st.lists(
    st.one_of(
        sentences.map(" ".join),
        st.integers(1, 30).map(
            lambda rows: "| a | b |\n|---|---|\n" + "\n".join(["| one | two |"] * rows)
        ),
        st.tuples(st.sampled_from(["```", "~~~~", "````"]), st.integers(0, 40)).map(
            lambda fence: f"{fence[0]}python\n" + "call(x)\n\n" * fence[1] + fence[0]
        ),
        st.integers(1, 20).map(lambda items: "\n".join(["- item"] * items)),
    ),
    min_size=1,
    max_size=12,
).map("\n\n".join)


@given(st.one_of(texts, documents), st.integers(40, 400))
def test_an_excerpt_is_a_beginning_within_its_limit(text: str, limit: int) -> None:
    shown, left_out = excerpt(text, limit)
    assert utf16_length(shown) <= limit
    whole = neutralise_markdown(text)
    assert left_out or shown == whole
    begins = words_of(shown)
    expected = words_of(clean(text))[: len(begins)]
    # The last word may be cut, and a fence that is closed adds no word.
    assert begins[:-1] == expected[:-1]
    assert not begins or expected[-1].startswith(begins[-1])


@given(documents, st.integers(60, 400))
def test_an_excerpt_never_ends_inside_code_or_a_row(text: str, limit: int) -> None:
    shown, _ = excerpt(text, limit)
    last = tokens(shown + "\n\nTHE END")[-2]
    assert last.content == "THE END"
    rows = {line for line in text.split("\n") if line.startswith("|")}
    assert rows.issuperset(line for line in shown.split("\n") if line.startswith("|"))


PARAGRAPH = "Some words here. More words there."


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        (f"{PARAGRAPH}\n\n{PARAGRAPH}", 60, PARAGRAPH),
        (f"{PARAGRAPH}\n{PARAGRAPH}", 60, PARAGRAPH),
        (PARAGRAPH, 25, "Some words here."),
        ("one two three four", 11, "one two"),
        ("x" * 50, 10, "x" * 10),
        (f"{PARAGRAPH}\n\n```\na\nb\nc\nd\n```", 45, PARAGRAPH),
        ("```\n" + "line\n" * 20 + "```", 30, "```\nline\nline\nline\nline\n```"),
        ("> ~~~\n" + "> line\n" * 20 + "> ~~~", 28, "> ~~~\n> line\n> line\n> ~~~"),
        ("1. ```\n   line\n   line\n   ```", 22, "1. ```\n   line\n   ```"),
        ("| a | b |\n|---|---|\n| " + "c" * 50 + " |", 60, "| a | b |\n|---|---|"),
    ],
)
def test_a_cut_is_made_where_a_reader_would_make_it(text: str, limit: int, shown: str) -> None:
    assert excerpt(text, limit) == (shown, True)


def test_a_text_that_just_fits_is_whole() -> None:
    assert excerpt("x" * 100, 100) == ("x" * 100, False)
    assert excerpt("\r\n" * 100, 100) == ("\n" * 100, False)


def test_where_nothing_fits_nothing_is_shown() -> None:
    assert excerpt("😀😀", 1) == ("", True)


@pytest.mark.parametrize(
    "pattern",
    ["word ", "<a", "`", "\n", "[a](http://x)", "- ", "&lt;", "😀", "[[", "`` ` ", "](", "\r\n"],
)
def test_half_a_million_characters_cost_no_more_than_what_is_shown(pattern: str) -> None:
    text = pattern * (500_000 // len(pattern))
    rendered: list[int] = []

    def counting(part: str) -> str:
        rendered.append(len(part))
        return neutralise_markdown(part)

    shown, characters = first_part(text, 1_000, render=counting)
    assert utf16_length(shown) <= 1_000
    assert characters < length(text)
    assert sum(rendered) < 20 * 1_000


# --- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=3, seconds=50), "3 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=3, hours=4), "3 days 4 h"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_durations_are_short(span: timedelta, said: str) -> None:
    assert duration(span) == said


def test_what_has_just_happened_is_just_now_even_if_clocks_disagree() -> None:
    now = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
    assert ago(now, now) == "just now"
    assert ago(now + timedelta(minutes=1), now) == "just now"
    assert ago(now - timedelta(minutes=3), now) == "3 min ago"


def test_a_date_is_shown_in_the_readers_time_zone_and_has_a_fallback() -> None:
    at = datetime(2025, 3, 1, 12, 0, 30, tzinfo=UTC)
    assert date(at) == "<!date^1740830430^{date_short_pretty} {time}|2025-03-01 12:00 UTC>"
