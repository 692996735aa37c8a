"""`docs/rules.md` explains each key of a rule, with what Slack shows of it."""

import re

from crewgate.domain.rules.rule import Rule
from crewgate.settings.options import options_of
from tests.repo.files import fences, read
from tests.repo.rule_cards import drawings


def test_each_key_has_its_section_in_the_order_of_the_keys() -> None:
    sections = re.findall(r"^### `(\w+)`$", read("docs/rules.md"), flags=re.MULTILINE)
    assert sections == [option.name for option in options_of(Rule)]


def test_each_card_is_drawn_as_it_is_rendered() -> None:
    """`python -m tests.repo.rule_cards` prints what has to stand there."""
    shown = {
        name: text.removesuffix("\n").split("\n")
        for name, text in fences("docs/rules.md", r"<!-- rule card: ([\w ]+) -->")
    }
    assert shown == dict(drawings())
