"""The history: every round as it was read, and every word that people wrote."""

import json
import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.notification import Format, Output
from crewgate.domain.review import State
from crewgate.domain.verdict import FEEDBACK_LIMIT, Approve, Revise
from crewgate.slack.blockkit.blocks import Block, modal
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews import buttons
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.reader import render_reader, render_round
from crewgate.usecases.read_models import CardView, RoundLine
from tests.builders import ANA, BEN, LATER, a_decision, a_round, a_vote
from tests.slack.rendering import check_view, mid_texts, rounds, shown, texts
from tests.worst_cases import SECONDS, SHAPES, timed

VIEW_BYTES = 250_000
"""Slack takes no larger view."""
MENTIONED = frozenset({f"@{ANA.id}"})


def line(text: str = "Words.", characters: int | None = None, **more: Any) -> RoundLine:
    found = a_round(State.RESUMED, **{"decision": a_decision(Revise("Shorter.")), **more})
    return RoundLine(
        round=found,
        card=None,
        excerpt=text,
        characters=len(text) if characters is None else characters,
    )


def entry(given: RoundLine) -> list[Block]:
    return list(render_round(given))


@pytest.mark.parametrize(
    ("unseen", "words"),
    [
        ({"shown_little": 1}, "was shown 1 %"),
        ({"masks_unseen": True}, "was not shown what is masked"),
        ({"looked_seconds": 2}, "looked at it for 2 s"),
        (
            {"shown_little": 1, "masks_unseen": True, "looked_seconds": 90},
            "was shown 1 %, was not shown what is masked and looked at it for 1 min",
        ),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_a_decided_card_and_the_history_say_who_left_something_unseen(
    unseen: dict[str, Any], words: str, *, several: bool
) -> None:
    decision = a_decision(**unseen)
    if several:
        decision = a_decision(votes=(a_vote(ANA, **unseen), a_vote(BEN)))
    round_ = a_round(State.RESUMED, decision=decision)
    card = render_card(CardView(round=round_, output=Output("Tea.")), now=LATER)
    for told in (shown(card.blocks), shown(entry(line(decision=decision)))):
        assert f"<@U0ANA> {words}" in told
        assert not re.search("<@U0BEN> (was|looked)", told)


def test_an_output_is_rendered_as_it_is_read() -> None:
    blocks = entry(line("# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- **one**\n"))
    assert [part["type"] for part in blocks[2]["elements"]] == [
        "rich_text_section",
        "rich_text_preformatted",
        "rich_text_list",
    ]
    assert "**" not in shown(blocks)
    as_json = replace(line('{"a": 1}'), format=Format.JSON)
    assert entry(as_json)[2]["elements"][0]["type"] == "rich_text_preformatted"
    assert "empty" in shown(entry(line("")))


def test_a_long_output_says_how_much_is_shown_and_has_a_button_to_all_of_it() -> None:
    blocks = entry(line("A sentence of it. " * 300, 90_000))
    [left_off] = [block for block in blocks if "accessory" in block]
    assert left_off["accessory"]["action_id"] == buttons.READ.id
    assert left_off["accessory"]["value"] == "r-1"
    assert "of 90,000 characters" in shown([left_off])
    assert not [block for block in entry(line("Short.")) if "accessory" in block]


@pytest.mark.parametrize("verdict", [Revise, Approve])
def test_every_word_that_was_sent_is_there(verdict: Any) -> None:
    said = "".join(f"Line {number} & <more>.\n" for number in range(150))[:FEEDBACK_LIMIT].strip()
    assert said in shown(entry(line(decision=a_decision(verdict(said)))))


def test_a_round_that_nobody_decided_says_so() -> None:
    replaced = RoundLine(round=a_round(State.SUPERSEDED), card=None, excerpt="Words.", characters=6)
    assert "newer output" in shown(entry(replaced))


def test_a_history_opens_where_its_round_is_and_is_turned_from_there() -> None:
    history = [
        RoundLine(
            round=a_round(State.SUPERSEDED, id=f"r-{number}", number=number),
            card=None,
            excerpt=f"Output {number}. " * 200,
            characters=3_000,
        )
        for number in range(30, 0, -1)
    ]
    view = CardView(round=history[-1].round, output=Output("x"))

    def page(number: int | None) -> Block:
        return render_reader(
            ReaderPosition(round_id="r-1", tab=ReaderTab.HISTORY, page=number), view, history
        ).view

    opened = page(None)
    assert "Output 1. " in shown(opened)
    assert "Output 30. " not in shown(opened)
    first = page(0)
    assert "Output 30. " in shown(first)
    assert "Output 1. " not in shown(first)
    newest = replace(view, round=history[0].round)
    position = ReaderPosition(round_id="r-30", tab=ReaderTab.HISTORY)
    assert "Output 30. " in shown(render_reader(position, newest, history).view)
    gone = ReaderPosition(round_id="r-99", tab=ReaderTab.HISTORY)
    assert "Output 30. " in shown(render_reader(gone, view, history).view)


@settings(max_examples=60)
@given(mid_texts, st.sampled_from(Format), rounds, st.integers(0, 10**6), texts)
def test_no_round_is_beyond_the_limits(
    text: str, format_: Format, round_: Any, more: int, said: str
) -> None:
    if round_.decision is not None and said:
        decision = replace(round_.decision, verdict=Revise(said[:FEEDBACK_LIMIT]))
        round_ = replace(round_, decision=decision)
    excerpt = text[:3_100]
    given_line = RoundLine(
        round=round_, card=None, excerpt=excerpt, characters=len(excerpt) + more, format=format_
    )
    made = modal("History", entry(given_line))
    check_view(made, may_mention=frozenset({f"@{ANA.id}", f"@{BEN.id}"}))


@pytest.mark.parametrize("shape", SHAPES)
def test_any_fifty_rounds_are_rendered_in_bounded_time(shape: str) -> None:
    said = a_decision(Revise((shape * FEEDBACK_LIMIT)[:FEEDBACK_LIMIT]))
    text = (shape * 3_100)[:3_100]
    history = [line(text, 10**6, id=f"r-{n}", number=n, decision=said) for n in range(50)]
    view = CardView(round=history[0].round, output=Output("x"))
    position = ReaderPosition(round_id="r-49", tab=ReaderTab.HISTORY)
    took, page = timed(partial(render_reader, position, view, history))
    assert took < SECONDS
    made = page.view
    check_view(made, may_mention=MENTIONED)
    assert len(json.dumps(made)) < VIEW_BYTES
