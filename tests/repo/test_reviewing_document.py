"""`docs/reviewing.md` is one page, and names what reviewers see by its real name."""

from __future__ import annotations

import re

from tests.repo.files import code_strings, read

PAGE_LINES = 100


CARDS = "\n## Each card, as it looks\n"


def page() -> str:
    """The document without the cards at its end."""
    return read("docs/reviewing.md").partition(CARDS)[0]


def test_it_is_one_page() -> None:
    assert CARDS in read("docs/reviewing.md")
    assert len(page().splitlines()) <= PAGE_LINES


def test_every_button_and_menu_entry_exists() -> None:
    said = set(code_strings("bot/crewgate/slack").splitlines())
    named = re.findall(r"^\| \*\*(.+?)\*\* \|", read("docs/reviewing.md"), flags=re.MULTILINE)
    assert set(named) >= {"Approve", "Revise"}
    assert set(named) <= said


def test_every_label_and_quotation_is_what_slack_shows() -> None:
    text = page().partition("\n## ")[2]
    cards = read("docs/reviewing.md").partition(CARDS)[2]  # each as it is rendered
    said = code_strings("bot/crewgate/slack") + cards
    labels = re.findall(r"(?<!\*)\*([A-Z][^*\n]*)\*(?!\*)", text)
    quotations = re.findall(r"“([^”]+)”", text)
    assert len(labels) >= 4
    assert len(quotations) >= 2
    assert [text for text in (*labels, *quotations) if text not in said] == []


def test_every_command_is_in_the_help() -> None:
    said = code_strings("bot/crewgate/slack")
    commands = re.findall(r"^\| `/crew ([a-z ]+)", read("docs/reviewing.md"), flags=re.MULTILINE)
    named = {"pending", "status", "kickoff", "rules", "away", "back", "help"}
    assert {command.split()[0] for command in commands} == named
    assert all(f"`… {command.strip()}" in said for command in commands)
