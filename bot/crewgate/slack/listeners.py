"""The listeners of all features on one Bolt app."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from crewgate.slack import away, commands, home, kickoff, lessons, notes, referrals, stats, trial
from crewgate.slack.client.bolt import Middleware, Next
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.replies import answer_in_place, send_ephemeral
from crewgate.slack.context import SlackContext
from crewgate.slack.errors import render_notice
from crewgate.slack.home import HomeRefresher
from crewgate.slack.notes import MissedNotes
from crewgate.slack.payloads import parse_place
from crewgate.slack.reviews import listeners as reviews
from crewgate.slack.words import names
from crewgate.usecases.log_fields import acts_at

log = structlog.get_logger(__name__)

#: Seconds that a request waits for Slack to tell the bot its own workspace.
ASK_SECONDS: Final = 2


async def refuse_other_teams(
    req: AsyncBoltRequest, next_: Next, *, identity: Identity
) -> BoltResponse | None:
    """Let only requests of the bot's own workspace through, once it is known; a Bolt middleware."""
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
        return await _refuse(req, names.OTHER_TEAM, event_status=200)
    # Slack sends an event again after an error; by then the bot may know its own workspace.
    return await _refuse(req, names.TEAM_NOT_KNOWN, event_status=503)


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


Loop: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


async def note_place(req: AsyncBoltRequest, next_: Next) -> None:
    """Note the surface of an action for the audit trail; a Bolt middleware."""
    acts_at(parse_place(req.body))
    await next_()


def register(app: AsyncApp, context: SlackContext) -> dict[str, Loop]:
    for one in (
        answer_in_place,
        partial(refuse_other_teams, identity=context.identity),
        note_place,
    ):
        app.middleware(Middleware(one))
    refresher = HomeRefresher(context)
    in_home = partial(home.in_home, refresher=refresher)
    missed = MissedNotes(context)
    more = {**lessons.VERBS, **referrals.VERBS}
    reviews.register(app, context, in_home=in_home, read_thread=missed.before_decision, more=more)
    lessons.register(app, context)
    notes.register(app, context)
    referrals.register(app, context)
    kickoff.register(app, context)
    away.register(app, context)
    commands.register(app, context)
    stats.register(app, context)
    trial.register(app, context)
    home.register(app, refresher)
    return {"home": refresher.run, "missed_notes": missed.run}
