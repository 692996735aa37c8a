"""Text that cannot be seen is made visible, save what scripts and emoji need."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.notification import Format, Output
from crewgate.slack.blockkit.excerpts import first_part, length
from crewgate.slack.blockkit.text import (
    UNSEEN,
    clean,
    hides,
    is_blank,
    neutralise_markdown,
    one_line,
    place_before,
    plain,
    reveal,
)
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.reader import render_reader
from crewgate.usecases.read_models import CardView
from tests.builders import NOW, a_round
from tests.slack.rendering import check_message, check_view, read, shown

#: Format characters that are drawn: signs of numbers and verses, and hieroglyphs' joiners.
DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
DRAWN |= set(range(0x13430, 0x13440))

texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("<&@]`[()#1*a \n\u20e3\u200b\u200c\u200d\u200e\u200f\ufe0f\u2060\u3164"),
        st.sampled_from("оΩbé"),
        st.sampled_from("👩💻❤🏴م\u0915\u094dשខ\u1820\u180b⠁\u2800\U000e0067\U000e007f"),
    ),
    max_size=30,
)


def test_every_character_without_a_shape_is_known() -> None:
    known = re.compile(f"[{UNSEEN}]")
    missing = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) == "Cf"
        and code not in DRAWN
        and not known.match(chr(code))
    ]
    assert missing == []


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d👩\u200d👧 🧑🏽\u200d💻 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈",
        "☎\ufe0e ☎\ufe0f ©\ufe0f 1\ufe0f\u20e3 #\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می\u200cخواهم",
        "क\u094d\u200dष ක\u0dca\u200dර",
        "שלום \u200fworld, C++\u200e عربي",
        "ភាសា\u200bខ្មែរ",
        "ᠠ\u180bᠨ\u180eᠠ",
        "⠓\u2800⠊",
        "plain, é and 日本語",
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("a\u200bb", "a‹U+200B›b"),
        ("\u3164" * 123, "‹U+3164 ×123›"),
        ("\u00ad\ufeff", "‹U+00AD U+FEFF›"),
        ("a\u200db", "a‹U+200D›b"),
        ("م\u200c\u200d\u200cم", "م‹U+200C U+200D U+200C›م"),
        ("a\u200e\u200f", "a‹U+200E U+200F›"),
        ("latin only\u200f", "latin only‹U+200F›"),
        ("a\u202eb\u202c\u2066c\u2069", "a‹U+202E›b‹U+202C U+2066›c‹U+2069›"),
        ("a\ufe0f 1\ufe0f", "a‹U+FE0F› 1‹U+FE0F›"),
        ("👩\ufe0f\ufe0f", "👩‹U+FE0F ×2›"),
        ("👩\u200d\u200d👩", "👩‹U+200D ×2›👩"),
        ("\u2800\u200d👩", "‹U+2800 U+200D›👩"),
        ("א\u200f\u2800", "א‹U+200F U+2800›"),
        ("葛\U000e0100", "葛‹U+E0100›"),
        ("a\u2060b", "a‹U+2060›b"),
        ("\u2800", "‹U+2800›"),
        ("\ufff9a\ufffb", "‹U+FFF9›a‹U+FFFB›"),
        ("a\u200b\u200c\u200b\u200c", "a‹U+200B U+200C U+200B … 4 in all›"),
        (
            "Ok" + "".join(chr(0xE0000 + ord(one)) for one in "approve it"),
            "Ok‹U+E0061 U+E0070 ×2 U+E0072 … 10 in all “approve it”›",
        ),
        ("🏴\U000e0067\U000e007f", "🏴‹U+E0067 U+E007F “g”›"),
    ],
)
def test_what_cannot_be_seen_is_named(written: str, seen: str) -> None:
    assert clean(written) == seen
    assert neutralise_markdown(written) == seen
    assert one_line(written, 200) == seen
    assert plain(written, 200) == seen


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("pаypal", "p‹Cyrillic а›ypal"),
        ("4 kΩ, Δt", "4 k‹Greek Ω›, ‹Greek Δ›t"),
        ("b\u2065оb", "b‹U+2065›‹Cyrillic о›b"),
        (r'{"a": "\nПривет"}', r'{"a": "\nПривет"}'),
        ("最新のAIモデルがβ版のTシャツ", "最新のAIモデルがβ版のTシャツ"),
        ("नमस्ते दुनिया hindi", "नमस्ते दुनिया hindi"),
        ("مرحبا بالعالم crew", "مرحبا بالعالم crew"),
    ],
)
def test_a_word_of_two_scripts_is_named_and_text_of_any_script_is_itself(
    written: str, seen: str
) -> None:
    for draw in (clean, neutralise_markdown, lambda text: plain(text, 200)):
        assert draw(written) == seen
    assert hides(written) == ("\u2065" in written)


@given(texts)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert neutralise_markdown(neutralise_markdown(text)) == neutralise_markdown(text)


@given(texts)
def test_what_is_clean_is_blank_only_if_there_was_nothing(text: str) -> None:
    assert is_blank(clean(text)) == (not clean(text).strip())


@given(texts)
def test_places_are_found_again(text: str) -> None:
    seen = reveal(text)
    places = [place_before(text, at) for at in range(len(seen) + 1)]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == len(text)


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("text", ["\u200b", "\u3164" * 20_000, "\U000e0061" * 99, " \ufeff\n"])
def test_an_output_of_nothing_that_is_seen_is_not_called_empty(text: str, format_: Format) -> None:
    view = CardView(round=a_round(), output=Output(text, format_))
    card = render_card(view, now=NOW)
    modal = render_reader(ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE), view, []).view

    check_message(card)
    check_view(modal)
    for seen in (read(card), shown(modal)):
        assert "empty" not in seen
        assert "‹U+" in seen


def test_an_excerpt_counts_the_characters_that_were_written() -> None:
    text = "a\u200b" * 100
    seen, characters = first_part(text, 90)
    assert seen == "a‹U+200B›" * 10
    assert characters == 20

    seen, characters = first_part("\u200b" * 300, 100)
    assert (seen, characters < 300) == ("‹U+200B ×202›", True)
    assert first_part("\u200b" * 50, 100) == ("‹U+200B ×50›", 50)
    assert length("\u200b" * 50) == 50
