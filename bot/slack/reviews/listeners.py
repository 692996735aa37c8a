"""What Slack calls: plain functions, each parse, use case, answer."""

from __future__ import annotations

from functools import partial

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import CrewgateError
from bot.domain.verdict import FEEDBACK_LIMIT, Approve, Revise, Verdict, Via
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.client.web_api import CallFailed, call
from bot.slack.context import Body, SlackContext
from bot.slack.errors import Respond, explain_plain, tell
from bot.slack.payloads import Submission, parse_click, parse_submission
from bot.slack.reviews.forms import render_revise_form
from bot.usecases.decide import may_revise, retry

log = structlog.get_logger(__name__)


def register(app: AsyncApp, context: SlackContext) -> None:
    """Put the review's listeners on the app."""
    app.action(ids.APPROVE)(partial(on_approve, context=context))
    app.action(ids.REVISE)(partial(on_revise, context=context))
    app.action(ids.RETRY)(partial(on_retry, context=context))
    for form in (ids.REVISE_MODAL, ids.NOTES_MODAL):
        app.view(form)(partial(on_revise_submitted, context=context))


async def on_approve(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    """One click is a decision: acknowledged once it is on disk."""
    click = parse_click(body)
    try:
        await context.decide(click.round_id, Approve(), by=click.by, via=Via.BUTTON)
    except CrewgateError as error:
        await ack()
        await tell(respond, context.explain(error))
    else:
        await ack()


async def on_revise(
    ack: AsyncAck, body: Body, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Open the form, if this person may ask for changes now."""
    click = parse_click(body)
    try:
        await may_revise(
            click.round_id,
            by=click.by,
            uow=context.uow,
            crews=context.crews,
            directory=context.directory,
        )
        posting = await context.uow.read.posting(click.round_id)
        draft = await context.draft(posting.view.round)
    except CrewgateError as error:
        await ack()
        await tell(respond, context.explain(error))
        return
    await ack()
    try:
        await call(
            client,
            "views.open",
            trigger_id=click.trigger_id,
            view=render_revise_form(posting.view, draft),
        )
    except CallFailed as error:
        log.warning("modal_not_opened", why=str(error.failure))
        await tell(respond, shared.MODAL_NOT_OPENED)


async def on_revise_submitted(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    """The form was sent: everything is checked again, and nothing written is lost on a refusal."""
    submission = parse_submission(body)
    via = Via.THREAD if submission.with_notes else Via.MODAL
    problem = _problem(submission.feedback)
    await settle_form(ack, submission, Revise(submission.feedback), via, problem, context=context)


async def settle_form(
    ack: AsyncAck,
    submission: Submission,
    verdict: Verdict,
    via: Via,
    problem: str | None,
    *,
    context: SlackContext,
) -> None:
    """Decide as a form says, unless its text is a problem; a refusal is shown in the form."""
    if problem is None:
        try:
            await context.decide(submission.round_id, verdict, by=submission.by, via=via)
        except CrewgateError as error:
            problem = explain_plain(error, now=context.clock())
    if problem is None:
        # All of them: the form may lie on the modal that somebody was reading in.
        await ack(response_action="clear")
    else:
        await ack(response_action="errors", errors={submission.box: problem})


async def on_retry(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    """Send a stuck decision once more."""
    click = parse_click(body)
    try:
        await retry(
            click.round_id,
            by=click.by,
            uow=context.uow,
            crews=context.crews,
            directory=context.directory,
            clock=context.clock,
        )
    except CrewgateError as error:
        await ack()
        await tell(respond, context.explain(error))
    else:
        await ack()


def _problem(feedback: str) -> str | None:
    if not feedback.strip():
        return shared.FEEDBACK_MISSING
    if len(feedback) > FEEDBACK_LIMIT:
        return shared.feedback_too_long(len(feedback))
    return None
