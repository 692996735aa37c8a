"""The test card."""

from typing import Final

from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Message, actions, button, section
from crewgate.slack.reviews.buttons import APPROVE, REVISE
from crewgate.slack.trial import strings

#: The value of its buttons; nothing is behind them.
_VALUE: Final = "trial"


def render_trial_card() -> Message:
    return Message(
        strings.NOTIFICATION,
        [
            section(strings.CARD),
            actions(
                button(APPROVE.label, action_id=ids.TRIAL_APPROVE, value=_VALUE, style="primary"),
                button(REVISE.label, action_id=ids.TRIAL_REVISE, value=_VALUE),
                button(strings.REMOVE, action_id=ids.TRIAL_REMOVE, value=_VALUE),
            ),
        ],
    )
