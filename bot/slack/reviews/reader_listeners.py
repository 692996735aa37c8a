"""What Slack calls while people review: the card's menu and what it opens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import CrewgateError
from bot.domain.notes import Draft, added
from bot.domain.verdict import Approve, Person, Via
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Block
from bot.slack.client.web_api import CallFailed, call
from bot.slack.context import Body, SlackContext
from bot.slack.errors import Respond, render_error_modal, tell
from bot.slack.payloads import Choice, InView, parse_choice, parse_in_view, parse_submission
from bot.slack.reviews import reader_strings
from bot.slack.reviews.forms import render_approve_form, render_revise_form
from bot.slack.reviews.listeners import on_revise, settle_form
from bot.slack.reviews.reader import ReaderPosition, ReaderTab, parse_position, render_reader
from bot.usecases.decide import may_revise
from bot.usecases.notes import NOTES, claim

log = structlog.get_logger(__name__)

#: A review's rounds that its history shows.
ROUNDS = 50

_BOOKS = {
    ids.MENU_READ: ReaderTab.WHOLE,
    ids.MENU_CHANGES: ReaderTab.CHANGES,
    ids.MENU_HISTORY: ReaderTab.HISTORY,
}


def register(app: AsyncApp, context: SlackContext) -> None:
    """Put what reviewing needs on the app."""
    app.action(ids.MENU)(partial(on_menu, context=context))
    app.view(ids.APPROVE_MODAL)(partial(on_comment_submitted, context=context))
    for turn in (ids.NEXT_PAGE, ids.PREVIOUS_PAGE):
        app.action(turn)(partial(on_turn, context=context))
    app.action(ids.VIEW_APPROVE)(partial(on_view_approve, context=context))
    app.action(ids.VIEW_REVISE)(partial(on_view_revise, context=context))
    app.action(ids.VIEW_READ)(partial(on_view_read, context=context))
    app.action(ids.ADD_NOTE)(partial(on_add_note, context=context))
    app.action(ids.SEND_NOTES)(partial(on_revise, context=context))


# --- the card's menu -----------------------------------------------------------------------------


async def on_menu(
    ack: AsyncAck, body: Body, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Something was chosen from a card's menu."""
    choice = parse_choice(body)
    try:
        form = await _chosen(choice, context)
    except CrewgateError as error:
        await ack()
        await tell(respond, context.explain(error))
        return
    await ack()
    if form is not None and not await _show(client, choice.trigger_id, await form()):
        await tell(respond, shared.MODAL_NOT_OPENED)


_Form = Callable[[], Awaitable[Block]]


async def _chosen(choice: Choice, context: SlackContext) -> _Form | None:
    """What the choice opens, if anything. Raises as `decide` does."""
    match choice.chosen:
        case ids.MENU_COMMENT:
            await _may_decide(choice.round_id, choice.by, context)
            posting = await context.uow.read.posting(choice.round_id)
            return partial(_now, render_approve_form(posting.view))
        case ids.MENU_CLAIM:
            await claim(
                choice.round_id,
                by=choice.by,
                uow=context.uow,
                crews=context.crews,
                directory=context.directory,
                clock=context.clock,
            )
            return None
        case chosen if chosen in _BOOKS:
            return await _book(ReaderPosition(choice.round_id, _BOOKS[chosen]), context)
        case _:
            return None


async def _may_decide(round_id: str, by: Person, context: SlackContext) -> None:
    await may_revise(
        round_id, by=by, uow=context.uow, crews=context.crews, directory=context.directory
    )


async def _book(place: ReaderPosition, context: SlackContext) -> _Form:
    """A page of a modal to read in; rendered apart, because a text may be long."""
    posting = await context.uow.read.posting(place.round_id)
    review = posting.view.round.review
    history = await context.uow.read.notes.history(review.id, limit=ROUNDS)
    return partial(
        asyncio.to_thread, render_reader, place, posting.view, history, now=context.clock()
    )


async def _now(form: Block) -> Block:
    return form


async def on_comment_submitted(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    """Approved with a comment; nothing written is lost on a refusal."""
    submission = parse_submission(body)
    problem = None if submission.feedback.strip() else reader_strings.COMMENT_MISSING
    verdict = Approve(submission.feedback)
    await settle_form(ack, submission, verdict, Via.MODAL, problem, context=context)


# --- in modals and Home --------------------------------------------------------------------------


async def on_turn(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """To the next page, or back."""
    click = parse_in_view(body)
    place = parse_position(click.metadata)
    if place is None:
        await ack()
        return
    step = 1 if click.action_id == ids.NEXT_PAGE else -1
    turned = ReaderPosition(place.round_id, place.book, max(0, place.page + step))
    await _reread(ack, client, click, turned, context)


async def on_view_approve(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Approve in a modal or in Home: one click, acknowledged once it is on disk."""
    click = parse_in_view(body)
    try:
        await context.decide(click.value, Approve(), by=click.by, via=Via.BUTTON)
    except CrewgateError as error:
        await ack()
        await _mishap(client, click, context.explain(error))
        return
    place = parse_position(click.metadata)
    if place is None or click.in_home:
        await ack()
    else:
        await _reread(ack, client, click, place, context)


async def on_view_revise(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Open the form behind Revise on what is being read."""
    click = parse_in_view(body)
    try:
        await _may_decide(click.value, click.by, context)
        posting = await context.uow.read.posting(click.value)
        draft = await context.draft(posting.view.round)
    except CrewgateError as error:
        await ack()
        await _mishap(client, click, context.explain(error))
        return
    await ack()
    await _show(
        client,
        click.trigger_id,
        render_revise_form(posting.view, draft),
        on_top=not click.in_home,
    )


async def on_view_read(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Read a round of the queue in full."""
    click = parse_in_view(body)
    try:
        form = await _book(ReaderPosition(click.value, ReaderTab.WHOLE), context)
    except CrewgateError as error:
        await ack()
        await _mishap(client, click, context.explain(error))
        return
    await ack()
    await _show(client, click.trigger_id, await form())


async def on_add_note(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, context: SlackContext
) -> None:
    """Put one more note into the box, after what is typed there."""
    click = parse_in_view(body)
    try:
        posting = await context.uow.read.posting(click.metadata)
        notes = await context.uow.read.notes.of_round(click.metadata, limit=NOTES)
    except CrewgateError as error:
        await ack()
        await _mishap(client, click, context.explain(error))
        return
    await ack()
    note = next((one for one in notes if one.ts == click.value), None)
    text = added(click.typed, note) if note is not None else click.typed
    revision = _revision_number(click.box) + 1
    problem = reader_strings.NOTE_DOES_NOT_FIT if text is None else None
    box = click.typed if text is None else text
    rest = tuple(one for one in notes if one.attributed not in box)
    form = render_revise_form(posting.view, Draft(box, rest), revision=revision, problem=problem)
    form |= {"callback_id": ids.NOTES_MODAL}
    await _update(client, click, form)


def _revision_number(box: str) -> int:
    number = box.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


async def _reread(
    ack: AsyncAck,
    client: AsyncWebClient,
    click: InView,
    place: ReaderPosition,
    context: SlackContext,
) -> None:
    try:
        form = await _book(place, context)
    except CrewgateError as error:
        await ack()
        await _mishap(client, click, context.explain(error))
        return
    await ack()
    await _update(client, click, await form())


async def _mishap(client: AsyncWebClient, click: InView, sentence: str) -> None:
    await _show(client, click.trigger_id, render_error_modal(sentence), on_top=not click.in_home)


async def _show(
    client: AsyncWebClient, trigger_id: str, view: Block, *, on_top: bool = False
) -> bool:
    method = "views.push" if on_top else "views.open"
    return await _try(client, method, trigger_id=trigger_id, view=view)


async def _update(client: AsyncWebClient, click: InView, view: Block) -> None:
    await _try(client, "views.update", view_id=click.view_id, hash=click.view_hash, view=view)


async def _try(client: AsyncWebClient, method: str, **arguments: object) -> bool:
    try:
        await call(client, method, **arguments)
    except CallFailed as error:
        log.warning("modal_not_shown", method=method, why=str(error.failure))
        return False
    return True


# --- in threads ----------------------------------------------------------------------------------
