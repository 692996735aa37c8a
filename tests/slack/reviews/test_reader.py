"""The reader: within Slack's limits whatever was written, calling nobody, losing nothing."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import WHOLE, Share
from crewgate.domain.masking import FINDERS, Kind, Masking
from crewgate.domain.notification import Output
from crewgate.domain.reason import NotReached
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.metadata import ReaderPosition, ReaderTab, parse_position
from crewgate.slack.reviews.reader import render_reader
from crewgate.usecases.read_models import CardView, RoundLine, Viewer
from tests.builders import ANA, BEN, LATER, a_decision, a_review, a_round
from tests.slack.rendering import a_named_round, check_view, outputs, shown, texts


@settings(max_examples=60)
@given(outputs, outputs, st.sampled_from(ReaderTab), st.sampled_from(State), texts)
def test_the_reader_is_within_the_limits_on_every_page(
    before: Output, after: Output, tab: ReaderTab, state: State, said: str
) -> None:
    previous = a_named_round(state=State.RESUMED, decision=a_decision(Revise(said[:3_000] or "x")))
    review = replace(previous.review, expected_output=said)
    now = replace(a_named_round(state=state), number=2, review=review)
    view = CardView(round=now, output=after, previous=previous, before=before)
    line = RoundLine(
        round=previous, card=None, excerpt=before.text[:400], characters=len(before.text)
    )
    shut = RoundLine(round=a_named_round(id="r-0", state=State.CLOSED), card=None)

    for page in (0, 1, 10**6):
        made = render_reader(ReaderPosition(round_id="r-1", tab=tab, page=page), view, [line, shut])
        check_view(made.view, may_mention=frozenset({f"@{ANA.id}"}))


def test_the_first_round_has_nothing_to_compare() -> None:
    view = CardView(round=a_named_round(), output=Output("A draft."))
    made = render_reader(ReaderPosition(round_id="r-1", tab=ReaderTab.CHANGES), view, [])
    assert "nothing to compare" in shown(made.view)


def test_page_and_next_stand_above_and_below_and_approve_is_green_on_the_last_page_alone() -> None:
    text = "The supplier delivers in May.\n\n" * 300
    view = replace(
        CardView(round=a_named_round(), output=Output(text)), topic="Acme supply agreement"
    )

    def read(page: int | None, share: Share | None = None) -> tuple[ReaderPosition, Block]:
        made = render_reader(
            ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE, page=page, share=share), view, []
        ).view
        position = parse_position(made["private_metadata"])
        assert position is not None
        return position, made

    first, made = read(None, Share(1_500, len(text)))
    about, top, turn, *_, below, turn_again, decide = made["blocks"]
    assert about["text"]["text"].startswith("*Acme supply agreement* · ")
    assert [block["elements"][0].get("text") for block in (top, below)] == ["Page 1 of 2"] * 2
    styles = [
        [(one["text"]["text"], one.get("style")) for one in row["elements"]]
        for row in (turn, turn_again, decide)
    ]
    assert styles == [
        [("Page 2", None)],
        [("Next page", "primary")],
        [("Approve", None), ("Revise", None)],
    ]
    assert first.share is not None
    assert 5_900 < first.share.shown < first.share.of

    last, made = read(None, first.share)
    assert made["blocks"][-1]["elements"][0]["style"] == "primary"
    assert last.share is not None
    assert last.share.percent == WHOLE
    assert read(0, last.share)[0].share == last.share, "What was seen stays seen."


def test_what_the_task_was_to_bring_stands_on_the_first_page_of_the_text() -> None:
    view = CardView(
        round=a_round(review=a_review(expected_output="A *list*\nof <three> offers")),
        output=Output("An offer.\n\n" * 900),
    )
    says = "The task: `A *list* of &lt;three&gt; offers`"
    for tab in (ReaderTab.WHOLE, ReaderTab.UNMASKED):
        pages = [
            render_reader(ReaderPosition(round_id="r-1", tab=tab, page=at), view, []).view
            for at in (0, 1)
        ]
        assert [says in shown(one) for one in pages] == [True, False]
    assert says not in shown(
        render_reader(ReaderPosition(round_id="r-1", tab=ReaderTab.CHANGES), view, []).view
    )


MASKING = Masking(("email",), (FINDERS["email"],))
MAIL = "Write to bob@x.de.\n\n"
LONG = "Tea.\n\n" * 2_500


def test_who_may_not_decide_is_not_offered_what_is_masked() -> None:
    view = replace(
        CardView(round=a_named_round(), output=Output("Tea.")), masked=((Kind.EMAIL, 1),)
    )
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    for may_unmask in (True, False):
        made = render_reader(position, view, [], may_unmask=may_unmask).view
        assert ("Show them" in str(made)) is may_unmask
        assert ("Only who may decide" in str(made)) is not may_unmask


@pytest.mark.parametrize(
    ("pages", "text", "shows"),
    [
        ([0], MAIL, [True]),
        ([0, 1, 2], MAIL + LONG, [True, True, True]),
        ([1, 0], MAIL + LONG, [False, True]),
        ([1, 2, 1, 0], MAIL + LONG + MAIL, [False, False, False, True]),
        ([0], "Tea.", [True]),
    ],
)
def test_masks_count_as_shown_once_all_pages_with_some_were(
    pages: list[int], text: str, shows: list[bool]
) -> None:
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.UNMASKED)
    for page, all_shown in zip(pages, shows, strict=True):
        made = render_reader(
            replace(position, page=page),
            CardView(round=a_named_round(), output=Output(text)),
            [],
            masking=MASKING,
        )
        assert made.unmasks is all_shown
        assert ("More is masked" in str(made.view)) is not all_shown
        read = parse_position(made.view["private_metadata"])
        assert read is not None
        position = read


def test_an_empty_output_is_said() -> None:
    view = CardView(round=a_named_round(), output=Output(""))
    assert "empty" in shown(
        render_reader(ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE), view, []).view
    )


@pytest.mark.parametrize("metadata", ["", "r-1", "[]", '["a", "whole", {}]', '["a", "b", 1]'])
def test_a_position_that_is_none_of_ours(metadata: str) -> None:
    assert parse_position(metadata) is None


def test_a_page_leaves_to_the_card_how_far_a_decision_is_on_its_way() -> None:
    view = CardView(
        round=a_named_round(state=State.DECIDED, decision=a_decision()), output=Output("A draft.")
    )
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    text = shown(render_reader(position, view, []).view)
    assert "pproved by <@U0ANA>. The card shows what the crew does." in text
    assert "Being sent" not in text
    away = replace(view, round=replace(view.round, reason=NotReached("refused")))
    assert "cannot be reached (refused)" in shown(render_reader(position, away, []).view)


def test_what_was_asked_for_stands_once_on_the_page_of_changes() -> None:
    asked = a_decision(Revise("Name the fee."))
    view = CardView(
        round=a_round(number=2),
        previous=a_round(State.RESUMED, decision=asked),
        before=Output("A draft."),
        output=Output("A draft with the fee."),
        viewer=Viewer(user=BEN.id, now=LATER),
    )
    for tab in (ReaderTab.CHANGES, ReaderTab.WHOLE):
        page = render_reader(ReaderPosition(round_id=view.round.id, tab=tab), view, []).view
        assert str(page).count("Name the fee.") == 1
