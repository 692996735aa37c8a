"""Home: the reviewer's queue, kept up to date for the people who have it open."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.domain.errors import StoreUnavailable
from bot.slack import ids
from bot.slack.client.web_api import CallFailed, call
from bot.slack.context import Body, SlackContext
from bot.slack.home.messages import render_home
from bot.slack.payloads import parse_view_click
from bot.usecases.queries.queue import queue

log = structlog.get_logger(__name__)

#: Slack does not tell when somebody closes Home, so it counts as open for this long.
OPEN: Final = timedelta(hours=1)
#: Ages move on even when nothing happens.
RENEW_SECONDS: Final = 60
#: Between two refreshes: a burst of changes is shown at once, well within Slack's rate.
PAUSE_SECONDS: Final = 0.2
#: Who opened it last is kept; the others see the present state when they come back.
READERS: Final = 100
_PAGE: Final = re.compile("[0-9]{1,6}")


@dataclass
class _Reader:
    page: int
    opened_at: datetime
    shown: str = ""


@dataclass
class HomeRefresher:
    """Who has Home open, and the loop that keeps it up to date."""

    context: SlackContext
    readers: dict[str, _Reader] = field(default_factory=dict)

    def open(self, user: str, page: int = 0) -> None:
        """Somebody looks at Home, or turned to this page of it."""
        self.readers.pop(user, None)
        self.readers[user] = _Reader(page, self.context.clock())
        while len(self.readers) > READERS:
            self.readers.pop(next(iter(self.readers)))
        self.context.saved.set()

    async def run(self) -> None:
        """Publish what changed until cancelled."""
        while True:
            await self.context.saved.wait(RENEW_SECONDS)
            for user, reader in list(self.readers.items()):
                if self.context.clock() - reader.opened_at > OPEN:
                    del self.readers[user]
                else:
                    await self._publish(user, reader)
            await self.context.sleep(PAUSE_SECONDS)

    async def _publish(self, user: str, reader: _Reader) -> None:
        context = self.context
        try:
            found = await queue(user, page=reader.page, context=context, recheck=not reader.shown)
            view = await context.off_loop(
                render_home, found, now=context.clock(), link=context.identity.link
            )
            published = json.dumps(view)
            if published != reader.shown:
                await call(context.client, "views.publish", user_id=user, view=view)
                reader.shown = published
        except (CallFailed, StoreUnavailable) as error:
            log.warning("home_not_shown", why=str(error))


def register(app: AsyncApp, context: SlackContext) -> HomeRefresher:
    """Put Home on the app; what is returned must run for it to be shown."""
    refresher = HomeRefresher(context)
    app.event("app_home_opened")(partial(on_home_opened, refresher=refresher))
    for turn in (ids.HOME_NEXT, ids.HOME_PREVIOUS):
        app.action(turn)(partial(on_page_turned, refresher=refresher))
    return refresher


async def on_home_opened(event: Body, *, refresher: HomeRefresher) -> None:
    """Somebody opened the app; its other tab is its messages."""
    user = event.get("user")
    if event.get("tab") == "home" and isinstance(user, str):
        refresher.open(user)


async def on_page_turned(ack: AsyncAck, body: Body, *, refresher: HomeRefresher) -> None:
    """To the next page of Home, or back."""
    await ack()
    click = parse_view_click(body)
    page = int(click.metadata) if _PAGE.fullmatch(click.metadata) else 0
    step = 1 if click.action_id == ids.HOME_NEXT else -1
    refresher.open(click.by.id, max(0, page + step))
