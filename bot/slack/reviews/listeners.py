"""What Slack calls about a card: its buttons, its menu, and the forms that these open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import AlreadyDecided
from bot.domain.verdict import FEEDBACK_LIMIT, Approve, Person, Revise, Verdict, Via
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Block
from bot.slack.client.ephemeral import Respond, send_ephemeral
from bot.slack.client.modals import open_modal
from bot.slack.context import Body, SlackContext
from bot.slack.errors import explain_errors, show_in_form
from bot.slack.payloads import (
    MenuChoice,
    Submission,
    parse_click,
    parse_menu_choice,
    parse_submission,
)
from bot.slack.reviews import form_strings
from bot.slack.reviews.modals import approve_form, reader_page, revise_form
from bot.slack.reviews.reader import ReaderPosition, ReaderTab
from bot.usecases.decide import decide, reopen, retry
from bot.usecases.notes import claim

log = structlog.get_logger(__name__)

_TABS: Final = {
    ids.MENU_READ: ReaderTab.WHOLE,
    ids.MENU_CHANGES: ReaderTab.CHANGES,
    ids.MENU_HISTORY: ReaderTab.HISTORY,
}


def register(app: AsyncApp, context: SlackContext) -> None:
    """Put a card's listeners on the app."""
    app.action(ids.APPROVE)(partial(on_approve, context=context))
    app.action(ids.REVISE)(partial(on_revise, context=context))
    app.action(ids.RETRY)(partial(on_retry, context=context))
    app.action(ids.REOPEN)(partial(on_reopen, context=context))
    app.action(ids.MENU)(partial(on_menu, context=context))
    app.view(ids.APPROVE_MODAL)(partial(on_comment_submitted, context=context))
    for form in (ids.REVISE_MODAL, ids.NOTES_MODAL):
        app.view(form)(partial(on_revise_submitted, context=context))


async def on_approve(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    """One click is a decision: acknowledged once it is on disk."""
    click = parse_click(body)
    async with explain_errors(partial(send_ephemeral, respond), context=context, ack=ack):
        await decide_once(click.round_id, Approve(), by=click.by, via=Via.BUTTON, context=context)
        await ack()


async def on_retry(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    """Send a stuck decision once more."""
    click = parse_click(body)
    async with explain_errors(partial(send_ephemeral, respond), context=context, ack=ack):
        await retry(click.round_id, by=click.by, context=context)
        await ack()


async def on_reopen(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    """Let a round wait again that was closed because the crew did not know its execution."""
    click = parse_click(body)
    async with explain_errors(partial(send_ephemeral, respond), context=context, ack=ack):
        await reopen(click.round_id, by=click.by, context=context)
        await ack()
    log.info("reopened", round=click.round_id, by=click.by.id)


async def on_revise(
    ack: AsyncAck, body: Body, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Open the form, if this person may ask for changes now."""
    click = parse_click(body)
    async with explain_errors(partial(send_ephemeral, respond), context=context, ack=ack):
        form = await revise_form(click.round_id, click.by, context)
        await ack()
        if await open_modal(client, click.trigger_id, form) is None:
            await send_ephemeral(respond, shared.MODAL_NOT_OPENED)


async def on_menu(
    ack: AsyncAck, body: Body, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Something was chosen from a card's menu."""
    choice = parse_menu_choice(body)
    async with explain_errors(partial(send_ephemeral, respond), context=context, ack=ack):
        render = await _choose(choice, context)
        await ack()
        if render is None:
            return
        if await open_modal(client, choice.trigger_id, await render()) is None:
            await send_ephemeral(respond, shared.MODAL_NOT_OPENED)


async def _choose(
    choice: MenuChoice, context: SlackContext
) -> Callable[[], Awaitable[Block]] | None:
    """Do what was chosen; the result renders the modal that it opens. Raises as `decide` does."""
    match choice.chosen:
        case ids.MENU_COMMENT:
            form = await approve_form(choice.round_id, choice.by, context)
            return partial(_rendered, form)
        case ids.MENU_CLAIM:
            await claim(choice.round_id, by=choice.by, context=context)
            return None
        case chosen if chosen in _TABS:
            position = ReaderPosition(choice.round_id, _TABS[chosen])
            return await reader_page(position, choice.by, context)
        case _:
            return None


async def _rendered(form: Block) -> Block:
    return form


async def on_revise_submitted(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    """The form was sent: everything is checked again, and nothing written is lost on a refusal."""
    submission = parse_submission(body)
    via = Via.THREAD if submission.with_notes else Via.MODAL
    problem = _problem(submission.feedback)
    await _settle_form(ack, submission, Revise(submission.feedback), via, problem, context=context)


async def on_comment_submitted(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    """Approved with a comment; nothing written is lost on a refusal."""
    submission = parse_submission(body)
    verdict = Approve(submission.feedback)
    problem = None if submission.feedback.strip() else form_strings.COMMENT_MISSING
    await _settle_form(ack, submission, verdict, Via.MODAL, problem, context=context)


async def _settle_form(
    ack: AsyncAck,
    submission: Submission,
    verdict: Verdict,
    via: Via,
    problem: str | None,
    *,
    context: SlackContext,
) -> None:
    """Decide as a form says, unless its text is a problem; a refusal is shown in the form."""
    show = partial(show_in_form, ack, submission.box)
    if problem is not None:
        await show(problem)
        return
    async with explain_errors(show, context=context, plain=True):
        await decide_once(submission.round_id, verdict, by=submission.by, via=via, context=context)
        # All of them: the form may lie on the modal that somebody was reading in.
        await ack(response_action="clear")


def _problem(feedback: str) -> str | None:
    if not feedback.strip():
        return shared.FEEDBACK_MISSING
    if len(feedback) > FEEDBACK_LIMIT:
        return shared.feedback_too_long(len(feedback))
    return None


async def decide_once(
    round_id: str, verdict: Verdict, *, by: Person, via: Via, context: SlackContext
) -> None:
    """Decide; pressing twice is one decision. Raises as `decide` does."""
    try:
        await decide(round_id, verdict, by=by, via=via, context=context)
    except AlreadyDecided as error:
        if (error.decision.by.id, error.decision.verdict) != (by.id, verdict):
            raise
    log.info("decided", round=round_id, by=by.id, via=via, verdict=type(verdict).__name__)
