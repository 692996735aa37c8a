"""An agent's text is rendered at a small cost, however it is made."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import Draft
from crewgate.domain.notification import Format, Output
from crewgate.slack.blockkit.excerpts import PAGE, page_of, preview
from crewgate.slack.blockkit.text import clean, is_blank
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.forms import render_revise_form
from crewgate.slack.reviews.reader import render_reader
from crewgate.usecases.read_models import CardView
from tests.builders import NOW, a_round
from tests.slack.rendering import check_message, check_view
from tests.worst_cases import (
    LARGEST,
    MEMORY,
    SECONDS,
    SHAPES,
    TEXTS,
    memory,
    seconds,
    timed,
    untraced,
)


def a_long_view(text: str, format_: Format) -> CardView:
    before = Output(text[:-1] + "x", format_)
    return CardView(
        round=a_round(number=2), output=Output(text, format_), previous=a_round(), before=before
    )


def check(text: str, format_: Format) -> None:
    view = a_long_view(text, format_)
    for tab, page in ((ReaderTab.WHOLE, 10**6), (ReaderTab.CHANGES, 1)):
        took, read = timed(
            partial(render_reader, ReaderPosition(round_id="r-1", tab=tab, page=page), view, [])
        )
        assert took < SECONDS
        check_view(read.view)
    took, card = timed(partial(render_card, view, now=NOW), below=SECONDS / 2)
    assert took < SECONDS / 2
    check_message(card)
    # Opened while somebody waits, on the event loop.
    assert (
        seconds(partial(render_revise_form, view, Draft("", ())), below=SECONDS / 4) < SECONDS / 4
    )


@pytest.mark.parametrize("name", TEXTS)
def test_every_view_of_any_text_is_rendered_in_bounded_time(name: str) -> None:
    text = TEXTS[name]()
    check(text, Format.MARKDOWN)
    for is_json in (False, True):
        one = partial(preview, text[:400], is_json=is_json, characters=len(text), limit=160)
        assert seconds(one, below=SECONDS / 4) < SECONDS / 4
    assert seconds(partial(is_blank, text), below=SECONDS / 4) < SECONDS / 4


@pytest.mark.parametrize("shape", ["a", "\n", " ", "`", "\x00", "\u200b", "{},", "1,", '"a":'])
def test_every_view_of_any_json_is_rendered_in_bounded_time(shape: str) -> None:
    check(TEXTS[ascii(shape)](), Format.JSON)


@settings(deadline=None, max_examples=8)
@given(st.lists(st.sampled_from(SHAPES), min_size=2, max_size=5).map("".join))
def test_any_mixture_is_rendered_in_bounded_time(shape: str) -> None:
    check(shape * (LARGEST // 8 // len(shape)), Format.MARKDOWN)


@pytest.mark.parametrize(
    "name",
    [
        ascii("\n"),
        ascii("```\n"),
        ascii("\x00"),
        ascii("\u200b"),
        ascii("a\u200b"),
        "a fence with a very long name",
        "a fence that is all name",
    ],
)
def test_a_page_of_any_text_takes_bounded_memory(name: str) -> None:
    view = a_long_view(TEXTS[name](), Format.MARKDOWN)
    for tab in (ReaderTab.WHOLE, ReaderTab.CHANGES):
        render = partial(render_reader, ReaderPosition(round_id="r-1", tab=tab, page=1), view, [])
        assert memory(render) < MEMORY


@pytest.mark.parametrize("name", TEXTS)
def test_every_page_of_any_text_is_short(name: str) -> None:
    text = TEXTS[name]()[: 12 * PAGE]
    whole = clean(text)  # what is clean stays as it is, and is not to be cleaned for each page
    with untraced():
        pages = [page_of(text, 0)]
        pages += [page_of(whole, number) for number in range(1, pages[0].total)]
    assert len(pages) <= 1 + 4 * len(whole) / PAGE
    assert all(len(page.text) <= 2 * PAGE for page in pages)
