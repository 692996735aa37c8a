"""The app's Home as blocks: rows of the queue, each a text and a row of buttons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Block, actions, button, header, section
from bot.slack.blockkit.text import duration
from bot.slack.home import strings
from bot.slack.home.layout import Part, Row, block_id, lines_of, part_of, stands
from bot.slack.page_buttons import page_buttons
from bot.slack.payloads import ButtonRow
from bot.slack.reviews import reader_strings, state_strings, summary
from bot.slack.reviews import strings as reviews
from bot.slack.reviews.buttons import dismiss_button, home_buttons, take_back_button
from bot.slack.reviews.links import Deciders, Link
from bot.slack.reviews.presentation import Stuck, Waiting, present
from bot.usecases.read_models import Queue, RoundLine

_HEADINGS: Final = {
    Part.MINE: strings.mine,
    Part.STUCK: strings.stuck,
    Part.OTHERS: strings.others,
    Part.DECIDED: strings.decided,
}


def render_home(
    found: Queue,
    rows: tuple[Row, ...],
    *,
    before: tuple[ButtonRow, ...] = (),
    now: datetime,
    link: Link,
    deciders: Deciders,
    user: str = "",
) -> Block:
    """These rows of the queue as this user's Home; `before` are the rows of buttons that it had."""
    lines = lines_of(found)
    blocks: list[Block] = []
    if not (found.mine.total or found.others.total or found.stuck.total):
        blocks.append(section(strings.EMPTY))
    elif found.pages > 1:
        blocks.append(section(strings.totals(found)))
    for part in Part:
        of_part = [row for row in rows if row.part is part]
        if of_part:
            blocks.append(header(_HEADINGS[part](part_of(found, part).total)))
        for row in of_part:
            line = lines[row.round_id]
            blocks.append(
                section("\n".join(_text(line, row, now=now, link=link, deciders=deciders)))
            )
            stood = stands(block_id(row, 0), len(blocks), before, now=now)
            blocks.append(actions(*_buttons(line, row, found, user)) | {"block_id": stood})
    blocks += page_buttons(
        found.page,
        found.pages,
        value=str(found.page),
        previous_id=ids.HOME_PREVIOUS,
        next_id=ids.HOME_NEXT,
    )
    return {"type": "home", "private_metadata": str(found.page), "blocks": blocks}


def _text(
    line: RoundLine, row: Row, *, now: datetime, link: Link, deciders: Deciders
) -> Iterator[str]:
    round_ = line.round
    yield summary.headline(line, link)
    match present(round_):
        case Waiting(since):
            whom = "" if row.part is Part.MINE else shared.deciders(deciders(round_))
            state = strings.waits(whom, duration(now - since))
        case shown:
            state = state_strings.in_list(shown, now)
    # In one line with the rest: a row that changes is as high as before, or nearly so.
    yield strings.about(round_, state, *summary.claim_and_notes(line, now=now))
    if row.part is not Part.STUCK:
        yield summary.preview(line)[0]


def _buttons(line: RoundLine, row: Row, found: Queue, user: str) -> Iterator[Block]:
    """What may be done. Where a row stays that is over, what does nothing comes first."""
    round_ = line.round
    read = button(reader_strings.READ, action_id=ids.VIEW_READ, value=round_.id)
    if row.since is not None:
        yield read
    match present(round_):
        case Waiting() if line.key in found.reviewed:
            yield from home_buttons(round_)
            if any(user in vote.voices for vote in round_.votes):
                yield take_back_button(round_, action_id=ids.HOME_TAKE_BACK)
        case Stuck():
            if line.key in found.reviewed:
                yield button(reviews.RETRY, action_id=ids.HOME_RETRY, value=round_.id)
            if line.key in found.reviewed or round_.review.crew in found.operated:
                yield dismiss_button(round_, action_id=ids.VIEW_DISMISS)
        case _:
            pass
    if row.since is None:
        yield read
