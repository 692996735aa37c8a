"""The pages for reviewers name what they see by its real name; the one to pin is short."""

import re

import pytest

from tests.repo.files import code_strings, read

PAGE_WORDS = 300
PAGES = ("docs/reviewing.md", "docs/cards.md")


def test_the_page_to_pin_is_short() -> None:
    assert len(read("docs/reviewing.md").split()) <= PAGE_WORDS


def test_every_button_and_menu_entry_exists() -> None:
    said = set(code_strings("bot/crewgate/slack").splitlines())
    named = re.findall(r"^\| \*\*(.+?)\*\* \|", read("docs/reviewing.md"), flags=re.MULTILINE)
    assert set(named) >= {"Approve", "Revise"}
    assert set(named) <= said


@pytest.mark.parametrize("page", PAGES)
def test_every_label_and_quotation_is_what_slack_shows(page: str) -> None:
    words = code_strings("bot/crewgate/slack") + read("tests/repo/cards.txt")
    text = read(page).partition("\n## Eight cards\n")[0].partition("*\n\n")[2]
    labels = re.findall(r"(?<!\*)\*([A-Z][^*\n]*)\*(?!\*)", text)
    quotations = re.findall(r"“([^”]+)”", text)
    assert len(labels) >= 3
    assert quotations
    assert [text for text in (*labels, *quotations) if text not in words] == []


def test_every_command_is_in_the_help() -> None:
    words = code_strings("bot/crewgate/slack")
    commands = re.findall(r"`/crew ([a-z ]+)", read("docs/reviewing.md"))
    named = {
        "pending",
        "status",
        "kickoff",
        "stats",
        "lessons",
        "rules",
        "away",
        "back",
        "morning",
        "help",
    }
    assert {command.split()[0] for command in commands} == named
    assert all(f"`… {command.strip()}" in words for command in commands)
    offered = re.findall(r'"/crew ([a-z]+)', read("bot/crewgate/demo/playground/static/channel.js"))
    assert set(offered) == named
