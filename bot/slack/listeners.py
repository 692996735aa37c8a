"""Every listener of every feature, put on one Bolt app."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.slack.commands import listeners as commands
from bot.slack.context import SlackContext
from bot.slack.home import listeners as home
from bot.slack.home.listeners import HomeRefresher
from bot.slack.kickoff import listeners as kickoff
from bot.slack.notes import listeners as notes
from bot.slack.reviews import listeners as reviews
from bot.slack.reviews import reader_listeners as reader


def register(app: AsyncApp, context: SlackContext) -> HomeRefresher:
    """Register all features; the app runs what keeps Home up to date."""
    reviews.register(app, context)
    reader.register(app, context)
    notes.register(app, context)
    kickoff.register(app, context)
    commands.register(app, context)
    return home.register(app, context)
