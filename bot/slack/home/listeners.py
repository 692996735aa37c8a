"""Home: opened, its pages turned, and its buttons that decide pressed."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import ids
from bot.slack.context import Body
from bot.slack.errors import explain_errors, show_error_modal
from bot.slack.home import strings
from bot.slack.home.refresher import HomeRefresher
from bot.slack.payloads import ViewClick, parse_home_opened, parse_view_click
from bot.slack.reviews.reader_listeners import (
    on_view_answer,
    on_view_approve,
    on_view_take_back,
)
from bot.usecases.decide import retry

log = structlog.get_logger(__name__)

_PAGE: Final = re.compile("[0-9]{1,6}")


def register(app: AsyncApp, refresher: HomeRefresher) -> None:
    """Put Home on the app; the refresher must run for it to be shown."""
    app.event("app_home_opened")(partial(on_home_opened, refresher=refresher))
    for turn in (ids.HOME_NEXT, ids.HOME_PREVIOUS):
        app.action(turn)(partial(on_page_turned, refresher=refresher))
    app.action(ids.HOME_APPROVE)(partial(on_home_approve, refresher=refresher))
    answer = partial(on_home_answer, refresher=refresher)
    app.action(re.compile(rf"{ids.HOME_ANSWER}\.[0-9]{{1,3}}"))(answer)
    app.action(ids.HOME_ANSWER_MENU)(answer)
    app.action(ids.HOME_TAKE_BACK)(partial(on_home_take_back, refresher=refresher))
    app.action(ids.HOME_RETRY)(partial(on_home_retry, refresher=refresher))


async def on_home_opened(event: Body, *, refresher: HomeRefresher) -> None:
    """Somebody opened the app; its other tab is its messages."""
    opened = parse_home_opened(event)
    if opened is not None:
        refresher.open(opened.user, before=opened.rows)


async def on_page_turned(ack: AsyncAck, body: Body, *, refresher: HomeRefresher) -> None:
    """To the next page of Home, or back."""
    await ack()
    click = parse_view_click(body)
    step = 1 if click.action_id == ids.HOME_NEXT else -1
    refresher.open(click.by.id, max(0, _page(click) + step), click.rows)


async def on_home_approve(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Approve, unless the row came under the pointer just now."""
    if await _refused(ack, body, client, refresher):
        return
    await on_view_approve(ack, body, client, context=refresher.context)


async def on_home_answer(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Answer a flow with one of its outcomes; the same."""
    if await _refused(ack, body, client, refresher):
        return
    await on_view_answer(ack, body, client, context=refresher.context)


async def on_home_take_back(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Take an approval back; the same."""
    if await _refused(ack, body, client, refresher):
        return
    await on_view_take_back(ack, body, client, context=refresher.context)


async def on_home_retry(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, refresher: HomeRefresher
) -> None:
    """Send a stuck decision once more; the same."""
    if await _refused(ack, body, client, refresher):
        return
    click, context = parse_view_click(body), refresher.context
    async with explain_errors(partial(show_error_modal, client, click), context=context, ack=ack):
        await retry(click.value, by=click.by, context=context)
        await ack()


async def _refused(
    ack: AsyncAck, body: Body, client: AsyncWebClient, refresher: HomeRefresher
) -> bool:
    click = parse_view_click(body)
    refresher.take_over(click, _page(click))
    if not refresher.just_moved(click):
        return False
    await ack()
    log.info("home_just_changed", by=click.by.id)
    await show_error_modal(client, click, strings.JUST_CHANGED)
    return True


def _page(click: ViewClick) -> int:
    return int(click.metadata) if _PAGE.fullmatch(click.metadata) else 0
