"""Letters and digits of a text, and letters that look like others."""

import string
from functools import partial
from unicodedata import category

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crewgate.domain.letters import (
    fold,
    is_mixed,
    mixed_words,
    others_in_recipients,
    others_in_words,
    own_script,
    unspaced,
)
from tests.worst_cases import LARGEST, SECONDS, seconds

#: Letters and digits of Latin, Greek, Cyrillic, Chinese and Japanese, also in other forms.
LETTERS = st.sampled_from("aBzéßﬁ𝐛１½ΑσςάЖёй中かガ한Ａ") | st.characters(codec="ascii")
IN_BETWEEN = st.characters(exclude_categories=("L", "N", "Mc"))


@given(text=st.text(st.characters(codec="ascii")))
def test_ascii_is_folded_as_it_reads(text: str) -> None:
    kept = string.ascii_letters + string.digits
    assert fold(text) == "".join(one for one in text if one in kept).lower()
    assert unspaced(text) == fold(text)


@given(st.lists(st.tuples(LETTERS, st.text(IN_BETWEEN, max_size=2))))
@example([("b", "\u0345"), ("o", "\u0e35"), ("1", "\ua8e0")])
@example([("中", "\U000e0100"), ("か", "\ufe00")])
@example([("w", "\u2122"), ("i", "\u24d0")])
def test_what_is_no_letter_changes_nothing_wherever_it_is_put(pairs: list[tuple[str, str]]) -> None:
    of_its_own = {"か", "ガ"}  # their voiced marks are part of their words
    assume(all(one not in of_its_own or not {*put} & {"\u3099", "\u309a"} for one, put in pairs))
    for spell in (fold, unspaced):
        assert spell("".join(one + put for one, put in pairs)) == spell(
            "".join(one for one, _ in pairs)
        )


@given(st.text())
def test_a_folded_text_is_folded_and_has_letters_digits_and_marks_alone(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert {category(one)[0] for one in folded} <= {"L", "N", "M"}
    assert len(unspaced(text)) <= len(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("ｗｉ\u0301ｒé\u200b 𝐓ransfer", "wiretransfer"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("١٢٣ ½", "12312"),
        ("\u3164\uffa0\u115f\u1160", ""),
        ("कु का", "कुका"),
        ("a\u0941", "a"),
        ("के", "के"),
        ("ดี", "ดี"),
        ("\u0941", ""),
        ("Ｅ-Ｍail", "email"),
    ],
)
def test_letters_are_plain_and_marks_belong_to_their_own_script(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_a_character_stays_one_if_it_is_not_folded() -> None:
    assert unspaced("각 ﬁ-İ É\u0301") == "각ﬁİé"


NAMED = [
    ("bօb", "ARMENIAN"),
    ("ᎪCME", "CHEROKEE"),
    ("ꓮCME", "LISU"),
    ("bⲟb", "COPTIC"),
    ("bჿb", "GEORGIAN"),
    ("bоb", "CYRILLIC"),
    ("bοb", "GREEK"),
    ("bᴏb", "LATIN LETTER SMALL CAPITAL"),
    ("𝐛ob", "MATHEMATICAL"),
    ("ⓑob", "CIRCLED LATIN"),
    ("🅱ob", "NEGATIVE SQUARED LATIN"),
    ("b\u2065о\u200bb", "CYRILLIC"),
    ("b**о**b", "CYRILLIC"),
    ("b\u3164оb", "CYRILLIC"),
    ("1о́2b", "CYRILLIC"),
]


@pytest.mark.parametrize(("word", "script"), NAMED)
def test_a_letter_of_another_script_than_its_word_is_found(word: str, script: str) -> None:
    assert is_mixed(word)
    [(start, end, found)] = others_in_words(f"to {word}, ok")
    assert found == script
    assert end - start == 1
    assert not word[start - 3].isascii()


@pytest.mark.parametrize(
    "text",
    [
        "最新のAIモデルがβ版のTシャツをCafeで",
        "नमस्ते दुनिया, hindi",
        "مرحبا بالعالم",
        "한국어 텍스트",
        "IT-отдел и Wi-Fi_сеть/Привет",
        "Ελληνικά και English",
        "ＡＢＣ株式会社 ＸＹＺ",
        "naïve Straße ﬁn 1ª nº x² 5€ Acme™ 5℃ №5 ok❎ 2✝b",
        "Հայերեն ქართული",
        "שלום",
        "plain",
    ],
)
def test_text_of_any_script_is_itself(text: str) -> None:
    assert not is_mixed(text)
    assert [*others_in_words(text)] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("сосо@расе", ["сосо", "расе"]),
        ("write to сосо@расе.com, привет", ["сосо", "расе"]),
        ("https://аррӏе.com/x", ["аррӏе"]),
        ("bob@acme.example", []),
        ("привет, т.е. мир", []),
        ("山田@例え.jp", []),
        ("bоb@acme.example", []),
    ],
)
def test_a_recipient_of_another_script_than_its_call_is_found(words: str, named: list[str]) -> None:
    own = own_script(("text", "Hello, please pay сосо@расе.сосо.сосо.сосо.сосо"))
    assert [words[start:end] for start, end, _ in others_in_recipients(words, own)] == named
    russian = own_script(("text", "Здравствуйте, это письмо"))
    assert [*others_in_recipients(words, russian)] == []
    assert [*others_in_recipients("müller@example.com", russian)] == []


def test_the_words_with_letters_of_two_scripts_are_found_in_order() -> None:
    assert [*mixed_words("pay pаypal 5 kΩ, in Привет and 日本語Kana")] == ["pаypal", "kΩ"]
    assert [*mixed_words("pay paypal 5 ohm")] == []


@pytest.mark.parametrize(
    "text",
    [
        "\u0301\u0316",
        "e\u0301",
        "\ufdfa",
        "\U000e0041",
        "각",
        "क\u0941",
        "о",
        "о-",
        "bо@x.yy ",
        "a.bb",
    ],
)
def test_no_text_makes_its_letters_slow(text: str) -> None:
    long = text * (LARGEST // len(text.encode()))
    for work in (fold, unspaced, is_mixed):
        assert seconds(partial(work, long)) < SECONDS / 4
    assert seconds(lambda: [*others_in_words(long)]) < SECONDS / 2
    assert seconds(lambda: [*others_in_recipients(long, own_script((long,)))]) < SECONDS / 2
