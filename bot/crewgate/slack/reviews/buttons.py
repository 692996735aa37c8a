"""Approve, Revise and Dismiss: on a card, in the reader and in Home."""

from __future__ import annotations

from crewgate.domain.review import Round
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block, button
from crewgate.slack.reviews import rule_strings, strings
from crewgate.slack.reviews.answer_buttons import IN_HOME, IN_VIEW, ON_CARD, answer_buttons


def card_buttons(round_: Round) -> tuple[Block, ...]:
    """Approve and Revise on a card, or a flow's outcomes."""
    if round_.question is not None:
        return answer_buttons(round_, round_.question, ON_CARD)
    return _buttons(round_.id, ids.APPROVE, ids.REVISE)


def view_buttons(round_: Round) -> tuple[Block, ...]:
    """The same in a modal, where a click comes without a channel to answer in."""
    if round_.question is not None:
        return answer_buttons(round_, round_.question, IN_VIEW)
    return _buttons(round_.id, ids.VIEW_APPROVE, ids.VIEW_REVISE)


def home_buttons(round_: Round) -> tuple[Block, ...]:
    """The same in Home, where a row may show no more than the beginning of the output."""
    if round_.question is not None:
        return answer_buttons(round_, round_.question, IN_HOME)
    return _buttons(round_.id, ids.HOME_APPROVE, ids.VIEW_REVISE)


def dismiss_button(round_: Round, *, action_id: str = ids.DISMISS) -> Block:
    """Gives up a round that is stuck or gone; `VIEW_DISMISS` in a modal or in Home."""
    return button(strings.DISMISS, action_id=action_id, value=round_.id)


def take_back_button(round_: Round, *, action_id: str = ids.TAKE_BACK) -> Block:
    """Takes an approval back, whoever's; `VIEW_TAKE_BACK` or `HOME_TAKE_BACK` in a view."""
    return button(rule_strings.TAKE_BACK, action_id=action_id, value=round_.id)


def _buttons(round_id: str, approve_id: str, revise_id: str) -> tuple[Block, Block]:
    return (
        button(strings.APPROVE, action_id=approve_id, value=round_id, style="primary"),
        button(strings.REVISE, action_id=revise_id, value=round_id),
    )
