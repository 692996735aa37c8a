"""Approve is green where a press decides at once, and nowhere else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.acts import ToolCall
from crewgate.domain.caveats import Circumstances, Claim, Look, Seen, seen_on_card
from crewgate.domain.masking import Kind
from crewgate.domain.notification import Output, Question
from crewgate.domain.subjects import WORK, Subject, call_of
from crewgate.slack.blockkit.blocks import parse_share
from crewgate.slack.home import in_order, render_home, share_beside
from crewgate.slack.metadata import ReaderPosition, ReaderTab, parse_position
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.reader import render_reader
from crewgate.usecases.read_models import CardView, QueuePart, RoundLine, Viewer
from tests.builders import ANA, BEN, LATER, a_round, a_rule
from tests.slack.home.test_messages import REF, a_queue, deciders, link

WIDE = "| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n" + "| some words " * 6 + "|\n"
TEXTS = ("A draft.", "", "Word. " * 500, WIDE)
ARGUMENTS = ('{"to": "ann"}', '{"text": "%s"}' % ("word " * 500))
SUBJECTS = st.one_of(
    st.just(WORK),
    st.just(Question(request_id="", message="Is it good?", outcomes=("approved", "no"))),
    st.builds(
        ToolCall,
        tool=st.just("pay"),
        hides=st.booleans(),
        erased=st.integers(0, 1),
        may_have_run=st.booleans(),
    ),
)


PRESSED = ("approve", "answer.0")


def is_green(row: Mapping[str, Any]) -> bool:
    """Return True if the button that approves is green."""
    styles = [one.get("style") for one in row["elements"] if one["action_id"] in PRESSED]
    assert styles
    return "primary" in styles


@given(
    SUBJECTS,
    st.integers(0, len(TEXTS) - 1),
    st.booleans(),
    st.integers(0, 1),
    st.integers(0, 1),
    st.integers(0, 2),
    st.sampled_from((None, ANA, BEN)),
    st.sampled_from((timedelta(0), timedelta(hours=1))),
)
def test_it_is_green_exactly_where_a_press_does_not_ask(
    subject: Subject,
    text: int,
    asks_about_masks: bool,
    masked: int,
    erased: int,
    notes: int,
    claimed_by: Any,
    since: timedelta,
) -> None:
    call, words = call_of(subject), TEXTS[text] if call_of(subject) is None else ARGUMENTS[text % 2]
    round_ = a_round(subject=subject, rule=a_rule(ask_about_masks=asks_about_masks))
    claim = None if claimed_by is None else Claim(claimed_by, LATER - since)
    view = CardView(
        round=round_,
        output=Output(words, erased=erased),
        masked=((Kind.IBAN, 1),) * masked,
        notes=notes,
        claim=claim,
    )
    facts = Circumstances(
        notes=tuple((f"{number}.0", "") for number in range(notes)),
        claim=claim,
        masked=bool(masked),
        asks_about_masks=asks_about_masks,
        hides=call is not None and call.hides,
        erased=erased + (call.erased if call else 0),
        may_have_run=call is not None and call.may_have_run,
    )

    def decides(seen: Seen, facts: Circumstances = facts) -> bool:
        return facts.caveats(BEN, LATER, seen).all_in(seen)

    card = render_card(view, now=LATER, reader=BEN.id).blocks[-1]
    assert is_green(card) is decides(seen_on_card(parse_share(card["block_id"])))

    line = RoundLine(
        round=round_,
        card=REF,
        excerpt=words,
        characters=len(words),
        notes=notes,
        claim=claim,
        masked=bool(masked),
        erased=erased,
    )
    found = a_queue(mine=QueuePart((line,), 1))
    at_home = render_home(
        found, in_order(found), now=LATER, link=link, deciders=deciders, user=BEN.id
    )
    row = at_home["blocks"][-1]
    assert is_green(row) is decides(Seen(share=share_beside(row["block_id"])))

    position = ReaderPosition(round_id=round_.id, tab=ReaderTab.WHOLE)
    page = render_reader(position, replace(view, viewer=Viewer(user=BEN.id, now=LATER)), [])
    shown = parse_position(page.view["private_metadata"])
    assert shown is not None
    read = replace(facts, read_to_end=page.is_end, look=Look(LATER - since, LATER))
    assert is_green(page.view["blocks"][-1]) is decides(
        Seen(share=shown.share, in_reader=True), read
    )


def test_whoever_is_on_it_is_not_asked_and_all_others_are() -> None:
    view = CardView(round=a_round(), output=Output("A draft."), claim=Claim(BEN, LATER))
    for reader, green in ((BEN.id, True), (ANA.id, False), (None, False)):
        assert is_green(render_card(view, now=LATER, reader=reader).blocks[-1]) is green


def test_the_changes_of_a_long_output_are_not_its_end() -> None:
    view = CardView(
        round=a_round(number=2),
        previous=a_round(),
        before=Output("Short."),
        output=Output("Word. " * 2_000),
        viewer=Viewer(user=BEN.id, now=LATER),
    )
    position = ReaderPosition(round_id=view.round.id, tab=ReaderTab.CHANGES)
    assert not is_green(render_reader(position, view, []).view["blocks"][-1])
