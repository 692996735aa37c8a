"""The test card, which shows an operator that Slack reaches the bot. Nothing is stored."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.people import Role
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Message, actions, button, section
from crewgate.slack.client.replies import Respond, remove_original, send_ephemeral
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.press import parse_press
from crewgate.slack.reviews.buttons import APPROVE, REVISE
from crewgate.slack.words.names import crew, some

CREWS_SHOWN: Final = 10
#: The value of the test card's buttons, which belong to no round.
_VALUE: Final = "trial"


def render_trial_card() -> Message:
    return Message(
        "A test of Crewgate: no crew waits for this.",
        [
            section(
                "*A test of Crewgate.* No crew waits for this, and nothing that you press here"
                " decides anything. Press Approve or Revise: the answer, for you alone, says for"
                " which crews you may decide."
            ),
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


def register(app: AsyncApp, context: SlackContext) -> None:
    for action in (ids.TRIAL_APPROVE, ids.TRIAL_REVISE):
        app.action(action)(partial(on_trial_pressed, context=context))
    app.action(ids.TRIAL_REMOVE)(on_trial_removed)


async def on_trial_pressed(
    ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext
) -> None:
    await ack()
    crews = await context.crews_of(parse_press(body).by.id, Role.REVIEWER)
    await send_ephemeral(respond, pressed(crews))


async def on_trial_removed(ack: AsyncAck, respond: Respond) -> None:
    """Remove the card; anybody who sees it may, since it says nothing."""
    await ack()
    await remove_original(respond)
