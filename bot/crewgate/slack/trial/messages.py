"""The test card, and the answer to a press on it."""

from collections.abc import Sequence
from typing import Final

from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Message, actions, button, section
from crewgate.slack.reviews.buttons import APPROVE, REVISE
from crewgate.slack.strings import crew, some

CREWS_SHOWN: Final = 10
#: The value of its buttons; nothing is behind them.
_VALUE: Final = "trial"
_NOTIFICATION: Final = "A test of Crewgate: no crew waits for this."
_CARD: Final = (
    "*A test of Crewgate.* No crew waits for this, and nothing that you press here decides"
    " anything. Press Approve or Revise: the answer, for you alone, says for which crews you may"
    " decide."
)


def render_trial_card() -> Message:
    return Message(
        _NOTIFICATION,
        [
            section(_CARD),
            actions(
                button(APPROVE.label, action_id=ids.TRIAL_APPROVE, value=_VALUE, style="primary"),
                button(REVISE.label, action_id=ids.TRIAL_REVISE, value=_VALUE),
                button("Remove this card", action_id=ids.TRIAL_REMOVE, value=_VALUE),
            ),
        ],
    )


def pressed(crews: Sequence[str]) -> str:
    arrived = "This was a test. Your press reached Crewgate, and nothing was decided."
    if not crews:
        return f"{arrived} You may decide for no crew: the settings do not name you a reviewer."
    return f"{arrived} Crews you may decide for: {some(list(map(crew, crews)), CREWS_SHOWN)}."
