"""Somebody is away for a while."""

from __future__ import annotations

from bot.domain.rules.absence import Absence
from tests.builders import ANA, BEN, LATER, NOW, SECOND


def test_somebody_is_away_from_the_first_moment_up_to_the_last() -> None:
    absence = Absence(away=ANA, delegate=BEN, since=NOW, until=LATER)
    assert [absence.holds(at) for at in (NOW - SECOND, NOW, LATER - SECOND, LATER)] == [
        False,
        True,
        True,
        False,
    ]
