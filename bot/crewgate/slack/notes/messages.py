"""The private offer to send notes as a revision, or as an answer to a flow."""

from __future__ import annotations

from crewgate.domain.review import Round
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Message, actions, button, section
from crewgate.slack.notes import strings
from crewgate.slack.reviews.buttons import REVISE


def render_offer(round_: Round) -> Message:
    """Offered once to whoever writes in the thread and may decide."""
    if round_.question is None:
        plain, says, send = strings.OFFER_PLAIN, strings.OFFER, strings.SEND_NOTES
    else:
        plain, says = strings.OFFER_ANSWER_PLAIN, strings.OFFER_ANSWER
        send = strings.SEND_AS_ANSWER
    return Message(
        plain,
        [
            section(says),
            actions(
                REVISE.on(round_.id, label=send),
                button(strings.KEEP_COLLECTING, action_id=ids.KEEP_COLLECTING, value=round_.id),
            ),
        ],
    )
