"""Globs: as the standard library has them, without regard to case, in bounded time."""

import fnmatch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crewgate.domain.rules.patterns import has_open_bracket, matches_glob
from tests.worst_cases import LARGEST, SECONDS, seconds

TEXTS = st.text("abAB]!-[*?^\\\n", max_size=12)
PATTERNS = st.text("aB*?[]!-^\\", max_size=10)
PLAIN = st.text("ab*", max_size=5)


@given(pattern=PATTERNS, text=TEXTS)
@example(pattern="*a*", text="a")
@example(pattern="a*a", text="a")
@example(pattern="[]a]*[!]b]", text="]c")
@example(pattern="[!]*", text="[!]a")
@example(pattern="", text="")
def test_a_glob_matches_as_the_standard_library_has_it_whatever_the_case(
    pattern: str, text: str
) -> None:
    expected = fnmatch.fnmatchcase(text.casefold(), pattern.casefold())
    assert matches_glob(pattern, text) is expected


def test_a_part_between_that_is_missing_matches_nothing() -> None:
    assert not matches_glob("*b*", "a")


@given(pattern=PLAIN, parts=st.lists(TEXTS, max_size=4))
def test_what_a_glob_was_made_of_matches_it(pattern: str, parts: list[str]) -> None:
    text = "".join(parts.pop() if char == "*" and parts else char for char in pattern)
    assert matches_glob(pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 100 + "b",
        "*" + "a" * 198 + "b*",
        "*?a" * 60 + "b",
        "*[ab]" * 40 + "c*",
        "a*" * 100,
        "*" * 200 + "b",
    ],
)
def test_no_text_makes_a_glob_slow(pattern: str) -> None:
    assert seconds(lambda: matches_glob(pattern, "a" * LARGEST)) < SECONDS / 4


@pytest.mark.parametrize("pattern", ["[", "a[b", "[a]b[", "[!"])
def test_a_bracket_that_nothing_closes_is_found(pattern: str) -> None:
    assert has_open_bracket(pattern)


@pytest.mark.parametrize("pattern", ["", "[ab]*", "[[]", "[]]", "]"])
def test_a_bracket_that_is_closed_is_none(pattern: str) -> None:
    assert not has_open_bracket(pattern)
