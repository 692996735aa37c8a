"""`docs/rules.md` explains the keys of a rule, with what Slack shows of some."""

import re

from crewgate.domain.rules.rule import Rule
from crewgate.settings.options import options_of
from tests.repo.files import fences, read, rows
from tests.repo.rule_cards import drawings

DOCUMENT = "docs/rules.md"


def test_the_sections_are_keys_in_their_order_and_keys_of_keys_have_one() -> None:
    sections = re.findall(r"^### `(\w+)`$", read(DOCUMENT), flags=re.MULTILINE)
    assert sections == [option.name for option in options_of(Rule) if option.name in sections]
    tables = set(re.findall(r"<!-- settings:(\w+) -->", read(DOCUMENT))) - {"rule"}
    assert tables <= set(sections)


def test_every_value_of_a_key_that_the_page_sets_belongs_to_a_key() -> None:
    keys = {name.strip("`") for name, *_ in rows(DOCUMENT, "settings:rule")}
    named = re.findall(r"`(\w+) = ", read(DOCUMENT))
    assert len(named) >= 5
    assert set(named) <= keys


def test_each_card_is_drawn_as_it_is_rendered() -> None:
    shown = {
        name: text.removesuffix("\n").split("\n")
        for name, text in fences(DOCUMENT, r"<!-- rule card: ([\w ]+) -->")
    }
    drawn = dict(drawings())
    assert shown
    assert shown == {name: drawn[name] for name in shown}
