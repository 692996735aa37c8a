"""The reader: within Slack's limits whatever was written, calling nobody, losing nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.notification import Output
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise
from crewgate.slack.reviews.reader import ReaderPosition, ReaderTab, parse_position, render_reader
from crewgate.usecases.read_models import CardView, RoundLine
from tests.builders import ANA, a_decision
from tests.slack.rendering import a_named_round, check_view, outputs, shown, texts


@settings(max_examples=60)
@given(outputs, outputs, st.sampled_from(ReaderTab), st.sampled_from(State), texts)
def test_the_reader_is_within_the_limits_on_every_page(
    before: Output, after: Output, tab: ReaderTab, state: State, said: str
) -> None:
    previous = a_named_round(state=State.RESUMED, decision=a_decision(Revise(said[:3_000] or "x")))
    view = CardView(replace(a_named_round(state=state), number=2), after, previous, before)
    line = RoundLine(previous, None, before.text[:400], len(before.text))
    shut = RoundLine(a_named_round(id="r-0", state=State.CLOSED), None)

    for page in (0, 1, 10**6):
        made = render_reader(ReaderPosition("r-1", tab, page), view, [line, shut])
        check_view(made.view, may_mention=frozenset({f"@{ANA.id}"}))


def test_the_first_round_has_nothing_to_compare() -> None:
    view = CardView(a_named_round(), Output("A draft."))
    made = render_reader(ReaderPosition("r-1", ReaderTab.CHANGES), view, [])
    assert "nothing to compare" in shown(made.view)


def test_an_empty_output_is_said() -> None:
    view = CardView(a_named_round(), Output(""))
    assert "empty" in shown(render_reader(ReaderPosition("r-1", ReaderTab.WHOLE), view, []).view)


@pytest.mark.parametrize("metadata", ["", "r-1", "[]", '["a", "whole", {}]', '["a", "b", 1]'])
def test_a_position_that_is_none_of_ours(metadata: str) -> None:
    assert parse_position(metadata) is None
