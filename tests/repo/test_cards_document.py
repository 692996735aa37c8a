"""`docs/cards.md` shows every state of a card as it looks."""

import re

from tests.repo.cards import drawings
from tests.repo.files import read

SHOWN = re.compile(r"^\*\*(.+?)\*\*\n\n<!-- card -->\n```\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def test_each_card_is_drawn_as_it_is_rendered() -> None:
    """`python -m tests.repo.cards` prints what has to stand there."""
    shown = {name: lines.split("\n") for name, lines in SHOWN.findall(read("docs/cards.md"))}

    assert shown == dict(drawings())
