"""Approve, Revise and Dismiss: on a card, in the reader and in Home."""

from __future__ import annotations

from bot.domain.review import Round
from bot.slack import ids
from bot.slack.blockkit.blocks import Block, button
from bot.slack.reviews import strings


def card_buttons(round_id: str) -> tuple[Block, Block]:
    """Approve and Revise on a card."""
    return _buttons(round_id, ids.APPROVE, ids.REVISE)


def view_buttons(round_id: str, *, approve_id: str = ids.VIEW_APPROVE) -> tuple[Block, Block]:
    """The same in a modal or in Home, where a click comes without a channel to answer in."""
    return _buttons(round_id, approve_id, ids.VIEW_REVISE)


def dismiss_button(round_: Round, *, action_id: str = ids.DISMISS) -> Block:
    """Gives up a round that is stuck or gone; `VIEW_DISMISS` in a modal or in Home."""
    return button(strings.DISMISS, action_id=action_id, value=round_.id)


def _buttons(round_id: str, approve_id: str, revise_id: str) -> tuple[Block, Block]:
    return (
        button(strings.APPROVE, action_id=approve_id, value=round_id, style="primary"),
        button(strings.REVISE, action_id=revise_id, value=round_id),
    )
