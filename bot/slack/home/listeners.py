"""Home: the reviewer's queue, kept up to date for the people who have it open."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import StoreUnavailable
from bot.slack import ids
from bot.slack.client.web_api import CallFailed, call
from bot.slack.context import SlackContext
from bot.slack.home.messages import render_home
from bot.slack.links import Link
from bot.slack.payloads import parse_in_view
from bot.usecases.queries.queue import queue
from bot.usecases.wakeup import Wakeup

log = structlog.get_logger(__name__)

#: Slack does not tell when somebody closes Home, so it counts as open for this long.
OPEN: Final = timedelta(hours=1)
#: Ages move on even when nothing happens.
RENEW_SECONDS: Final = 60
#: Between two refreshes: a burst of changes is shown at once, well within Slack's rate.
PAUSE_SECONDS: Final = 0.2
#: Who opened it last is kept; the others see the present state when they come back.
READERS: Final = 100


@dataclass
class _Reader:
    page: int
    opened_at: datetime
    shown: str = ""


@dataclass
class Homes:
    """Who has Home open, and the loop that keeps it up to date."""

    client: AsyncWebClient
    context: SlackContext
    link: Link
    readers: dict[str, _Reader] = field(default_factory=dict)
    bell: Wakeup = field(default_factory=Wakeup)

    def open(self, user: str, page: int = 0) -> None:
        """Somebody looks at Home, or turned to this page of it."""
        self.readers.pop(user, None)
        self.readers[user] = _Reader(page, self.context.clock())
        while len(self.readers) > READERS:
            self.readers.pop(next(iter(self.readers)))
        self.bell.set()

    def call(self) -> None:
        """Something changed."""
        self.bell.set()

    async def run(self) -> None:
        """Publish what changed until cancelled."""
        pause = Wakeup()
        while True:
            await self.bell.wait(RENEW_SECONDS)
            for user, reader in list(self.readers.items()):
                if self.context.clock() - reader.opened_at > OPEN:
                    del self.readers[user]
                else:
                    await self._publish(user, reader)
            await pause.wait(PAUSE_SECONDS)

    async def _publish(self, user: str, reader: _Reader) -> None:
        context = self.context
        try:
            found = await queue(
                user,
                page=reader.page,
                uow=context.uow,
                crews=context.crews,
                directory=context.directory,
                clock=context.clock,
            )
            view = render_home(found, now=context.clock(), link=self.link)
            written = json.dumps(view)
            if written != reader.shown:
                await call(self.client, "views.publish", user_id=user, view=view)
                reader.shown = written
        except (CallFailed, StoreUnavailable) as error:
            log.warning("home_not_shown", why=str(error))


def register(app: AsyncApp, homes: Homes) -> None:
    """Put Home on the app."""
    app.event("app_home_opened")(partial(on_home_opened, homes=homes))
    for turn in (ids.HOME_NEXT, ids.HOME_PREVIOUS):
        app.action(turn)(partial(on_home_turned, homes=homes))


async def on_home_opened(event: dict[str, Any], *, homes: Homes) -> None:
    """Somebody opened the app; its other tab is its messages."""
    if event.get("tab") == "home":
        homes.open(str(event["user"]))


async def on_home_turned(ack: AsyncAck, body: dict[str, Any], *, homes: Homes) -> None:
    """To the next page of Home, or back."""
    await ack()
    click = parse_in_view(body)
    page = int(click.metadata) if click.metadata.isdecimal() else 0
    step = 1 if click.action_id == ids.HOME_NEXT else -1
    homes.open(click.by.id, max(0, page + step))
