"""The app's Home as blocks: rows of the queue, each a text and a row of buttons."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from crewgate.domain.review import State
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, actions, button, divider, header, section
from crewgate.slack.blockkit.text import duration
from crewgate.slack.home.layout import Part, Row, block_id, count_new, lines_of, part_of
from crewgate.slack.reviews import state_strings, summary
from crewgate.slack.reviews.buttons import (
    DISMISS,
    READ,
    RETRY,
    decide_buttons,
    last_buttons,
)
from crewgate.slack.reviews.links import Deciders, Link
from crewgate.slack.reviews.presentation import Waiting, present
from crewgate.usecases.read_models import Approvers, Queue, RoundLine

_TITLES: Final = {
    Part.STUCK: "Not delivered",
    Part.NOBODY: "Stuck: nobody may approve",
    Part.MINE: "Waiting for you",
    Part.OTHERS: "Waiting for others",
    Part.DECIDED: "Decided in the last 24 hours",
}
_EMPTY: Final = ":tada: *Nothing waits.* When a crew pauses, its output shows up here."
_KEEPS: Final = "The oldest come first. What changes stays in its place until *Refresh*."
_RIGHTS_CHANGED: Final = "What you may read has changed. Press *Refresh*."


def render_home(
    found: Queue,
    rows: tuple[Row, ...],
    *,
    now: datetime,
    link: Link,
    deciders: Deciders,
    user: str = "",
) -> Block:
    """These rows of the queue as this user's Home.

    What is above the rows is as high whatever happens, and so is a row, whose height its own text
    alone gives. What turns pages stands there too, where no row comes under the pointer.
    """
    lines = lines_of(found)
    blocks = [actions(*_page_buttons(found, count_new(rows, found)))]
    if any(row.round_id not in lines for row in rows):
        # Nobody is shown what they may not read; without it the others would move.
        blocks.append(section(_RIGHTS_CHANGED))
        rows = ()
    else:
        blocks.append(section(_summary(found, {row.part for row in rows})))
    for part in Part:
        of_part = [row for row in rows if row.part is part]
        if of_part:
            blocks.append(header(_heading(part, found)))
        for row in of_part:
            line = lines[row.round_id]
            preview, share = summary.preview(line)
            text = list(_text(line, row, now=now, link=link, deciders=deciders))
            if row.part not in {Part.STUCK, Part.DECIDED}:
                text.append(preview)
            blocks += [divider(), section("\n".join(text))]
            pressed = actions(*_buttons(line, row, user))
            blocks.append(pressed | {"block_id": block_id(row, share)})
    return {"type": "home", "private_metadata": str(found.page), "blocks": blocks}


def _page_buttons(found: Queue, new: int) -> Iterator[Block]:
    page = str(found.page)
    refresh = f"Refresh · {new:,} more" if new else "Refresh"
    yield button(refresh, action_id=ids.HOME_REFRESH, value=page)
    if found.page > 0:
        yield button(shared.PREVIOUS, action_id=ids.HOME_PREVIOUS, value=page)
    if found.page + 1 < found.pages:
        yield button(shared.NEXT, action_id=ids.HOME_NEXT, value=page)


def _summary(found: Queue, on_page: Collection[Part]) -> str:
    """The number of the page, and what is on others alone: each heading has its own total."""
    needed = [part for part in Part if part is not Part.DECIDED and part_of(found, part).total]
    if not needed:
        return _EMPTY
    if found.pages == 1:
        return _KEEPS
    elsewhere = (_heading(part, found) for part in needed if part not in on_page)
    return shared.joined(shared.page_of(found.page, found.pages), *elsewhere)


def _heading(part: Part, found: Queue) -> str:
    return f"{_TITLES[part]}: {shared.total(part_of(found, part).total)}"


def _text(
    line: RoundLine, row: Row, *, now: datetime, link: Link, deciders: Deciders
) -> Iterator[str]:
    round_ = line.round
    yield summary.headline(line, link)
    match present(round_):
        case Waiting(since):
            named = "" if row.part is Part.MINE else shared.deciders(deciders(round_))
            whom = f"for {named} " if named else ""
            state = f"waiting {whom}for {duration(now - since)}"
        case shown:
            state = state_strings.in_list(shown, now)
    # In one line with the rest: a row that changes is as high as before, or nearly so.
    about = shared.crew(round_.review.crew), shared.numbered(round_), state
    yield shared.joined(*about, *summary.claim_and_notes(line, now=now))


def _buttons(line: RoundLine, row: Row, user: str) -> Iterator[Block]:
    """What may be done. What comes and goes is last, so that the others keep their places."""
    round_ = line.round
    if row.part in {Part.MINE, Part.NOBODY} and not row.over:
        approvers = Approvers(too_few=row.part is Part.NOBODY)
        yield from decide_buttons(round_, reader=user, approvers=approvers)
    if row.part is Part.STUCK and not row.over:
        yield from (RETRY.on(round_.id), DISMISS.on(round_.id))
    yield READ.on(round_.id)
    if round_.state is State.WAITING:
        yield from last_buttons(round_, reader=user)
