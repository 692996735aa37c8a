"""The icons of states are one set, and nothing else uses their emoji."""

from pathlib import Path

import crewgate.slack
from crewgate.demo.playground.render_html import character
from crewgate.slack.words import icons

ICONS = {name: icon for name, icon in vars(icons).items() if name.isupper()}


def test_each_state_has_an_icon_of_its_own_that_the_page_can_show() -> None:
    assert len(set(ICONS.values())) == len(ICONS) == 11
    assert [icon for icon in ICONS.values() if character(icon.strip(":")) == icon] == []


def test_nothing_else_uses_them() -> None:
    for path in Path(crewgate.slack.__file__).parent.rglob("*.py"):
        if path != Path(icons.__file__):
            text = path.read_text(encoding="utf-8")
            assert not [icon for icon in ICONS.values() if icon in text], path
