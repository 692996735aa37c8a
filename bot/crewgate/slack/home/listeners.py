"""Home: opened, put in order, its pages turned, and its buttons that decide pressed."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.caveats import Seen
from crewgate.slack import ids
from crewgate.slack.context import Body
from crewgate.slack.errors import explain_view_click
from crewgate.slack.home.layout import rows_of, shows_all
from crewgate.slack.home.refresher import HomeRefresher
from crewgate.slack.payloads import parse_home_opened, parse_view_click
from crewgate.slack.reviews.reader_listeners import (
    on_view_answer,
    on_view_approve,
    on_view_take_back,
)
from crewgate.usecases.decide import retry

_PAGE: Final = re.compile("[0-9]{1,6}")
_STEPS: Final = {ids.HOME_REFRESH: 0, ids.HOME_NEXT: 1, ids.HOME_PREVIOUS: -1}


def register(app: AsyncApp, refresher: HomeRefresher) -> None:
    """Put Home on the app; the refresher must run for it to be shown."""
    app.event("app_home_opened")(partial(on_home_opened, refresher=refresher))
    for turn in _STEPS:
        app.action(turn)(partial(on_page_turned, refresher=refresher))
    app.action(ids.HOME_APPROVE)(partial(on_home_approve, refresher=refresher))
    answer = partial(on_home_answer, refresher=refresher)
    app.action(re.compile(rf"^{ids.HOME_ANSWER}\.[0-9]{{1,3}}$"))(answer)
    app.action(ids.HOME_ANSWER_MENU)(answer)
    app.action(ids.HOME_TAKE_BACK)(partial(on_home_take_back, refresher=refresher))
    app.action(ids.HOME_RETRY)(partial(on_home_retry, refresher=refresher))


async def on_home_opened(event: Body, *, refresher: HomeRefresher) -> None:
    """Somebody opened the app; its other tab is its messages.

    Slack shows what it had until it has the page: what can be pressed there keeps its place.
    """
    opened = parse_home_opened(event)
    if opened is None:
        return
    rows = rows_of(opened.rows)
    if all(row.over for row in rows):
        refresher.open(opened.user)
    else:
        refresher.open_again(opened.user, _page(opened.metadata), rows)


async def on_page_turned(ack: AsyncAck, body: Body, *, refresher: HomeRefresher) -> None:
    """To the next page of Home, or back, or the same one put in order."""
    await ack()
    click = parse_view_click(body)
    refresher.open(click.by.id, max(0, _page(click.metadata) + _STEPS[click.action_id]))


async def on_home_approve(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Approve; beside the beginning of an output it has to be confirmed."""
    seen = _pressed(body, refresher)
    await on_view_approve(ack, body, client, context=refresher.context, seen=seen)


async def on_home_answer(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Answer a flow with one of its outcomes; the same."""
    seen = _pressed(body, refresher)
    await on_view_answer(ack, body, client, context=refresher.context, seen=seen)


async def on_home_take_back(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Take an approval back."""
    _pressed(body, refresher)
    await on_view_take_back(ack, body, client, context=refresher.context)


async def on_home_retry(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Send a stuck decision once more."""
    _pressed(body, refresher)
    click, context = parse_view_click(body), refresher.context
    async with explain_view_click(client, click, ack, context):
        await retry(click.value, by=click.by, context=context)
        await ack()


def _pressed(body: Body, refresher: HomeRefresher) -> Seen:
    """Keep up to date the Home in which something was pressed; what its row showed."""
    click = parse_view_click(body)
    refresher.take_over(click.by.id, _page(click.metadata), rows_of(click.rows))
    return Seen(beginning=not shows_all(click.block_id))


def _page(metadata: str) -> int:
    return int(metadata) if _PAGE.fullmatch(metadata) else 0
