"""What a review's modals show: read, checked for the person who asks, and rendered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from bot.domain.notes import Draft, added
from bot.domain.people import Role
from bot.domain.verdict import Person
from bot.slack.blockkit.blocks import Block
from bot.slack.context import SlackContext
from bot.slack.payloads import ViewClick
from bot.slack.reviews import form_strings
from bot.slack.reviews.forms import render_approve_form, render_revise_form
from bot.slack.reviews.reader import ReaderPosition, render_reader
from bot.usecases.decide import may_revise
from bot.usecases.notes import NOTES, draft_for

#: A review's rounds that its history shows.
ROUNDS: Final = 50


async def approve_form(round_id: str, by: Person, context: SlackContext) -> Block:
    """The form behind “Approve with a comment”. Raises as `decide` does."""
    await may_revise(round_id, by=by, context=context)
    posting = await context.uow.read.posting(round_id)
    return render_approve_form(posting.view)


async def revise_form(round_id: str, by: Person, context: SlackContext) -> Block:
    """The form behind Revise, with what was written in the thread. Raises as `decide` does."""
    await may_revise(round_id, by=by, context=context)
    posting = await context.uow.read.posting(round_id)
    draft = await draft_for(posting.view.round, context=context)
    return await context.off_loop(render_revise_form, posting.view, draft)


async def form_with_note(click: ViewClick, context: SlackContext) -> Block:
    """The form behind Revise, with one more note after what is typed there.

    Raises RoundNotFound, NotAReviewer, UnknownCrew or StoreUnavailable.
    """
    posting = await context.uow.read.posting(click.metadata)
    await context.ensure(click.by.id, Role.REVIEWER, posting.view.round.review)
    notes = await context.uow.read.notes.of_round(click.metadata, limit=NOTES)
    note = next((one for one in notes if one.ts == click.value), None)
    text = added(click.typed, note) if note is not None else click.typed
    problem = form_strings.NOTE_DOES_NOT_FIT if text is None else None
    box = click.typed if text is None else text
    left = tuple(one for one in notes if one.attributed not in box)
    revision = _revision(click.box) + 1
    return await context.off_loop(
        render_revise_form, posting.view, Draft(box, left), revision=revision, problem=problem
    )


def _revision(box: str) -> int:
    number = box.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


async def reader_page(
    position: ReaderPosition, by: Person, context: SlackContext
) -> Callable[[], Awaitable[Block]]:
    """Read what a page of the reader shows; the result renders it.

    That is for after the acknowledgement, and in a thread: the text may be long. Raises
    RoundNotFound, NotAReader, UnknownCrew or StoreUnavailable.
    """
    posting = await context.uow.read.posting(position.round_id)
    review = posting.view.round.review
    await context.ensure(by.id, Role.READER, review)
    history = await context.uow.read.rounds.history(review.id, limit=ROUNDS)
    return partial(context.off_loop, render_reader, position, posting.view, history)
