"""Who has Home open, and the loop that keeps it up to date for them."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.outcome import Unknown
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.web_api import CallFailed, call, text_at
from crewgate.slack.context import SlackContext
from crewgate.slack.home.layout import Row, in_order, in_place
from crewgate.slack.home.messages import render_home
from crewgate.usecases.queries.queue import queue
from crewgate.usecases.wakeup import Wakeup

log = structlog.get_logger(__name__)

#: Slack does not tell when somebody closes Home, so it counts as open for this long.
OPEN: Final = timedelta(hours=1)
#: Ages move on even when nothing happens.
RENEW_SECONDS: Final = 60
#: Between two refreshes, unless somebody opens Home: a burst of changes is shown at once, well
#: within Slack's rate.
PAUSE_SECONDS: Final = 0.2
#: Who opened it last is kept; the others see the present state when they come back.
READERS: Final = 100
_CHANGED_BY_ANOTHER: Final = "hash_conflict"
"""Slack's code for a view that is no longer as the caller knows it."""


@dataclass
class _Reader:
    page: int
    opened_at: datetime
    rows: tuple[Row, ...]
    """What Slack shows, in its places; none before the page is put in order."""
    shown: str = ""
    hash: str = ""
    """Slack's name for what it shows; empty when it is not known."""


@dataclass
class HomeRefresher:
    """Who has Home open, and the loop that keeps it up to date.

    In another process the same person may have opened it anew: then Slack says that what is
    shown is not what was published last here, and it is kept up to date there.
    """

    context: SlackContext
    readers: dict[str, _Reader] = field(default_factory=dict)
    opened: Wakeup = field(default_factory=Wakeup)

    def open(self, user: str, page: int = 0) -> None:
        """Show somebody this page of Home, put in order."""
        self._keep(user, _Reader(page, self.context.clock(), ()))

    def open_again(self, user: str, page: int, rows: tuple[Row, ...]) -> None:
        """Go on with the rows that Slack shows, unless another page is on its way there."""
        reader = self.readers.get(user)
        if reader is None or reader.shown:
            reader = _Reader(page, self.context.clock(), rows)
        self._keep(user, reader)

    def take_over(self, user: str, page: int, rows: tuple[Row, ...]) -> None:
        """Keep a Home up to date that was opened elsewhere, or before a start."""
        if user not in self.readers:
            self.open_again(user, page, rows)

    async def run(self) -> None:
        while True:
            await self.context.saved.wait(RENEW_SECONDS)
            for user, reader in list(self.readers.items()):
                if self.context.clock() - reader.opened_at > OPEN:
                    del self.readers[user]
                else:
                    await self._refresh(user, reader)
            await self.opened.wait(PAUSE_SECONDS)

    def _keep(self, user: str, reader: _Reader) -> None:
        self.readers.pop(user, None)
        self.readers[user] = reader
        while len(self.readers) > READERS:
            self.readers.pop(next(iter(self.readers)))
        self.opened.set()
        self.context.saved.set()

    async def _refresh(self, user: str, reader: _Reader) -> None:
        context = self.context
        try:
            keep = [row.round_id for row in reader.rows]
            found = await queue(
                user, page=reader.page, keep=keep, context=context, recheck=not reader.shown
            )
            reader.rows = in_place(reader.rows, found) or in_order(found)
            view = await context.off_loop(
                render_home,
                found,
                reader.rows,
                now=context.clock(),
                link=context.identity.link,
                deciders=context.deciders,
                user=user,
            )
            if json.dumps(view) != reader.shown and self.readers.get(user) is reader:
                await self._publish(user, reader, view)
        except (CallFailed, StoreUnavailable) as error:
            log.warning("home_not_shown", why=str(error))

    async def _publish(self, user: str, reader: _Reader, view: Block) -> None:
        known = {"hash": reader.hash} if reader.hash else {}
        try:
            answer = await call(
                self.context.client, "views.publish", user_id=user, view=view, **known
            )
        except CallFailed as error:
            if isinstance(error.failure, Unknown):
                reader.hash = ""  # Slack may show it
            if str(error) != _CHANGED_BY_ANOTHER:
                raise
            if self.readers.get(user) is reader:
                del self.readers[user]
            return
        reader.shown, reader.hash = json.dumps(view), ""
        reader.hash = text_at(answer, "view", "hash")
