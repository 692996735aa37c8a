"""Globs: those of the standard library, without regard to case, in bounded time."""

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
    in_one_line = " ".join(text.casefold().split())
    as_read = fnmatch.fnmatchcase(in_one_line, pattern.casefold())
    assert matches_glob(pattern, text) is (expected or as_read)


@given(pattern=PATTERNS, text=TEXTS)
@example(pattern="*b*b", text="ab\nb")
@example(pattern="*.*", text="a.b")
@example(pattern="[.*]*", text="*a")
def test_exactly_a_glob_matches_no_more_than_in_the_standard_library(
    pattern: str, text: str
) -> None:
    expected = fnmatch.fnmatchcase(text.lower(), pattern.lower())
    if "\n" in text:
        assert matches_glob(pattern, text, exactly=True) <= expected
    else:
        assert matches_glob(pattern, text, exactly=True) is expected


@pytest.mark.parametrize(
    "text",
    [
        "wire\ntransfer",
        "  Wire   transfer ",
        "wire\u00a0transfer",
        "wire\u200btransfer",
        "w\u00adire transfer",
        "wi\u0301re transfer",
        "ｗｉｒｅ transfer",
        "wire\u3164transfer",
        "wire \U000e0041transfer",
        "wire\x00transfer",
    ],
)
def test_a_glob_matches_what_reads_alike_but_not_exactly(text: str) -> None:
    assert matches_glob("wire transfer", text)
    assert not matches_glob("wire transfer", text, exactly=True)


@pytest.mark.parametrize(
    "text",
    [
        "x@straße.de",
        "evil@bad.example, x@strasse.de",
        "evil@bad.example,x@strasse.de",
        "evil@bad.example;x@strasse.de",
        "evil@bad.example\nx@strasse.de",
        "evil@bad.example\u00a0x@strasse.de",
        "x@\u017ftrasse.de",
        "x@strasse.de ",
    ],
)
def test_exactly_a_star_is_one_value_and_a_letter_itself(text: str) -> None:
    assert not matches_glob("*@strasse.de", text, exactly=True)
    assert matches_glob("*@STRASSE.de", "Ann@Strasse.DE", exactly=True)


@pytest.mark.parametrize("text", ["\u212a", "\u0130", "\u1e9e"])
def test_exactly_no_letter_of_another_alphabet_is_the_same_in_lower_case(text: str) -> None:
    assert not matches_glob(text.lower(), text, exactly=True)
    assert matches_glob(text, text, exactly=True)


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
    assert seconds(lambda: matches_glob(pattern, "a" * LARGEST, exactly=True)) < SECONDS / 4


@pytest.mark.parametrize("text", ["\u0301\u0316", "\ufdfa", "\u200b", "\U000e0041", " \u00ad"])
def test_no_text_makes_its_readings_slow(text: str) -> None:
    long = text * (LARGEST // len(text.encode()))
    assert seconds(lambda: matches_glob("*a*", long)) < SECONDS / 4


@pytest.mark.parametrize("pattern", ["[", "a[b", "[a]b[", "[!"])
def test_a_bracket_that_nothing_closes_is_found(pattern: str) -> None:
    assert has_open_bracket(pattern)


@pytest.mark.parametrize("pattern", ["", "[ab]*", "[[]", "[]]", "]"])
def test_a_bracket_that_is_closed_is_none(pattern: str) -> None:
    assert not has_open_bracket(pattern)
