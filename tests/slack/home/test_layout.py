"""Rows stay where they are while Home is open, and what moves says when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.review import State
from bot.slack.home.layout import (
    MOST,
    STAYS,
    Part,
    Row,
    arrange,
    milliseconds,
    moment,
    moved_at,
    rows_of,
)
from bot.slack.home.messages import render_home
from bot.slack.payloads import ButtonRow, button_rows
from bot.usecases.read_models import Queue, QueuePart, RoundLine
from tests.builders import NOW, SECOND, a_review, a_round
from tests.slack.home.test_messages import a_queue, deciders


def a_line(name: str, state: State = State.WAITING, *, crew: str = "research") -> RoundLine:
    return RoundLine(a_round(state, id=name, review=a_review(crew=crew)), None, "A draft.")


def part(*lines: RoundLine) -> QueuePart:
    return QueuePart(lines, len(lines))


def ids(rows: tuple[Row, ...]) -> list[str]:
    return [row.round_id for row in rows]


def published(
    found: Queue, rows: tuple[Row, ...], before: tuple[ButtonRow, ...] = ()
) -> tuple[ButtonRow, ...]:
    view = render_home(found, rows, before=before, now=NOW, link=lambda _: None, deciders=deciders)
    return button_rows(view)


def moved(rows: tuple[ButtonRow, ...]) -> list[str]:
    """The rounds whose buttons moved."""
    both = zip(rows_of(rows), rows, strict=True)
    return [row.round_id for row, at in both if moved_at(at.block_id)]


def test_a_decided_row_stays_in_its_place_for_five_minutes() -> None:
    rows = arrange((), a_queue(a_line("a"), a_line("b")), now=NOW)
    decided = a_line("a", State.DECIDED)
    later = a_queue(a_line("b"), decided=part(decided), kept=(decided, a_line("b")))

    after = arrange(rows, later, now=NOW)
    still = arrange(after, later, now=NOW + STAYS - SECOND)
    gone = arrange(still, later, now=NOW + STAYS)

    assert ids(after) == ids(still) == ["a", "b"]
    assert [(row.part, row.round_id) for row in gone] == [(Part.MINE, "b"), (Part.DECIDED, "a")]


def test_a_row_that_belongs_there_again_stays() -> None:
    rows = (Row(Part.MINE, "a", NOW),)
    found = a_queue(a_line("a"))
    again = arrange(rows, found, now=NOW + STAYS)
    assert again == (Row(Part.MINE, "a"),)


def test_new_rows_come_at_the_end_of_their_part() -> None:
    rows = arrange((), a_queue(a_line("b"), others=part(a_line("z"))), now=NOW)
    found = a_queue(
        a_line("a"), a_line("b"), others=part(a_line("z")), stuck=part(a_line("s", State.STUCK))
    )
    assert ids(arrange(rows, found, now=NOW)) == ["b", "a", "s", "z"]


def test_what_may_be_read_or_decided_no_longer_goes_at_once() -> None:
    rows = arrange((), a_queue(a_line("a"), a_line("b")), now=NOW)
    others = part(a_line("a"))
    found = a_queue(others=others, reviewed=frozenset())
    assert [(row.part, row.round_id) for row in arrange(rows, found, now=NOW)] == [
        (Part.OTHERS, "a")
    ]


def test_a_page_has_no_more_rows_than_a_view_takes() -> None:
    kept = tuple(a_line(f"k-{n}", State.DECIDED) for n in range(MOST - 2))
    rows = tuple(Row(Part.MINE, line.round.id) for line in kept)
    found = a_queue(*(a_line(f"n-{n}") for n in range(20)), kept=kept)
    assert ids(arrange(rows, found, now=NOW))[-2:] == ["n-0", "n-1"]
    assert len(arrange(rows, found, now=NOW)) == MOST


def test_nothing_has_moved_at_first_nor_when_a_row_is_decided_or_added_below() -> None:
    found = a_queue(a_line("a"), a_line("b"))
    rows = arrange((), found, now=NOW)
    first = published(found, rows)
    assert moved(first) == []
    decided = a_line("a", State.DECIDED)
    later = a_queue(a_line("b"), a_line("c"), decided=part(decided), kept=(decided,))
    second = published(later, arrange(rows, later, now=NOW), first)
    assert [row.round_id for row in rows_of(second)] == ["a", "b", "c"]
    assert moved(second) == []


def test_what_comes_where_something_else_was_has_moved_and_goes_on_saying_when() -> None:
    found = a_queue(a_line("a"), others=part(a_line("z"), a_line("y")))
    rows = arrange((), found, now=NOW)
    first = published(found, rows)
    later = a_queue(a_line("a"), a_line("b"), others=found.others)
    rows = arrange(rows, later, now=NOW)
    second = published(later, rows, first)
    assert [row.round_id for row in rows_of(second)] == ["a", "b", "z", "y"]
    assert moved(second) == ["b", "z"]
    assert moment(moved_at(second[1].block_id)) == NOW.replace(microsecond=123000)
    assert published(later, rows, second) == second


def test_a_row_that_moves_up_has_moved() -> None:
    found = a_queue(a_line("a"), a_line("b"))
    first = published(found, arrange((), found, now=NOW))
    fresh = a_queue(a_line("b"))
    assert moved(published(fresh, arrange((), fresh, now=NOW), first)) == ["b"]


def test_rows_are_known_again_from_a_view() -> None:
    found = a_queue(a_line("a"), others=part(a_line("z")), pages=2)
    rows = arrange((), found, now=NOW)
    assert rows_of(published(found, rows)) == rows
    assert rows_of((ButtonRow(0, "x"), ButtonRow(1, "mine"), ButtonRow(2, "other.r.1"))) == ()


@pytest.mark.parametrize("block", ["", "x", "mine.r", "mine.r.", "mine.r.x"])
def test_a_block_of_another_kind_has_not_moved(block: str) -> None:
    assert moved_at(block) == 0
    assert milliseconds(moment(5)) == 5
    assert NOW - moment(moved_at(block)) > timedelta(days=1)
