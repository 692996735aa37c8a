"""Messages as lines for a terminal: what is read, without any markup."""

from typing import Any

import pytest

from crewgate.demo.playground.render_html import Names
from crewgate.demo.scenario import WIDTH, read_markdown, read_message
from crewgate.demo.workspace.blocks import Json
from tests.standins.workspace import File, Message

NAMES = Names({"U0ANA": "Ana"}, {"S0OPS": "platform"}, {"C0": "reviews"})


def a_message(text: str, **more: Any) -> Message:
    return Message(channel="C0", ts="1.0", user="U0BOT", text=text, **more)


def read(*blocks: Json, text: str = "never read beside blocks") -> list[str]:
    return read_message(a_message(text, blocks=blocks), NAMES)


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def test_a_card_is_what_a_person_reads_of_it() -> None:
    option = {"text": plain("History"), "value": "history"}
    menu = {"type": "overflow", "action_id": "menu", "options": [option]}
    buttons = [
        {"type": "button", "action_id": name, "text": plain(name), "value": "1"}
        for name in ("Approve", "Revise")
    ]
    assert read(
        {"type": "header", "text": plain("Ready :hourglass:")},
        {"type": "section", "text": mrkdwn("*Research* for <@U0ANA>"), "accessory": menu},
        {
            "type": "context",
            "elements": [mrkdwn("Round 1 ·"), mrkdwn("<!date^1^{time}|1970-01-01 00:00 UTC>")],
        },
        {"type": "section", "fields": [mrkdwn("`left`"), mrkdwn("<https://x.example|right>")]},
        {"type": "divider"},
        {"type": "markdown", "text": "## Title\n\nA **bold** word."},
        {"type": "actions", "elements": buttons},
        {"type": "unheard_of"},
    ) == [
        "Ready ⌛",
        "",
        "Research for @Ana",
        "Round 1 · 1970-01-01 00:00 UTC",
        "left",
        "right",
        "────────────",
        "",
        "Title",
        "",
        "A bold word.",
        "",
        "[ Approve ]  [ Revise ]",
    ]


def test_a_message_without_blocks_is_its_text_and_a_file_its_title() -> None:
    file = File("F1", "out.md", 3, title="The output", content=b"abc")
    message = a_message("Hello *you*\n\n&gt; quoted\nin <#C0>")
    assert read_message(message, NAMES) == ["Hello you", "", "> quoted", "", "in #reviews"]
    assert read_message(a_message("See", files=(file,)), NAMES) == ["See", "[file] The output"]


def test_rich_text_is_read_too() -> None:
    section = {
        "type": "rich_text_section",
        "elements": [
            {"type": "text", "text": "Hi ", "style": {"bold": True}},
            {"type": "usergroup", "usergroup_id": "S0OPS"},
        ],
    }
    listed = {"type": "rich_text_list", "style": "bullet", "elements": [section, section]}
    quote = {"type": "rich_text_quote", "elements": section["elements"]}
    code = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a\n  b"}]}
    block = {"type": "rich_text", "elements": [section, listed, quote, code]}
    assert read(block) == [
        *("Hi @platform", "", "- Hi @platform", "- Hi @platform", ""),
        *("> Hi @platform", "", "a", "  b"),
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("one  \ntwo", ["one", "two"]),
        ("# A\ntext", ["A", "", "text"]),
        ("- a\n- b\n\nend", ["- a", "- b", "", "end"]),
        ("> a\n> b\n\nc", ["> a", "> b", "", "c"]),
        ("a\n\n---\n\nb", ["a", "", "────────────", "", "b"]),
        ("```\nx = 1\n\ny = 2\n```\nend", ["x = 1", "", "y = 2", "", "end"]),
        ("| a | bb |\n|---|---|\n| 111 | 2 |", ["a               bb", "111             2"]),
        ("| a |\n|---|\n| b | c |", ["a", "b"]),
        ("~~old~~ & <b>new</b> &amp;", ["old & <b>new</b> &"]),
    ],
)
def test_markdown(text: str, lines: list[str]) -> None:
    assert read_markdown(text) == lines


def test_long_lines_are_broken_between_words_and_tables_are_not() -> None:
    lines = read_markdown("- " + "word " * 60)
    assert all(len(line) <= WIDTH for line in lines)
    assert [line[:3] for line in lines] == ["- w", *["  w"] * (len(lines) - 1)]
    [head, *_] = read_markdown(f"| {'wide ' * 40} |\n|---|\n| x |")
    assert len(head) > WIDTH
