"""Home: opened, put in order, and its pages turned."""

import re
from functools import partial
from typing import Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.caveats import Seen
from crewgate.slack import ids
from crewgate.slack.context import Body
from crewgate.slack.home.layout import rows_of, share_beside
from crewgate.slack.home.refresher import HomeRefresher
from crewgate.slack.payloads import parse_home_opened
from crewgate.slack.press import Press, parse_press

_PAGE: Final = re.compile("[0-9]{1,6}")
_STEPS: Final = {ids.HOME_REFRESH: 0, ids.HOME_NEXT: 1, ids.HOME_PREVIOUS: -1}


def register(app: AsyncApp, refresher: HomeRefresher) -> None:
    """Put Home on the app; the refresher must run for it to be shown."""
    app.event("app_home_opened")(partial(on_home_opened, refresher=refresher))
    for turn in _STEPS:
        app.action(turn)(partial(on_page_turned, refresher=refresher))


async def on_home_opened(event: Body, *, refresher: HomeRefresher) -> None:
    """Show Home to somebody who opened it.

    Slack shows the former page until it has the new one: rows with buttons keep their places.
    """
    opened = parse_home_opened(event)
    if opened is None:
        return
    rows = rows_of(opened.view.rows)
    if all(row.over for row in rows):
        refresher.open(opened.user)
    else:
        refresher.open_again(opened.user, _page(opened.view.metadata), rows)


async def on_page_turned(ack: AsyncAck, body: Body, *, refresher: HomeRefresher) -> None:
    """Show the next page of Home, or the previous, or the same one put in order."""
    await ack()
    press = parse_press(body)
    page = _page(press.view.metadata) + _STEPS[press.action]
    refresher.open(press.by.id, max(0, page))


def pressed_in_home(press: Press, *, refresher: HomeRefresher) -> Seen:
    """Keep up to date the Home in which a button was pressed, and return what its row showed."""
    refresher.take_over(press.by.id, _page(press.view.metadata), rows_of(press.view.rows))
    return Seen(share=share_beside(press.block_id))


def _page(metadata: str) -> int:
    return int(metadata) if _PAGE.fullmatch(metadata) else 0
