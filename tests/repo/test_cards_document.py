"""Each state of a card is drawn as it is rendered; `docs/cards.md` shows eight of the drawings."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.repo import call_cards, cards, rule_cards
from tests.repo.files import read

SHOWN = re.compile(r"^\*\*(.+?)\*\*\n\n<!-- card -->\n```\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
DRAWINGS: Final[dict[str, Callable[[], Iterator[tuple[str, list[str]]]]]] = {
    "cards": cards.drawings,
    "call_cards": call_cards.drawings,
    "rule_cards": rule_cards.drawings,
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_each_drawing_is_as_it_is_rendered(name: str) -> None:
    """`python -m tests.repo.cards`, and so on, prints them anew."""
    drawn = ("\n".join((f"== {title}", *lines, "\n")) for title, lines in DRAWINGS[name]())
    assert read(f"tests/repo/{name}.txt") == "".join(drawn)


def test_the_page_shows_eight_cards_as_they_are_drawn() -> None:
    shown = {name: lines.split("\n") for name, lines in SHOWN.findall(read("docs/cards.md"))}
    drawn = dict((*cards.drawings(), *call_cards.drawings()))
    assert len(shown) == 8
    assert shown == {name: drawn[name] for name in shown}
