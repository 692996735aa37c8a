"""Registers the listeners of all features on one Bolt app."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from crewgate.slack.away import listeners as away
from crewgate.slack.client.bolt import Middleware, Next
from crewgate.slack.client.replies import answer_in_place
from crewgate.slack.commands import listeners as commands
from crewgate.slack.context import SlackContext
from crewgate.slack.home import listeners as home
from crewgate.slack.home.refresher import HomeRefresher
from crewgate.slack.kickoff import listeners as kickoff
from crewgate.slack.notes import listeners as notes
from crewgate.slack.notes.missed import MissedNotes
from crewgate.slack.payloads import parse_place
from crewgate.slack.reviews import listeners as reviews
from crewgate.slack.stats import listeners as stats
from crewgate.slack.teams import refuse_other_teams
from crewgate.slack.trial import listeners as trial
from crewgate.usecases.acting import acts_at

Loop: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""A coroutine that runs until it is cancelled."""


async def note_place(req: AsyncBoltRequest, next_: Next) -> None:
    """A Bolt middleware: what a person does is done there, for the audit trail."""
    acts_at(parse_place(req.body))
    await next_()


def register(app: AsyncApp, context: SlackContext) -> dict[str, Loop]:
    """Register all features, for this bot's workspace only; the app runs the loops."""
    for one in (
        answer_in_place,
        partial(refuse_other_teams, identity=context.identity),
        note_place,
    ):
        app.middleware(Middleware(one))
    refresher = HomeRefresher(context)
    in_home = partial(home.pressed_in_home, refresher=refresher)
    missed = MissedNotes(context)
    signs = reviews.register(app, context, in_home=in_home, read_thread=missed.before_decision)
    notes.register(app, context)
    kickoff.register(app, context)
    away.register(app, context)
    commands.register(app, context)
    stats.register(app, context)
    trial.register(app, context)
    home.register(app, refresher)
    return {"home": refresher.run, "missed_notes": missed.run, "slow_signs": signs.run}
