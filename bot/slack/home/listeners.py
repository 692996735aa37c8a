"""Home: the reviewer's queue, kept up to date for the people who have it open."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import StoreUnavailable
from bot.domain.review import State
from bot.slack import ids
from bot.slack.blockkit.blocks import Block, actions, button, context, section
from bot.slack.blockkit.rich_text import flat
from bot.slack.blockkit.text import duration
from bot.slack.client.web_api import CallFailed, call
from bot.slack.commands import strings as lists
from bot.slack.commands.messages import Link, linked
from bot.slack.notes.payloads import parse_in_view
from bot.slack.reviews import reader_strings as words
from bot.slack.reviews import strings as card_words
from bot.slack.reviews.listeners import Desk
from bot.usecases.queries.queue import queue
from bot.usecases.read_models import Queue, RoundLine
from bot.usecases.wakeup import Bell

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
    desk: Desk
    link: Link
    readers: dict[str, _Reader] = field(default_factory=dict)
    bell: Bell = field(default_factory=Bell)

    def open(self, user: str, page: int = 0) -> None:
        """Somebody looks at Home, or turned to this page of it."""
        self.readers.pop(user, None)
        self.readers[user] = _Reader(page, self.desk.clock())
        while len(self.readers) > READERS:
            self.readers.pop(next(iter(self.readers)))
        self.bell.ring()

    def call(self) -> None:
        """Something changed."""
        self.bell.ring()

    async def run(self) -> None:
        """Publish what changed until cancelled."""
        pause = Bell()
        while True:
            await self.bell.wait(RENEW_SECONDS)
            for user, reader in list(self.readers.items()):
                if self.desk.clock() - reader.opened_at > OPEN:
                    del self.readers[user]
                else:
                    await self._publish(user, reader)
            await pause.wait(PAUSE_SECONDS)

    async def _publish(self, user: str, reader: _Reader) -> None:
        desk = self.desk
        try:
            found = await queue(
                user,
                page=reader.page,
                uow=desk.uow,
                crews=desk.crews,
                directory=desk.directory,
                clock=desk.clock,
            )
            view = render_home(found, now=desk.clock(), link=self.link)
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


def render_home(found: Queue, *, now: datetime, link: Link) -> Block:
    """The queue as a Home page."""
    blocks: list[Block] = []
    if not (found.mine.total or found.others.total or found.stuck.total):
        blocks.append(section(words.HOME_EMPTY))
    parts = (
        (found.mine, words.home_mine, True),
        (found.others, words.home_others, False),
        (found.stuck, words.home_stuck, False),
        (found.decided, words.home_decided, False),
    )
    for part, heading, may_decide in parts:
        if part.lines:
            blocks.append(section(f"*{heading(part.total)}*"))
            for line in part.lines:
                blocks += _entry(line, now=now, link=link, may_decide=may_decide)
    turning = [
        *(
            [button(words.PREVIOUS, action_id=ids.HOME_PREVIOUS, value="previous")]
            if found.page > 0
            else []
        ),
        *(
            [button(words.NEXT, action_id=ids.HOME_NEXT, value="next")]
            if found.page + 1 < found.pages
            else []
        ),
    ]
    if turning:
        blocks += [context(words.page_of(found.page, found.pages)), actions(*turning)]
    return {"type": "home", "private_metadata": str(found.page), "blocks": blocks}


def _entry(line: RoundLine, *, now: datetime, link: Link, may_decide: bool) -> Iterable[Block]:
    round_ = line.round
    title = f"{card_words.crew(round_.review.crew)}: {card_words.task(round_)}"
    about = (
        words.home_line(round_, lists.waited(duration(now - round_.opened_at)))
        if round_.state is State.WAITING
        else words.home_line(round_, lists.status(round_, now))
    )
    excerpt = words.home_excerpt(flat(line.excerpt))
    text = f"{linked(title, line, link)} · {about}"
    yield section(f"{text}\n{excerpt}" if excerpt else text)
    approve = button(
        card_words.APPROVE, action_id=ids.VIEW_APPROVE, value=round_.id, style="primary"
    )
    revise = button(card_words.REVISE, action_id=ids.VIEW_REVISE, value=round_.id)
    read = button(words.READ, action_id=ids.VIEW_READ, value=round_.id)
    yield actions(*([approve, revise] if may_decide else []), read)
