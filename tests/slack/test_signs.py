"""The signs of states are one set, and nothing else uses their emoji."""

from __future__ import annotations

from pathlib import Path

import crewgate.slack
from crewgate.demo.playground.emoji import CHARACTERS
from crewgate.slack import signs

SIGNS = {name: sign for name, sign in vars(signs).items() if name.isupper()}


def test_each_state_has_a_sign_of_its_own_that_the_page_can_show() -> None:
    assert len(set(SIGNS.values())) == len(SIGNS) == 10
    assert {sign.strip(":") for sign in SIGNS.values()} <= CHARACTERS.keys()


def test_nothing_else_uses_them() -> None:
    for path in Path(crewgate.slack.__file__).parent.rglob("*.py"):
        if path != Path(signs.__file__):
            text = path.read_text(encoding="utf-8")
            assert not [sign for sign in SIGNS.values() if sign in text], path
