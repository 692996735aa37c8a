"""Rows stay where they are until the page is put in order."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.caveats import Share
from crewgate.domain.review import State
from crewgate.slack.home import (
    Part,
    Row,
    block_id,
    count_new,
    in_order,
    in_place,
    render_home,
    rows_of,
    share_beside,
)
from crewgate.usecases.read_models import NO_RULE_ID, Queue, QueuePart, RoundLine
from tests.builders import NOW, a_review, a_round
from tests.slack.home.test_messages import a_queue, buttons, deciders, link
from tests.slack.rendering import shown


def a_line(name: str, state: State = State.WAITING, *, crew: str = "research") -> RoundLine:
    return RoundLine(
        round=a_round(state, id=name, review=a_review(crew=crew)), card=None, excerpt="A draft."
    )


def part(*lines: RoundLine) -> QueuePart:
    return QueuePart(lines, len(lines))


def view(found: Queue, rows: tuple[Row, ...]) -> dict[str, Any]:
    return render_home(found, rows, now=NOW, link=link, deciders=deciders)


def test_a_decided_row_stays_in_its_place_and_can_only_be_read() -> None:
    rows = in_order(a_queue(a_line("a"), a_line("b")))
    decided = a_line("a", State.DECIDED)
    later = a_queue(a_line("b"), decided=part(decided), kept=(decided, a_line("b")))

    after = in_place(rows, later)

    assert after == (Row(Part.MINE, "a", over=True), Row(Part.MINE, "b", over=False))
    assert buttons(view(later, after))[1:] == [["Read all"], ["Approve", "Revise", "Read all"]]
    assert "A draft." in shown(view(later, after)["blocks"][5])
    assert in_order(later) == (Row(Part.MINE, "b", over=False), Row(Part.DECIDED, "a", over=True))


def test_new_rows_are_counted_until_the_page_is_put_in_order() -> None:
    rows = in_order(a_queue(a_line("b"), others=part(a_line("z"))))
    found = a_queue(
        a_line("a"),
        a_line("b"),
        others=part(a_line("z")),
        stuck=part(a_line("s", State.STUCK)),
        decided=part(a_line("d", State.RESUMED)),
    )

    assert in_place(rows, found) == rows
    assert count_new(rows, found) == 2
    assert buttons(view(found, rows))[0] == ["Start", "Refresh · 2 more"]
    assert buttons(view(found, in_order(found)))[0] == ["Start", "Refresh"]


def test_what_somebody_has_approved_is_nothing_new() -> None:
    rows = in_order(a_queue(a_line("a")))
    found = a_queue(others=part(a_line("a")), kept=(a_line("a"),))
    assert count_new(rows, found) == 0


def test_what_was_over_offers_nothing_before_the_page_is_put_in_order() -> None:
    over = (Row(Part.MINE, "a", over=True), Row(Part.OTHERS, "z", over=True))
    found = a_queue(a_line("a"), a_line("z"))
    assert in_place(over, found) == over
    assert count_new(over, found) == 2


@pytest.mark.parametrize("crew", ["research", "sales"])
def test_a_stuck_row_is_over_for_who_neither_decides_nor_operates(crew: str) -> None:
    found = a_queue(stuck=part(a_line("s", State.STUCK, crew=crew)))
    assert in_order(found) == (Row(Part.STUCK, "s", over=crew != "research"),)
    operated = replace(found, operated=frozenset({"sales"}))
    assert in_order(operated) == (Row(Part.STUCK, "s", over=False),)


def test_what_may_not_be_decided_any_longer_is_over() -> None:
    rows = in_order(a_queue(a_line("a")))
    found = a_queue(kept=(a_line("a"),), reviewed=frozenset({("sales", NO_RULE_ID)}))
    assert in_place(rows, found) == (Row(Part.MINE, "a", over=True),)


def test_what_may_not_be_read_any_longer_takes_all_rows_with_it() -> None:
    """Without it alone, those below would move under the pointer."""
    rows = in_order(a_queue(a_line("a"), a_line("b")))
    found = a_queue(a_line("b"))
    blank = view(found, in_place(rows, found))
    assert buttons(blank) == [["Start", "Refresh"]]
    assert "What you may read has changed. Press *Refresh*." in shown(blank)
    assert [block["type"] for block in blank["blocks"]] == ["actions", "section"]


def test_rows_are_known_again_from_a_view() -> None:
    found = a_queue(a_line("a"), others=part(a_line("z")), pages=2)
    rows = in_order(found)
    blocks = [one for one in view(found, rows)["blocks"] if one["type"] == "actions"]
    assert rows_of(tuple(one.get("block_id", "") for one in blocks)) == rows
    assert rows_of(("x", "mine", "mine.r", "other.r.1")) == ()


@pytest.mark.parametrize(
    ("excerpt", "characters", "over", "share"),
    [
        ("A draft.", 8, False, Share(8, 8)),
        ("A draft.", 9, False, Share(2, 9)),
        ("Tea " * 99 + "Cups", 400, False, Share(400, 400)),
        ("Tea " * 99 + "Cups.", 401, False, Share(160, 401)),
        ("", 0, False, Share(0, 0)),
        ("A draft.", 8, True, Share(0, 1)),
    ],
)
def test_a_row_says_how_much_of_the_output_it_shows(
    excerpt: str, characters: int, share: Share, *, over: bool
) -> None:
    line = RoundLine(round=a_round(id="a"), card=None, excerpt=excerpt, characters=characters)
    found = a_queue(line)
    [_, pressed] = [
        one
        for one in view(found, (Row(Part.MINE, "a", over=over),))["blocks"]
        if one["type"] == "actions"
    ]
    assert share_beside(pressed["block_id"]) == share


def test_buttons_of_an_earlier_version_count_as_beside_a_beginning() -> None:
    for older in ("mine.r-1.0", "mine.r-1.whole"):
        assert share_beside(older).percent == 0
        assert rows_of((older,)) == (Row(Part.MINE, "r-1", over=False),)
    row = Row(Part.MINE, "r-1", over=False)
    assert share_beside(block_id(row, Share(3, 8))) == Share(3, 8)
