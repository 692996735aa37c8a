"""Which row stands where in Home, so that nothing moves under somebody's pointer.

A row that is decided while Home is open stays in its place for a while, and new ones come at the
end of their part. What has moved all the same says when: its row of buttons carries it in its block
id, so that a click tells whether it came too soon after, whichever process it reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.review import State
from bot.slack.payloads import ButtonRow
from bot.usecases.read_models import Queue, QueueKey, QueuePart, RoundLine

#: How long a row stays that belongs there no longer.
STAYS: Final = timedelta(minutes=5)
#: A click that comes sooner after its row moved decides nothing.
SETTLES: Final = timedelta(seconds=1)
#: Rows on one page, with those that stay; a view has 100 blocks, and a row is two.
MOST: Final = 30
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Part(StrEnum):
    """The parts of Home, in order."""

    MINE = "mine"
    STUCK = "stuck"
    OTHERS = "others"
    DECIDED = "decided"


_STATES: Final[Mapping[Part, frozenset[State]]] = {
    Part.MINE: frozenset({State.WAITING}),
    Part.STUCK: frozenset({State.STUCK}),
    Part.OTHERS: frozenset({State.WAITING}),
    Part.DECIDED: frozenset({State.DECIDED, State.RESUMED, State.CLOSED}),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A round's place in Home. `since` is when it was first seen to belong there no longer."""

    part: Part
    round_id: str
    since: datetime | None = None


def part_of(found: Queue, part: Part) -> QueuePart:
    """That part of the queue."""
    return {
        Part.MINE: found.mine,
        Part.STUCK: found.stuck,
        Part.OTHERS: found.others,
        Part.DECIDED: found.decided,
    }[part]


def lines_of(found: Queue) -> Mapping[str, RoundLine]:
    """All rounds that were read, by their ids."""
    lines = {line.round.id: line for line in found.kept}
    for part in Part:
        lines |= {line.round.id: line for line in part_of(found, part).lines}
    return lines


def arrange(rows: tuple[Row, ...], found: Queue, *, now: datetime) -> tuple[Row, ...]:
    """The rows that were shown, without those whose time is over, and new ones after them."""
    stay = tuple(_staying(rows, lines_of(found), found.reviewed, now))
    shown = {row.round_id for row in stay}
    new = (
        Row(part, line.round.id)
        for part in Part
        for line in part_of(found, part).lines
        if line.round.id not in shown
    )
    room = max(0, MOST - len(stay))
    both = (*stay, *(row for _, row in zip(range(room), new, strict=False)))
    order = list(Part)
    return tuple(sorted(both, key=lambda row: order.index(row.part)))


def _staying(
    rows: tuple[Row, ...],
    lines: Mapping[str, RoundLine],
    reviewed: frozenset[QueueKey],
    now: datetime,
) -> Iterator[Row]:
    for row in rows:
        line = lines.get(row.round_id)
        if line is None or (row.part is Part.MINE and line.key not in reviewed):
            continue  # nobody is shown what they may not read, or not decide
        if line.round.state in _STATES[row.part]:
            yield Row(row.part, row.round_id)
        elif row.since is None or now - row.since < STAYS:
            yield Row(row.part, row.round_id, row.since or now)


# --- what a row of buttons carries ---------------------------------------------------------------


def block_id(row: Row, moved_at: int) -> str:
    """The id of a row's buttons; `moved_at` in milliseconds since 1970, 0 if it did not move."""
    return f"{row.part}.{row.round_id}.{moved_at}"


def milliseconds(at: datetime) -> int:
    """A moment, as block ids carry it."""
    return (at - _EPOCH) // _MILLISECOND


def moment(moved_at: int) -> datetime:
    """The same, back again."""
    return _EPOCH + moved_at * _MILLISECOND


def moved_at(block: str) -> int:
    """When the buttons of this block moved; 0 if they did not, or if it is none of ours."""
    stamp = block.rpartition(".")[2]
    return int(stamp) if stamp.isdecimal() else 0


def stands(block: str, index: int, before: tuple[ButtonRow, ...], *, now: datetime) -> str:
    """The id of a block of buttons at that place, after a view with these rows of buttons.

    It has moved unless it was there before, or nothing was there or below.
    """
    was = next((one.block_id for one in before if one.index == index), "")
    if was.rpartition(".")[0] == block.rpartition(".")[0]:
        return was
    if all(one.index < index for one in before):
        return block
    return f"{block.rpartition('.')[0]}.{milliseconds(now)}"


def rows_of(before: tuple[ButtonRow, ...]) -> tuple[Row, ...]:
    """The rows that a view shows, from the ids of its blocks."""
    found = []
    for one in before:
        part, _, rest = one.block_id.partition(".")
        round_id = rest.rpartition(".")[0]
        if part in set(Part) and round_id:
            found.append(Row(Part(part), round_id))
    return tuple(found)
