"""What Slack calls when somebody gives up a round that is stuck or gone: the button, the form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias, TypeVar

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.ephemeral import Respond, send_ephemeral
from crewgate.slack.client.modals import open_modal
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_click, explain_errors, explain_view_click, show_in_form
from crewgate.slack.payloads import parse_click, parse_submission, parse_view_click
from crewgate.slack.reviews import form_strings
from crewgate.slack.reviews.forms import render_dismiss_form, render_dismiss_report_form
from crewgate.usecases.dismiss import dismiss, dismiss_report, may_dismiss, may_dismiss_report

T = TypeVar("T")
Dismiss: TypeAlias = Callable[..., Awaitable[object]]
"""`dismiss` or `dismiss_report`."""

log = structlog.get_logger(__name__)


def register(app: AsyncApp, context: SlackContext) -> None:
    """Put the listeners of Dismiss on the app, and of the form that it opens."""
    app.action(ids.DISMISS)(
        partial(on_dismiss, context=context, may=may_dismiss, render=render_dismiss_form)
    )
    app.action(ids.VIEW_DISMISS)(partial(on_view_dismiss, context=context))
    app.action(ids.DISMISS_REPORT)(
        partial(
            on_dismiss, context=context, may=may_dismiss_report, render=render_dismiss_report_form
        )
    )
    sent = partial(on_dismiss_submitted, context=context)
    app.view(ids.DISMISS_MODAL)(partial(sent, carry_out=dismiss))
    app.view(ids.DISMISS_REPORT_MODAL)(partial(sent, carry_out=dismiss_report))


async def on_dismiss(  # Bolt fills the first ones in by name
    ack: AsyncAck,
    body: Body,
    client: AsyncWebClient,
    respond: Respond,
    *,
    context: SlackContext,
    may: Callable[..., Awaitable[T]],
    render: Callable[[T], Block],
) -> None:
    """Open the form that asks why, if this person may dismiss it now: a round or a report."""
    click = parse_click(body)
    async with explain_click(respond, click, ack, context):
        found = await may(click.round_id, by=click.by, context=context)
        await ack()
        if await open_modal(client, click.trigger_id, render(found)) is None:
            await send_ephemeral(respond, shared.MODAL_NOT_OPENED)


async def on_view_dismiss(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """The same for a round in Home."""
    click = parse_view_click(body)
    async with explain_view_click(client, click, ack, context):
        round_ = await may_dismiss(click.value, by=click.by, context=context)
        await ack()
        form = render_dismiss_form(round_)
        await open_modal(client, click.trigger_id, form, on_top=not click.in_home)


async def on_dismiss_submitted(
    ack: AsyncAck, body: Body, *, context: SlackContext, carry_out: Dismiss
) -> None:
    """The form was sent; a refusal is shown in it, so that nothing written is lost."""
    submission = parse_submission(body)
    show = partial(show_in_form, ack, submission.box)
    if not submission.feedback.strip():
        await show(form_strings.DISMISS_MISSING)
        return
    async with explain_errors(
        show, context=context, plain=True, by=submission.by, subject=submission.round_id
    ):
        why = submission.feedback
        await carry_out(submission.round_id, why, by=submission.by, context=context)
        await ack(response_action="clear")
        log.info("dismissed", subject=submission.round_id, by=submission.by.id)
