"""Which row stands where in Home, so that nothing moves under somebody's pointer.

A page is put in order when its reader presses Refresh, turns to it, or opens Home with nothing to
press there. Until then each row keeps its place and its height, and new ones are counted only. The
view itself carries its rows, as the ids of its blocks: any process can go on with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crewgate.domain.caveats import Share
from crewgate.domain.review import State
from crewgate.slack.payloads import parse_share, with_share
from crewgate.usecases.read_models import Queue, QueuePart, RoundLine


class Part(StrEnum):
    """The parts of Home, in order."""

    STUCK = "stuck"
    NOBODY = "nobody"
    MINE = "mine"
    OTHERS = "others"
    DECIDED = "decided"


_OVER: Final = "over"
"""In the place of the share of the output, on a row that can only be read."""
_NOT_KNOWN: Final = Share(0, 1)
"""The share of a row of an earlier version: it counts as a part."""


@dataclass(frozen=True, slots=True)
class Row:
    """A round's place in Home; `over`: until the page is put in order, it can only be read."""

    part: Part
    round_id: str
    over: bool


def part_of(found: Queue, part: Part) -> QueuePart:
    return {
        Part.MINE: found.mine,
        Part.STUCK: found.stuck,
        Part.NOBODY: found.nobody,
        Part.OTHERS: found.others,
        Part.DECIDED: found.decided,
    }[part]


def lines_of(found: Queue) -> Mapping[str, RoundLine]:
    lines = {line.round.id: line for line in found.kept}
    for part in Part:
        lines |= {line.round.id: line for line in part_of(found, part).lines}
    return lines


def in_order(found: Queue) -> tuple[Row, ...]:
    """The page as it is when it is put in order."""
    return tuple(
        Row(part, line.round.id, _is_over(part, line, found))
        for part in Part
        for line in part_of(found, part).lines
    )


def in_place(rows: tuple[Row, ...], found: Queue) -> tuple[Row, ...]:
    """The rows of a page where they are. What was over stays so: nothing appears to be pressed."""
    lines = lines_of(found)
    return tuple(
        Row(row.part, row.round_id, row.over or _is_over(row.part, lines.get(row.round_id), found))
        for row in rows
    )


def count_new(rows: tuple[Row, ...], found: Queue) -> int:
    """How many rows that wait or are stuck the page would have in order, and does not have."""
    fresh = (row for row in in_order(found) if row.part is not Part.DECIDED)
    # What somebody has approved moves to what waits for others, which is nothing new.
    approved = {Row(Part.OTHERS, row.round_id, over=True) for row in rows if row.part is Part.MINE}
    return sum(row not in rows and row not in approved for row in fresh)


def _is_over(part: Part, line: RoundLine | None, found: Queue) -> bool:
    if line is None:
        return True
    may_decide = line.key in found.reviewed
    match part, line.round.state:
        case ((Part.MINE | Part.NOBODY), State.WAITING):
            return not may_decide
        case Part.STUCK, State.STUCK:
            return not may_decide and line.round.review.crew not in found.operated
        case _:
            return True


# --- what a row of buttons carries ---------------------------------------------------------------


def block_id(row: Row, share: Share) -> str:
    """The id of a row's buttons; `share` is how much of its output the row shows."""
    name = f"{row.part}.{row.round_id}"
    return f"{name}.{_OVER}" if row.over else with_share(name, share)


def share_beside(block: str) -> Share:
    return parse_share(block) or _NOT_KNOWN


def rows_of(blocks: tuple[str, ...]) -> tuple[Row, ...]:
    """The rows that a view shows, from the ids of its blocks of buttons."""
    found = []
    for block in blocks:
        part, _, rest = block.partition(".")
        round_id, _, shows = rest.rpartition(".")
        if part in set(Part) and round_id:
            found.append(Row(Part(part), round_id, shows == _OVER))
    return tuple(found)
