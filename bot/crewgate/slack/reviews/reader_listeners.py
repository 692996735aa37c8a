"""What Slack calls about a review in modals and in Home: pages, Approve, Revise, notes to add."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.caveats import NOTHING_SEEN, Seen
from crewgate.domain.errors import ConfirmationNeeded
from crewgate.domain.verdict import Via
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.modals import open_modal, update_modal
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_view_click
from crewgate.slack.payloads import ViewClick, parse_view_click
from crewgate.slack.reviews.listeners import decide_once, verdict_of
from crewgate.slack.reviews.modals import Show, confirmation, form_again, revise_form, show_page
from crewgate.slack.reviews.outcome_choice import parse_outcome
from crewgate.slack.reviews.reader import ReaderPosition, ReaderTab, parse_position
from crewgate.usecases.decide import take_back


def register(app: AsyncApp, context: SlackContext) -> None:
    """Put the listeners of modals and of Home's rounds on the app."""
    for turn in (ids.NEXT_PAGE, ids.PREVIOUS_PAGE):
        app.action(turn)(partial(on_page_turned, context=context))
    app.action(ids.VIEW_APPROVE)(partial(on_view_approve, context=context))
    answer = partial(on_view_answer, context=context)
    app.action(re.compile(rf"^{ids.VIEW_ANSWER}\.[0-9]{{1,3}}$"))(answer)
    app.action(ids.VIEW_ANSWER_MENU)(answer)
    app.action(ids.VIEW_TAKE_BACK)(partial(on_view_take_back, context=context))
    app.action(ids.VIEW_REVISE)(partial(on_view_revise, context=context))
    app.action(ids.VIEW_READ)(partial(on_view_read, context=context))
    for notes in (ids.ADD_NOTE, ids.ADD_PART, ids.NEXT_NOTES, ids.PREVIOUS_NOTES):
        app.action(notes)(partial(on_notes_button, context=context))


async def on_page_turned(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """To the next page, or back."""
    click = parse_view_click(body)
    position = parse_position(click.metadata)
    if position is None:
        await ack()
        return
    step = 1 if click.action_id == ids.NEXT_PAGE else -1
    turned = replace(position, page=max(0, (position.page or 0) + step))
    async with explain_view_click(client, click, ack, context, round_id=turned.round_id):
        await show_page(turned, click.by, ack, _update(client, click), context)


def _update(client: AsyncWebClient, click: ViewClick) -> Show:
    """Update the modal of a click, unless somebody else did."""

    async def update(view: Block) -> bool:
        return await update_modal(client, view, view_id=click.view_id, hash=click.view_hash)

    return update


async def on_view_approve(
    ack: AsyncAck,
    body: Body,
    client: AsyncWebClient,
    *,
    context: SlackContext,
    seen: Seen = NOTHING_SEEN,
) -> None:
    """Approve in a modal or in Home: one click, as on a card."""
    await _decide_at_once(parse_view_click(body), None, seen, ack, client, context)


async def on_view_answer(
    ack: AsyncAck,
    body: Body,
    client: AsyncWebClient,
    *,
    context: SlackContext,
    seen: Seen = NOTHING_SEEN,
) -> None:
    """A flow's outcome in a modal or in Home: the same."""
    choice = parse_outcome(body)
    click = replace(parse_view_click(body), value=choice.round_id)
    await _decide_at_once(click, choice.outcome, seen, ack, client, context)


async def _decide_at_once(
    click: ViewClick,
    outcome: int | None,
    seen: Seen,
    ack: AsyncAck,
    client: AsyncWebClient,
    context: SlackContext,
) -> None:
    position = None if click.in_home else parse_position(click.metadata)
    async with explain_view_click(client, click, ack, context):
        try:
            verdict = await verdict_of(click.value, outcome, context)
            await decide_once(
                click.value, verdict, by=click.by, via=Via.BUTTON, context=context, seen=seen
            )
        except ConfirmationNeeded as needed:
            form = await confirmation(
                click.value,
                needed.caveats,
                context,
                while_reading=position is not None,
                outcome=outcome,
            )
            await ack()
            await open_modal(client, click.trigger_id, form, on_top=not click.in_home)
            return
        if position is None:
            await ack()
            return
        await show_page(position, click.by, ack, _update(client, click), context)


async def on_view_take_back(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Take an approval back, in a modal or in Home."""
    click = parse_view_click(body)
    position = None if click.in_home else parse_position(click.metadata)
    async with explain_view_click(client, click, ack, context):
        await take_back(click.value, by=click.by, context=context)
        if position is None:
            await ack()
            return
        await show_page(position, click.by, ack, _update(client, click), context)


async def on_view_revise(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Open the form behind Revise on what is being read."""
    click = parse_view_click(body)
    async with explain_view_click(client, click, ack, context):
        form = await revise_form(click.value, click.by, context)
        await ack()
        await open_modal(client, click.trigger_id, form, on_top=not click.in_home)


async def on_view_read(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Read a round of the queue in full."""
    click = parse_view_click(body)
    async with explain_view_click(client, click, ack, context):
        position = ReaderPosition(click.value, ReaderTab.WHOLE)
        show = partial(open_modal, client, click.trigger_id, on_top=not click.in_home)
        await show_page(position, click.by, ack, show, context)


async def on_notes_button(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Put a note or a part of one into the box, after what is typed there, or turn their pages."""
    click = parse_view_click(body)
    async with explain_view_click(client, click, ack, context, round_id=click.metadata):
        form = await form_again(click, context)
        await ack()
        await update_modal(client, form, view_id=click.view_id, hash=click.view_hash)
