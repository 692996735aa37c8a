"""A stand-in Slack workspace: a real HTTP server with Slack's API, limits and error codes.

It answers the Web API, and sends the bot what people do, over signed HTTP or Socket Mode:

    async with Workspace() as slack:
        slack.add_user("U1", "ana", "ana@example.com")
        slack.add_channel("C1", "reviews", members=["U1"])
        slack.events_url = "http://127.0.0.1:3000/slack/events"  # leave None for Socket Mode
        ...                                     # start the bot with SLACK_API_URL=slack.api_url
        card = await slack.until(lambda: slack.messages("C1")[0])
        await slack.click("U1", card, "Revise")
        await slack.submit("U1", {"feedback": "Shorter, please."})

`Message` and `View` are snapshots of what a person saw. Clicking an old snapshot is what a person
with a stale screen does; `messages` and `fresh` give the present state.

People's actions are in `user_actions` (`UserActions`, which Workspace extends), the Web API's
methods are in the modules named after them, the limits in `limits` and `blocks`.
"""

from crewgate.demo.changes import Change, Subscription
from crewgate.demo.faults import DROP_AFTER, DROP_BEFORE, HANG, Fault, slow
from crewgate.demo.workspace.delivery import Reply
from crewgate.demo.workspace.forms import CannotDoThat
from crewgate.demo.workspace.user_actions import Written
from crewgate.demo.workspace.web_api import (
    SHARES_NOTHING,
    Call,
    echo,
    error,
    http_status,
    malformed,
    rate_limited,
)
from crewgate.demo.workspace.workspace import Workspace, buttons, message_text
from crewgate.demo.workspace.world import (
    BOT_USER_ID,
    Channel,
    File,
    Grid,
    Group,
    Message,
    User,
    View,
)

__all__ = [
    "BOT_USER_ID",
    "DROP_AFTER",
    "DROP_BEFORE",
    "HANG",
    "SHARES_NOTHING",
    "Call",
    "CannotDoThat",
    "Change",
    "Channel",
    "Fault",
    "File",
    "Grid",
    "Group",
    "Message",
    "Reply",
    "Subscription",
    "User",
    "View",
    "Workspace",
    "Written",
    "buttons",
    "echo",
    "error",
    "http_status",
    "malformed",
    "message_text",
    "rate_limited",
    "slow",
]
