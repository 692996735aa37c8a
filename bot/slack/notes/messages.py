"""The private offer to send notes as a revision."""

from __future__ import annotations

from bot.slack import ids
from bot.slack.blockkit.blocks import Message, actions, button, section
from bot.slack.notes import strings


def render_offer(round_id: str) -> Message:
    """Offered once to whoever writes in the thread and may decide."""
    return Message(
        strings.OFFER_PLAIN,
        [
            section(strings.OFFER),
            actions(
                button(strings.SEND_NOTES, action_id=ids.SEND_NOTES, value=round_id),
                button(strings.KEEP_COLLECTING, action_id=ids.KEEP_COLLECTING, value=round_id),
            ),
        ],
    )
