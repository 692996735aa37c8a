"""The yardstick for clicks: a Bolt app that acknowledges and does nothing else.

`python -m tests.bench.bare_listener PORT`
"""

import sys

from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from crewgate.slack.reviews import buttons
from tests.bench.requests import SECRET, TEAM


async def authorize() -> AuthorizeResult:
    """Without asking Slack."""
    return AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_token="xoxb-bench")


async def on_approve(ack: AsyncAck) -> None:
    """The least that a listener does."""
    await ack()


async def on_alive(_: web.Request) -> web.Response:
    """For whoever waits for the start."""
    return web.Response()


if __name__ == "__main__":
    app = AsyncApp(signing_secret=SECRET, authorize=authorize)
    app.action(buttons.APPROVE.id)(on_approve)
    application = app.web_app(path="/slack/events")
    application.router.add_get("/", on_alive)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
