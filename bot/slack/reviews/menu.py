"""The menu at a card's headline: everything that is not Approve, Revise or Retry."""

from __future__ import annotations

from datetime import datetime

from bot.slack import ids
from bot.slack.blockkit.blocks import LABEL_LIMIT, Block, context, plain_text, section
from bot.slack.reviews import reader_strings, strings
from bot.slack.reviews.presentation import Waiting, present
from bot.usecases.read_models import CardView


def with_menu(headline: str, view: CardView) -> Block:
    """A card's first line with its menu. The block is named after the round."""
    round_ = view.round
    waits = isinstance(present(round_), Waiting)
    choices = [
        *([(strings.APPROVE_WITH_COMMENT, ids.MENU_COMMENT)] if waits else []),
        (reader_strings.READ, ids.MENU_READ),
        *([(reader_strings.CHANGES, ids.MENU_CHANGES)] if view.previous is not None else []),
        *([(strings.ON_IT, ids.MENU_CLAIM)] if waits else []),
        (reader_strings.HISTORY, ids.MENU_HISTORY),
    ]
    accessory = {
        "type": "overflow",
        "action_id": ids.MENU,
        "options": [
            {"text": plain_text(label, LABEL_LIMIT), "value": value} for label, value in choices
        ],
    }
    return section(headline) | {"block_id": round_.id, "accessory": accessory}


def claim_and_notes(view: CardView, *, now: datetime) -> list[Block]:
    """Who is on a waiting round, what was written in its thread; or a decided one's history."""
    decision = view.round.decision
    if decision is not None:
        return [context(strings.waited_and_earlier(view.round, decision))]
    lines = [
        *([strings.on_it(view.claim)] if view.claim is not None and view.claim.holds(now) else []),
        *([strings.notes(view.notes, view.noted_by)] if view.notes else []),
    ]
    return [context(line) for line in lines] if isinstance(present(view.round), Waiting) else []
