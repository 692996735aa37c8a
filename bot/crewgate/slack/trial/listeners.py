"""Presses on the test card. They tell an operator that Slack reaches the bot; nothing is stored."""

from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.people import Role
from crewgate.slack import ids
from crewgate.slack.client.replies import Respond, remove_original, send_ephemeral
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.press import parse_press
from crewgate.slack.trial.messages import pressed


def register(app: AsyncApp, context: SlackContext) -> None:
    for action in (ids.TRIAL_APPROVE, ids.TRIAL_REVISE):
        app.action(action)(partial(on_trial_pressed, context=context))
    app.action(ids.TRIAL_REMOVE)(on_trial_removed)


async def on_trial_pressed(
    ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext
) -> None:
    """Answer that the press arrived, and for which crews this person may decide."""
    await ack()
    crews = await context.crews_of(parse_press(body).by.id, Role.REVIEWER, recheck=True)
    await send_ephemeral(respond, pressed(crews))


async def on_trial_removed(ack: AsyncAck, respond: Respond) -> None:
    """Take the card away; anybody who sees it may, since it says nothing."""
    await ack()
    await remove_original(respond)
