"""The app's Home as blocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Block, actions, button, section
from bot.slack.blockkit.rich_text import flat
from bot.slack.blockkit.text import duration
from bot.slack.home import strings
from bot.slack.page_buttons import page_buttons
from bot.slack.reviews import reader_strings, state_strings, summary
from bot.slack.reviews.buttons import view_buttons
from bot.slack.reviews.links import Link, linked
from bot.slack.reviews.presentation import Waiting, present
from bot.usecases.read_models import Queue, RoundLine


def render_home(found: Queue, *, now: datetime, link: Link) -> Block:
    """The queue as a Home page."""
    blocks: list[Block] = []
    if not (found.mine.total or found.others.total or found.stuck.total):
        blocks.append(section(strings.EMPTY))
    parts = (
        (found.mine, strings.mine, True),
        (found.others, strings.others, False),
        (found.stuck, strings.stuck, False),
        (found.decided, strings.decided, False),
    )
    for part, heading, may_decide in parts:
        if part.lines:
            blocks.append(section(f"*{heading(part.total)}*"))
            for line in part.lines:
                blocks += _entry(line, now=now, link=link, may_decide=may_decide)
    blocks += page_buttons(
        found.page,
        found.pages,
        value=str(found.page),
        previous_id=ids.HOME_PREVIOUS,
        next_id=ids.HOME_NEXT,
    )
    return {"type": "home", "private_metadata": str(found.page), "blocks": blocks}


def _entry(line: RoundLine, *, now: datetime, link: Link, may_decide: bool) -> Iterable[Block]:
    round_ = line.round
    title = f"{shared.crew(round_.review.crew)}: {shared.task(round_)}"
    match present(round_):
        case Waiting(since):
            age = summary.waiting_for(duration(now - since))
        case shown:
            age = state_strings.in_list(shown, now)
    about = summary.round_and_age(round_, age)
    excerpt = summary.one_line_excerpt(flat(line.excerpt))
    text = f"{linked(title, line, link)} · {about}"
    yield section(f"{text}\n{excerpt}" if excerpt else text)
    read = button(reader_strings.READ, action_id=ids.VIEW_READ, value=round_.id)
    yield actions(*(view_buttons(round_.id) if may_decide else ()), read)
