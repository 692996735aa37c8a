"""Globs: of letters and digits alone, or exactly as written, in bounded time."""

import fnmatch

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crewgate.domain.letters import fold
from crewgate.domain.rules.patterns import has_open_bracket, matches_glob
from tests.worst_cases import LARGEST, SECONDS, seconds

TEXTS = st.text("abAB]!-[*?^\\\n", max_size=12)
PATTERNS = st.text("aB*?[]!-^\\", max_size=10)
PLAIN = st.text("ab*", max_size=5)


#: Characters that are neither letters, digits nor spacing marks, seen and unseen.
NOTHING = st.characters(exclude_categories=("L", "N", "Mc")) | st.sampled_from(
    "\u00ad\u034f\u115f\u1160\u17b4\u180b\u200b\u2065\u2800\u3164\ufe00\ufeff\uffa0\ufff0"
    "\U0001d159\U000e0000\U000e0041\U000e0080\U000e0100"
)
WORDS = st.text(st.sampled_from("abAB19 .-éßﬁΣ０Ж"), min_size=1, max_size=8)


@given(pattern=PATTERNS, text=TEXTS)
@example(pattern="*a*", text="a")
@example(pattern="a*a", text="a")
@example(pattern="[]a]*[]b]", text="]b")
@example(pattern="[-a]b", text="-b")
@example(pattern="a?b", text="a-b")
@example(pattern="?a?a?a?a?a?a?b", text="aaaaaab")
@example(pattern="", text="")
@example(pattern="[!0-9]*", text="+49 30")
def test_a_glob_matches_no_less_than_in_the_standard_library(pattern: str, text: str) -> None:
    if fnmatch.fnmatchcase(text.casefold(), pattern.casefold()):
        assert matches_glob(pattern, text)


@given(pattern=st.text("ab*", max_size=8).map("a".__add__), text=st.text("ab", max_size=8))
def test_a_glob_of_letters_is_the_standard_librarys(pattern: str, text: str) -> None:
    assert matches_glob(pattern, text) is fnmatch.fnmatchcase(text, pattern)


@given(pattern=PATTERNS, text=TEXTS)
@example(pattern="*b*b", text="ab\nb")
@example(pattern="*.*", text="a.b")
@example(pattern="[.*]*", text="*a")
@example(pattern="a?", text="a\n")
@example(pattern="a[!b]", text="a\n")
def test_exactly_a_glob_matches_no_more_than_in_the_standard_library(
    pattern: str, text: str
) -> None:
    expected = fnmatch.fnmatchcase(text, pattern)
    if "\n" in text:
        assert matches_glob(pattern, text, exactly=True) <= expected
    else:
        assert matches_glob(pattern, text, exactly=True) is expected


@given(pattern=st.text("ab-é*?", max_size=8), text=st.text("abAB-é ,;\u200bе１", max_size=8))
@example(pattern="a?", text="a,")
def test_exactly_each_character_is_itself_but_for_wildcards(pattern: str, text: str) -> None:
    def fits(wanted: str, found: str) -> bool:
        match wanted[:1], found[:1]:
            case "", rest:
                return not rest
            case "*", one:
                return fits(wanted[1:], found) or (_is_of_value(one) and fits(wanted, found[1:]))
            case "?", one:
                return _is_of_value(one) and fits(wanted[1:], found[1:])
            case char, one:
                return char == one and fits(wanted[1:], found[1:])

    assert matches_glob(pattern, text, exactly=True) is fits(pattern, text)


def _is_of_value(char: str) -> bool:
    return bool(char) and not char.isspace() and char not in ",;"


@given(words=WORDS, data=st.data())
def test_nothing_that_is_put_into_a_text_takes_it_out_of_a_pattern(
    words: str, data: st.DataObject
) -> None:
    assume(fold(words))
    wild = "".join(data.draw(st.sampled_from([one, "*", "?"])) for one in words)
    assume(fold(wild))
    between = data.draw(st.lists(st.text(NOTHING, max_size=2), min_size=len(words)))
    text = "".join(one + put for one, put in zip(words, between, strict=False))
    assert matches_glob(words, text)
    assert matches_glob(wild, text)


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
        "wire\u2065transfer",
        "wi\ufff0re\U000e0080 transfer",
        "wire\U0001d159transfer",
        "w.i-r_e/transfer",
        "𝐰𝐢𝐫𝐞 transfer",
        "WIRE TRANSFER",
    ],
)
def test_a_glob_compares_letters_and_digits_alone_unless_exactly(text: str) -> None:
    assert matches_glob("wire transfer", text)
    assert not matches_glob("wire transfer", text, exactly=True)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("INV-????", "INV-12345"),
        ("INV-????", "INX-1234"),
        ("[!a]*", "abc"),
        ("a[bc]d", "ad"),
        ("contract_*", "contrac"),
        ("ดี", "ดู"),
        ("कु", "के"),
        ("*\u20ac*", "EUR"),
        ("€", "€ "),
    ],
)
def test_a_glob_matches_no_other_letters(pattern: str, text: str) -> None:
    assert not matches_glob(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("INV-????", "inv 12-4"),
        ("김??", "김철수"),
        ("김철수", "\u1100\u1175\u11b7철수"),
        ("stra?e", "stra\u200bße"),
        ("wire?transfer", "wire\u200b-transfer"),
        ("wire[ _-]transfer", "wiretransfer"),
        ("[A-C]1", "b\u200b1"),
        ("*١٠٠*", "total: 100"),
        ("ガ", "ｶ\u200bﾞ"),
        ("[-_]*", "-a"),
        ("€*", "€ 5"),
    ],
)
def test_a_glob_matches_the_same_letters_however_written(pattern: str, text: str) -> None:
    assert matches_glob(pattern, text)


@pytest.mark.parametrize(
    "text",
    [
        "x@straße.de",
        "evil@bad.example, x@strasse.de",
        "evil@bad.example,x@strasse.de",
        "evil@bad.example;x@strasse.de",
        "evil@bad.example，x@strasse.de",
        "evil@bad.example\u037ex@strasse.de",
        "evil@bad.example\nx@strasse.de",
        "evil@bad.example\u00a0x@strasse.de",
        "x@\u017ftrasse.de",
        "x@strasse.de ",
        "x@Strasse.de",
    ],
)
def test_exactly_a_star_is_one_value_and_a_letter_itself(text: str) -> None:
    assert not matches_glob("*@strasse.de", text, exactly=True)
    assert matches_glob("*@strasse.de", "Ann@strasse.de", exactly=True)


@pytest.mark.parametrize("text", ["INV-1, 2", "INV-1;2", "INV-1 23", "INV-1\u20002"])
def test_exactly_a_question_mark_or_a_set_is_part_of_one_value(text: str) -> None:
    for pattern in ("INV-????", "INV-[!x][!x][!x][!x]", "INV-1[, ;0-9]*"):
        assert not matches_glob(pattern, text, exactly=True)
    assert matches_glob("INV-[0-9]?[!x]*", "INV-1234", exactly=True)


def test_a_part_between_that_is_missing_matches_nothing() -> None:
    assert not matches_glob("*b*", "a")


@given(pattern=PLAIN, parts=st.lists(TEXTS, max_size=4))
def test_what_a_glob_was_made_of_matches_it(pattern: str, parts: list[str]) -> None:
    text = "".join(parts.pop() if char == "*" and parts else char for char in pattern)
    assert matches_glob(pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        "?a" * 60 + "b",
        "*" + "a?" * 60 + "b*",
        "*a[-b]" * 30 + "c",
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
    assert seconds(lambda: matches_glob("*a?", long)) < SECONDS / 4


@pytest.mark.parametrize("pattern", ["[", "a[b", "[a]b[", "[!"])
def test_a_bracket_that_nothing_closes_is_found(pattern: str) -> None:
    assert has_open_bracket(pattern)


@pytest.mark.parametrize("pattern", ["", "[ab]*", "[[]", "[]]", "]"])
def test_a_bracket_that_is_closed_is_none(pattern: str) -> None:
    assert not has_open_bracket(pattern)
