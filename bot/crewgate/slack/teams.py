"""Requests from workspaces in which this bot is not installed are refused before any listener.

A signature proves that Slack sent a request for this app, which may be installed elsewhere too.
"""

import asyncio
from contextlib import suppress
from typing import Final

import structlog
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from crewgate.slack import strings
from crewgate.slack.client.bolt import Next
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.replies import send_ephemeral
from crewgate.slack.errors import render_notice

log = structlog.get_logger(__name__)

#: How long a request waits while Slack is asked whose bot this is, in seconds.
ASK_SECONDS: Final = 2


async def refuse_other_teams(
    req: AsyncBoltRequest, next_: Next, *, identity: Identity
) -> BoltResponse | None:
    """A Bolt middleware. Nothing is let through while Slack has not told whose bot this is."""
    context = req.context
    if not identity.is_known:
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                await identity.ask_once()
    if identity.is_own_team(context.team_id, context.enterprise_id):
        await next_()
        return None
    log.warning("other_team", team=context.team_id, enterprise=context.enterprise_id)
    if identity.is_known:
        return await _refuse(req, strings.OTHER_TEAM, event_status=200)
    # Slack repeats an event that is answered with an error.
    return await _refuse(req, strings.TEAM_NOT_KNOWN, event_status=503)


async def _refuse(req: AsyncBoltRequest, sentence: str, *, event_status: int) -> BoltResponse:
    match req.body:
        case {"type": "event_callback"}:
            return BoltResponse(status=event_status)
        case {"type": "view_submission"}:
            answer = {"response_action": "update", "view": render_notice(sentence)}
            return BoltResponse(status=200, body=answer)
        case {"command": _}:
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": sentence})
        case {"response_url": _}:
            await send_ephemeral(req.context["respond"], sentence)
    return BoltResponse(status=200)
