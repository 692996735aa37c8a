"""The soak finds what a rule decided by time and nobody could see."""

from dataclasses import replace

import pytest

from tests.soak.floods import Waited, wrong

WAITED = Waited(execution="e", announced=10, resumes=(60,), by_rule=True, posted=None)


@pytest.mark.parametrize(
    ("waited", "counted"),
    [
        (WAITED, [20]),
        (replace(WAITED, posted=11), []),
        (replace(WAITED, by_rule=False), []),
        (replace(WAITED, resumes=()), []),
    ],
)
def test_what_is_right(waited: Waited, counted: list[float]) -> None:
    assert list(wrong([waited], counted)) == []


@pytest.mark.parametrize(
    ("waited", "counted", "says"),
    [
        (WAITED, [], "no card had shown or counted it"),
        (WAITED, [9, 61], "no card had shown or counted it"),
        (replace(WAITED, posted=61), [], "no card had shown or counted it"),
        (replace(WAITED, resumes=(60, 61)), [20], "was resumed 2 times"),
    ],
)
def test_what_is_wrong(waited: Waited, counted: list[float], says: str) -> None:
    assert any(says in one for one in wrong([waited], counted))
