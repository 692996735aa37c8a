"""What Slack calls about a card: its buttons, its menu, and the forms that these open."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.caveats import NOTHING_SEEN, Seen
from crewgate.domain.errors import AlreadyDecided, ConfirmationNeeded
from crewgate.domain.review import State
from crewgate.domain.verdict import (
    FEEDBACK_LIMIT,
    Answer,
    Approve,
    Decision,
    Person,
    Revise,
    Verdict,
    Via,
)
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.client.ephemeral import Respond, send_ephemeral
from crewgate.slack.client.modals import open_modal
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_click, explain_errors, render_error_modal, show_in_form
from crewgate.slack.payloads import (
    Click,
    MenuChoice,
    Submission,
    parse_click,
    parse_menu_choice,
    parse_submission,
)
from crewgate.slack.reviews import form_strings
from crewgate.slack.reviews.modals import (
    Show,
    approve_form,
    confirmation,
    form_with_new_notes,
    revise_form,
    show_page,
)
from crewgate.slack.reviews.outcome_choice import parse_outcome
from crewgate.slack.reviews.reader import ReaderPosition, ReaderTab
from crewgate.slack.reviews.slow_signs import SlowSigns
from crewgate.usecases.decide import answer_of, decide, reopen, retry, take_back
from crewgate.usecases.notes import claim

log = structlog.get_logger(__name__)

_TABS: Final = {
    ids.MENU_READ: ReaderTab.WHOLE,
    ids.MENU_CHANGES: ReaderTab.CHANGES,
    ids.MENU_HISTORY: ReaderTab.HISTORY,
}

_BUTTONS: Final = {
    ids.READ_ALL: ids.MENU_READ,
    ids.READ_WORDS: ids.MENU_HISTORY,
    ids.SHOW_CHANGES: ids.MENU_CHANGES,
    ids.CLAIM: ids.MENU_CLAIM,
}
"""Buttons of a card, by what is chosen with them."""


def register(app: AsyncApp, context: SlackContext) -> SlowSigns:
    """Put a card's listeners on the app; what is returned must run for signs to be given."""
    signs = SlowSigns(context)
    app.action(ids.APPROVE)(partial(on_approve, context=context, signs=signs))
    answer = partial(on_answer, context=context, signs=signs)
    app.action(re.compile(rf"^{ids.ANSWER}\.[0-9]{{1,3}}$"))(answer)
    app.action(ids.ANSWER_MENU)(answer)
    app.action(ids.REVISE)(partial(on_revise, context=context))
    app.action(ids.RETRY)(partial(on_retry, context=context, signs=signs))
    app.action(ids.REOPEN)(partial(on_reopen, context=context, signs=signs))
    app.action(ids.TAKE_BACK)(partial(on_take_back, context=context, signs=signs))
    app.action(ids.MENU)(partial(on_menu, context=context))
    for action_id, chosen in _BUTTONS.items():
        app.action(action_id)(partial(on_card_button, chosen=chosen, context=context))
    app.view(ids.APPROVE_MODAL)(partial(on_comment_submitted, context=context))
    for form in (ids.REVISE_MODAL, ids.NOTES_MODAL):
        app.view(form)(partial(on_revise_submitted, context=context))
    app.view(ids.CONFIRM_MODAL)(partial(on_confirmed, context=context))
    return signs


async def on_approve(
    ack: AsyncAck,
    body: Body,
    client: AsyncWebClient,
    respond: Respond,
    *,
    context: SlackContext,
    signs: SlowSigns,
) -> None:
    """One click is a decision, acknowledged once it is on disk, unless it has to be confirmed."""
    await _decide_at_once(parse_click(body), None, ack, client, respond, context, signs)


async def on_answer(
    ack: AsyncAck,
    body: Body,
    client: AsyncWebClient,
    respond: Respond,
    *,
    context: SlackContext,
    signs: SlowSigns,
) -> None:
    """A flow's outcome was pressed, or chosen from the menu: as one click on Approve."""
    choice = parse_outcome(body)
    click = replace(parse_click(body), round_id=choice.round_id)
    await _decide_at_once(click, choice.outcome, ack, client, respond, context, signs)


async def _decide_at_once(  # Bolt's own, passed on
    click: Click,
    outcome: int | None,
    ack: AsyncAck,
    client: AsyncWebClient,
    respond: Respond,
    context: SlackContext,
    signs: SlowSigns,
) -> None:
    async with explain_click(respond, click, ack, context):
        try:
            verdict = await verdict_of(click.round_id, outcome, context)
            is_new = await decide_once(
                click.round_id, verdict, by=click.by, via=Via.BUTTON, context=context
            )
        except ConfirmationNeeded as needed:
            form = await confirmation(click.round_id, needed.caveats, context, outcome=outcome)
            await ack()
            if await open_modal(client, click.trigger_id, form) is None:
                await send_ephemeral(respond, form_strings.CONFIRMATION_NOT_OPENED)
            return
        await ack()
        if is_new:
            signs.watch(click.round_id, respond)


async def on_confirmed(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    """Approve anyway; whoever was not asked about all there is now is asked again."""
    submission = parse_submission(body)
    round_id, outcome = submission.round_id, submission.outcome

    async def show(sentence: str) -> None:
        await ack(response_action="update", view=render_error_modal(sentence))

    async with explain_errors(show, context=context, by=submission.by, round=round_id):
        try:
            await decide_once(
                round_id,
                await verdict_of(round_id, outcome, context),
                by=submission.by,
                via=Via.MODAL,
                context=context,
                seen=submission.seen,
            )
        except ConfirmationNeeded as needed:
            form = await confirmation(
                round_id, needed.caveats, context, again=True, outcome=outcome
            )
            await ack(response_action="update", view=form)
            return
        # All of them: it may lie on the modal that somebody was reading in.
        await ack(response_action="clear")


async def on_retry(
    ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext, signs: SlowSigns
) -> None:
    """Send a stuck decision once more."""
    click = parse_click(body)
    async with explain_click(respond, click, ack, context):
        await retry(click.round_id, by=click.by, context=context)
        await ack()
        signs.watch(click.round_id, respond)


async def on_reopen(
    ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext, signs: SlowSigns
) -> None:
    """Let a round wait again that was closed because the crew did not know its execution."""
    click = parse_click(body)
    async with explain_click(respond, click, ack, context):
        await reopen(click.round_id, by=click.by, context=context)
        await ack()
        signs.watch(click.round_id, respond)


async def on_take_back(
    ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext, signs: SlowSigns
) -> None:
    """Take back the presser's approval, or the one that was given for them."""
    click = parse_click(body)
    async with explain_click(respond, click, ack, context):
        await take_back(click.round_id, by=click.by, context=context)
        await ack()
        signs.watch(click.round_id, respond)


async def on_revise(
    ack: AsyncAck, body: Body, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Open the form, if this person may ask for changes now."""
    click = parse_click(body)
    async with explain_click(respond, click, ack, context):
        form = await revise_form(click.round_id, click.by, context)
        await ack()
        if await open_modal(client, click.trigger_id, form) is None:
            await send_ephemeral(respond, shared.MODAL_NOT_OPENED)


async def on_menu(
    ack: AsyncAck, body: Body, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Something was chosen from a card's menu."""
    await _on_choice(parse_menu_choice(body), ack, client, respond, context)


async def on_card_button(
    ack: AsyncAck,
    body: Body,
    client: AsyncWebClient,
    respond: Respond,
    *,
    chosen: str,
    context: SlackContext,
) -> None:
    """A button on a card that does what the menu of an older one does."""
    click = parse_click(body)
    choice = MenuChoice(click.round_id, chosen, click.by, click.trigger_id)
    await _on_choice(choice, ack, client, respond, context)


async def _on_choice(
    choice: MenuChoice,
    ack: AsyncAck,
    client: AsyncWebClient,
    respond: Respond,
    context: SlackContext,
) -> None:
    async with explain_click(respond, choice, ack, context):
        if not await _choose(choice, ack, partial(open_modal, client, choice.trigger_id), context):
            await send_ephemeral(respond, shared.MODAL_NOT_OPENED)


async def _choose(choice: MenuChoice, ack: AsyncAck, show: Show, context: SlackContext) -> bool:
    """Do what was chosen; False if a modal was to be shown and was not. Raises as `decide` does."""
    match choice.chosen:
        case ids.MENU_COMMENT:
            form = await approve_form(choice.round_id, choice.by, context)
            await ack()
            return bool(await show(form))
        case ids.MENU_CLAIM:
            await claim(choice.round_id, by=choice.by, context=context)
        case chosen if chosen in _TABS:
            position = ReaderPosition(choice.round_id, _TABS[chosen])
            return await show_page(position, choice.by, ack, show, context)
        case _:
            pass
    await ack()
    return True


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
    async with explain_errors(
        show, context=context, plain=True, by=submission.by, round=submission.round_id
    ):
        if isinstance(verdict, Revise):
            form = await form_with_new_notes(submission, context)
            if form is not None:
                await ack(response_action="update", view=form)
                return
        try:
            await decide_once(
                submission.round_id,
                verdict,
                by=submission.by,
                via=via,
                context=context,
                seen=submission.seen,
            )
        except ConfirmationNeeded:
            form = await approve_form(
                submission.round_id,
                submission.by,
                context,
                comment=submission.feedback,
                again=True,
            )
            await ack(response_action="update", view=form)
            return
        # All of them: the form may lie on the modal that somebody was reading in.
        await ack(response_action="clear")


def _problem(feedback: str) -> str | None:
    if not feedback.strip():
        return shared.FEEDBACK_MISSING
    if len(feedback) > FEEDBACK_LIMIT:
        return shared.feedback_too_long(len(feedback))
    return None


async def verdict_of(round_id: str, outcome: int | None, context: SlackContext) -> Verdict:
    """What one click says: one of a flow's outcomes by its number, or Approve.

    Raises as `answer_of` does.
    """
    if outcome is None:
        return Approve()
    return await answer_of(round_id, outcome, context=context)


async def decide_once(
    round_id: str,
    verdict: Verdict,
    *,
    by: Person,
    via: Via,
    context: SlackContext,
    seen: Seen = NOTHING_SEEN,
) -> bool:
    """Decide; the same pressed again is the same decision, and False. Raises as `decide` does."""
    try:
        round_ = await decide(round_id, verdict, by=by, via=via, context=context, seen=seen)
    except AlreadyDecided as error:
        if not _is_theirs(error.decision, verdict, by):
            raise
        return False
    what = "approved" if round_.state is State.WAITING else "decided"
    log.info(what, round=round_id, by=by.id, via=via, verdict=type(verdict).__name__)
    return True


def _words(verdict: Verdict) -> Verdict:
    """The same for words that a round of a flow took as an answer."""
    return Revise(verdict.text) if isinstance(verdict, Answer) else verdict


def _is_theirs(decision: Decision, verdict: Verdict, by: Person) -> bool:
    """Whether this person made the decision, or a part of it, with the same verdict."""
    if decision.votes and isinstance(verdict, Approve):
        return any(
            vote.by.id == by.id and vote.comment == verdict.comment for vote in decision.votes
        )
    return decision.is_by(by.id) and _words(decision.verdict) == _words(verdict)
