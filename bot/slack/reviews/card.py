"""The card: the message that shows a round, in every state of its life."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from bot.domain.notification import Format
from bot.domain.review import Round
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    notification,
    section,
)
from bot.slack.blockkit.text import date
from bot.slack.reviews import state_strings, strings
from bot.slack.reviews.buttons import card_buttons, dismiss_button
from bot.slack.reviews.comparison import measure_changes
from bot.slack.reviews.menu import claim_and_notes, with_menu
from bot.slack.reviews.output import output_in_message
from bot.slack.reviews.presentation import Closed, Presentation, Stuck, Superseded, Waiting, present
from bot.usecases.read_models import CardView

_NAME_LIMIT: Final = 80


def render_card(view: CardView, *, now: datetime) -> Message:
    """A round with its output, and what is true about it now.

    A card stays for days, so its times are left to Slack; `now` ends a claim.
    """
    round_ = view.round
    presentation = present(round_)
    output, shown = output_in_message(view.output)
    blocks = [
        *_head(view),
        *([section(strings.unchanged(round_))] if round_.unchanged else []),
        *output,
        *claim_and_notes(view, now=now),
        *_state(round_, presentation),
    ]
    text = notification(state_strings.card_plain(round_, presentation))
    return Message(text, blocks, shown)


def render_card_plain(view: CardView, *, now: datetime) -> Message:
    """The same without anything an agent wrote, for when Slack refuses the card."""
    round_ = view.round
    presentation = present(round_)
    blocks = [
        with_menu(strings.headline(round_), view),
        context(f"{shared.number_of(round_)} · {date(round_.opened_at)}"),
        *([section(strings.unchanged(round_))] if round_.unchanged else []),
        section(strings.NOT_SHOWABLE),
        *claim_and_notes(view, now=now),
        *_state(round_, presentation),
    ]
    text = notification(state_strings.card_plain(round_, presentation))
    return Message(text, blocks, shown=0)


def file_name(view: CardView) -> str:
    """What the file with the whole output is called: `research_task-round-2-7yu4vT.md`.

    Two tasks of an execution may have one title, and a file is known by its name: so a part of the
    round's id is in it.
    """
    task = re.sub(r"[^A-Za-z0-9_]+", "-", view.round.review.title[: 4 * _NAME_LIMIT])
    ending = "json" if view.output.format is Format.JSON else "md"
    named = task[:_NAME_LIMIT].strip("-") or "output"
    return f"{named}-round-{view.round.number}-{view.round.id[:6]}.{ending}"


def file_title(view: CardView) -> str:
    """The title Slack shows above that file."""
    return strings.file_title(view.round)


def _head(view: CardView) -> list[Block]:
    round_ = view.round
    parts = (shared.number_of(round_), strings.agent(round_), date(round_.opened_at))
    blocks = [
        with_menu(strings.headline(round_), view),
        context(" · ".join(part for part in parts if part)),
    ]
    if round_.review.expected_output:
        blocks.append(context(strings.expected(round_.review.expected_output)))
    earlier = strings.earlier_feedback(view.answers) if view.answers is not None else None
    if earlier:
        blocks.append(context(earlier))
    if view.previous is not None and view.before is not None and not round_.unchanged:
        changes = measure_changes(view.before, view.output)
        blocks.append(context(strings.changed(changes, view.previous)))
    return blocks


def _state(round_: Round, shown: Presentation) -> list[Block]:
    """What is true about the round now, and what can be done."""
    match shown:
        case Waiting():
            return [actions(*card_buttons(round_.id))]
        case Superseded():
            return [context(state_strings.in_full(shown))]
        case Stuck():
            retry = button(strings.RETRY, action_id=ids.RETRY, value=round_.id)
            return [section(state_strings.in_full(shown)), actions(retry, dismiss_button(round_))]
        case Closed(can_reopen=True):
            reopen = button(strings.REOPEN, action_id=ids.REOPEN, value=round_.id)
            return [section(state_strings.in_full(shown)), actions(reopen, dismiss_button(round_))]
        case _:
            return [section(state_strings.in_full(shown))]
