"""Text from outside: nobody is called, nothing is hidden, nothing is lost, and cuts are clean."""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crewgate.slack.blockkit.text import (
    JOINER,
    clean,
    code,
    escape_mrkdwn,
    is_blank,
    mrkdwn_code,
    neutralise_markdown,
    one_line,
    plain,
    utf16_length,
)
from tests.slack.blockkit.hostile import texts, tokens, words_of

ALIVE = re.compile(r"<[!@#/?A-Za-z]")


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


@given(texts, st.integers(3, 80))  # a mark in backticks
def test_names_are_one_line_within_their_limit(text: str, limit: int) -> None:
    for shown in (one_line(text, limit), plain(text, limit)):
        assert utf16_length(shown) <= limit
        assert "\n" not in shown
        assert not ALIVE.search(shown)


@pytest.mark.parametrize("number", ["1250000", "1,250,000", "60 000", "12.50"])
def test_no_number_is_cut_inside(number: str) -> None:
    text = f"The sum of EUR {number} is due"
    for limit in range(2, len(text)):
        shown = one_line(text, limit).removesuffix("…").rstrip()
        assert number in shown or not any(char.isdigit() for char in shown), shown


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
