"""Who has Home open, and the loop that keeps it up to date for them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.errors import StoreUnavailable
from bot.domain.outcome import Unknown
from bot.slack.blockkit.blocks import Block
from bot.slack.client.answers import text_at
from bot.slack.client.web_api import CallFailed, call
from bot.slack.context import SlackContext
from bot.slack.home.layout import SETTLES, Row, arrange, moment, moved_at, rows_of
from bot.slack.home.messages import render_home
from bot.slack.payloads import ButtonRow, ViewClick, button_rows
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
_CHANGED_BY_ANOTHER: Final = "hash_conflict"
"""Slack's code for a view that is no longer as the caller knows it."""


@dataclass
class _Reader:
    page: int
    opened_at: datetime
    before: tuple[ButtonRow, ...]
    """The rows of buttons that Slack shows."""
    rows: tuple[Row, ...] = ()
    shown: str = ""
    hash: str = ""
    """Slack's name for what it shows; empty when it is not known."""
    moved: int = 0
    """When something was last moved: the newest of its rows' times."""
    showing: bool = False
    """A page is on its way to Slack."""
    shown_at: datetime | None = None
    """When Slack last had one."""


@dataclass
class HomeRefresher:
    """Who has Home open, and the loop that keeps it up to date.

    In another process the same person may have opened it anew: then Slack says that what is
    shown is not what was published last here, and it is kept up to date there.
    """

    context: SlackContext
    readers: dict[str, _Reader] = field(default_factory=dict)

    def open(self, user: str, page: int = 0, before: tuple[ButtonRow, ...] = ()) -> None:
        """Somebody opened Home, or turned to this page of it; `before` is what it shows."""
        self._keep(user, _Reader(page, self.context.clock(), before))

    def take_over(self, click: ViewClick, page: int) -> None:
        """Keep a Home up to date that was opened elsewhere, or before a start."""
        if click.by.id not in self.readers:
            reader = _Reader(page, self.context.clock(), click.rows, rows_of(click.rows))
            self._keep(click.by.id, reader)

    def just_moved(self, click: ViewClick) -> bool:
        """Whether a button stands where it was pressed for so short that nobody can mean it."""
        moved = moved_at(click.block_id)
        now = self.context.clock()
        if now - moment(moved) < SETTLES:
            return True
        reader = self.readers.get(click.by.id)
        if reader is None or not moved or moved != reader.moved:
            return False
        # Slack may have taken its time to show it.
        return reader.showing or (reader.shown_at is not None and now - reader.shown_at < SETTLES)

    async def run(self) -> None:
        """Publish what changed until cancelled."""
        while True:
            await self.context.saved.wait(RENEW_SECONDS)
            for user, reader in list(self.readers.items()):
                if self.context.clock() - reader.opened_at > OPEN:
                    del self.readers[user]
                else:
                    await self._refresh(user, reader)
            await self.context.sleep(PAUSE_SECONDS)

    def _keep(self, user: str, reader: _Reader) -> None:
        self.readers.pop(user, None)
        self.readers[user] = reader
        while len(self.readers) > READERS:
            self.readers.pop(next(iter(self.readers)))
        self.context.saved.set()

    async def _refresh(self, user: str, reader: _Reader) -> None:
        context = self.context
        try:
            keep = [row.round_id for row in reader.rows]
            found = await queue(
                user, page=reader.page, keep=keep, context=context, recheck=not reader.shown
            )
            reader.rows = arrange(reader.rows, found, now=context.clock())
            view = await context.off_loop(
                render_home,
                found,
                reader.rows,
                before=reader.before,
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
        rows = button_rows(view)
        reader.moved = max((moved_at(row.block_id) for row in rows), default=0)
        reader.showing = True
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
        finally:
            reader.showing, reader.shown_at = False, self.context.clock()
        reader.shown, reader.before, reader.hash = json.dumps(view), rows, ""
        reader.hash = text_at(answer, "view", "hash")
