"""A walk's pages, forms and notices: within Slack's limits, with the way on and their own words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import Caveats, Draft, Share
from crewgate.domain.notification import Output
from crewgate.domain.review import State
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.errors import render_notice
from crewgate.slack.metadata import ReaderPosition, ReaderTab, Walk, parse_position, parse_walk
from crewgate.slack.reviews.forms import (
    render_confirmation,
    render_dismiss_form,
    render_revise_form,
)
from crewgate.slack.reviews.reader import render_reader
from crewgate.slack.reviews.standing import Briefing
from crewgate.slack.reviews.walk import in_walk
from crewgate.usecases.read_models import COUNTED, CardView, RoundLine
from tests.builders import ANA, LATER
from tests.slack.rendering import a_named_round, check_view, outputs, texts

LONGEST = Walk(10**6, COUNTED + 1, asked=True, began=LATER)


@settings(max_examples=40)
@given(outputs, st.sampled_from(ReaderTab), st.sampled_from(State), texts)
def test_pages_and_forms_are_within_the_limits(
    output: Output, tab: ReaderTab, state: State, above: str
) -> None:
    round_ = a_named_round(state=state)
    view = CardView(round=round_, output=output)
    line = RoundLine(
        round=round_, card=None, excerpt=output.text[:400], characters=len(output.text)
    )
    position = ReaderPosition(
        round_id="r-1", tab=tab, page=0, share=Share(10**6, 10**6, 10**6), first=10**4
    )
    page = render_reader(position, view, [line] * 4).view
    for made in (page, render_revise_form(view, Draft("", ())), render_notice("No.")):
        shown = in_walk(made, LONGEST, "r-1", above.strip()[:200] and "Before.")
        check_view(shown, may_mention=frozenset({f"@{ANA.id}"}))
        assert len(shown["private_metadata"]) < 1_000
        own = made.get("private_metadata", "")
        assert parse_walk(shown["private_metadata"]) == (own, LONGEST)


def labels(view: Block) -> list[str]:
    return [one["text"]["text"] for one in view["blocks"][-1]["elements"]]


def test_each_has_its_way_on() -> None:
    waiting = CardView(round=a_named_round(), output=Output("A draft."))
    over = CardView(round=a_named_round(state=State.CLOSED), output=Output("A draft."))
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    walk = Walk(3, COUNTED + 1)
    pages = [
        in_walk(render_reader(position, view, []).view, walk, "r-1") for view in (waiting, over)
    ]
    assert [labels(page) for page in pages] == [["Approve", "Revise", "Skip"], ["Next"]]
    assert pages[0]["title"]["text"] == "3 of 1,000+"
    form = in_walk(render_dismiss_form(waiting), walk, "r-1")
    assert labels(form) == ["Back", "Skip"]
    assert form["close"]["text"] == "Close"
    notes = Briefing(view=waiting, caveats=Caveats(notes=1))
    asks = in_walk(render_confirmation(notes), walk, "r-1")
    assert labels(asks) == ["Approve anyway", "Back", "Skip"]
    assert labels(in_walk(render_notice("No."), walk, "r-1")) == ["Next"]


@pytest.mark.parametrize(
    "metadata",
    ["", "r-1", '["r-1", "whole", 0]', "0", "[]\n", "[]\n1", "[]\na 2 0", "[]\n1 -2 0"],
)
def test_what_is_of_no_walk_stays_as_it_is(metadata: str) -> None:
    assert parse_walk(metadata) == (metadata, None)
    assert parse_position(Walk(1, 2).behind(metadata)) is None


def test_a_window_that_an_earlier_edition_opened_goes_on() -> None:
    assert parse_walk("[]\n1 2 0") == ("[]", Walk(1, 2))
