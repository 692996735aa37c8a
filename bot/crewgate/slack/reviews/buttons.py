"""The buttons of a round: the same on a card, in a modal and in Home."""

from __future__ import annotations

from crewgate.domain.review import Round
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block, button
from crewgate.slack.reviews import strings
from crewgate.slack.reviews.answer_buttons import answer_buttons


def decide_buttons(round_: Round) -> tuple[Block, ...]:
    """Approve and Revise, or a flow's outcomes."""
    if round_.question is not None:
        return answer_buttons(round_, round_.question)
    return (
        button(strings.APPROVE, action_id=ids.APPROVE, value=round_.id, style="primary"),
        button(strings.REVISE, action_id=ids.REVISE, value=round_.id),
    )


def dismiss_button(round_: Round) -> Block:
    """Gives up a round that is stuck or gone."""
    return button(strings.DISMISS, action_id=ids.DISMISS, value=round_.id)


def retry_button(round_: Round) -> Block:
    """Sends a stuck decision once more."""
    return button(strings.RETRY, action_id=ids.RETRY, value=round_.id)


def take_back_button(round_: Round) -> Block:
    """Takes an approval back, whoever's."""
    return button(strings.TAKE_BACK, action_id=ids.TAKE_BACK, value=round_.id)
