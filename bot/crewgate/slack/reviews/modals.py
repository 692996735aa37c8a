"""The modals of reviews: loaded, checked for the person who asks, and rendered."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck

from crewgate.domain import caveats
from crewgate.domain.caveats import Caveats, Draft, Note, Seen, Share
from crewgate.domain.edits import Parts
from crewgate.domain.errors import StoreUnavailable, VerdictMisplaced
from crewgate.domain.people import Role
from crewgate.domain.review import State
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.context import SlackContext
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.payloads import EditForm, Submission
from crewgate.slack.press import Press, Where
from crewgate.slack.reviews import forms, reader
from crewgate.slack.reviews.output import parts_to_edit
from crewgate.slack.reviews.people import People
from crewgate.slack.reviews.standing import Briefing
from crewgate.slack.reviews.tool_calls import Fields, fields_of_call, render_change_form
from crewgate.slack.words import cards
from crewgate.usecases import decide
from crewgate.usecases.caveats import caveats_for, record_read_to_end, record_unmasked
from crewgate.usecases.notes import NOTES, draft_for
from crewgate.usecases.read_models import CardView, RoundLine, Viewer

log = structlog.get_logger(__name__)

Show = Callable[[Block], Awaitable[object]]
"""Opens or updates a modal; returns a true value on success."""

#: The most rounds that a review's history shows.
ROUNDS: Final = 50
#: The most dead letters that a report shows.
DEAD_LETTERS: Final = 5


async def approve_form(
    round_id: str,
    by: Person,
    context: SlackContext,
    *,
    seen: Seen,
    comment: str = "",
    again: bool = False,
    where: Where = Where.MODAL,
) -> Block:
    """The form for a comment, for a person who saw `seen`. Raises as `decide` does."""
    await decide.may_revise(round_id, by=by, context=context)
    caveats = await caveats_for(round_id, by=by, context=context, seen=seen)
    briefing = await _briefing(round_id, by, caveats, context, again=again, where=where)
    return forms.render_approve_form(briefing, comment=comment)


async def confirmation(
    press: Press, caveats: Caveats, context: SlackContext, *, again: bool = False
) -> Block:
    briefing = await _briefing(
        press.value, press.by, caveats, context, again=again, where=press.where
    )
    return forms.render_confirmation(briefing, outcome=press.outcome)


async def receipt(round_id: str, context: SlackContext, *, by_words: bool = False) -> Block:
    return forms.render_receipt((await context.uow.read.posting(round_id)).view, by_words=by_words)


async def _briefing(
    round_id: str,
    by: Person,
    caveats: Caveats,
    context: SlackContext,
    *,
    again: bool,
    where: Where = Where.MODAL,
) -> Briefing:
    view = await _view(round_id, by, context)
    notes = await context.uow.read.notes.of_round(round_id, limit=NOTES) if caveats.notes else ()
    return Briefing(view=view, caveats=caveats, notes=notes, again=again, where=where)


async def _view(round_id: str, by: Person, context: SlackContext) -> CardView:
    return await _for_viewer((await context.uow.read.posting(round_id)).view, by, context)


async def _for_viewer(view: CardView, by: Person, context: SlackContext) -> CardView:
    """Return the view with what its viewer must know, without rounds that `by` may not read.

    An earlier round may be of another rule, whose channel this person does not read.
    """
    view = view.with_earlier(await context.readable(by.id, view.earlier))
    people = People(context.crews, context.directory, context.clock)
    view, reasons = await people.complete(view, by.id), await context.reasons_for(by.id)
    why, alerts = reasons(view.round), bool(context.identity.takes_alerts)
    return replace(view, viewer=Viewer(user=by.id, now=context.clock(), why=why, alerts=alerts))


async def revise_form(round_id: str, by: Person, context: SlackContext) -> Block:
    """The form behind Revise, with the thread's notes. Raises as `decide` does."""
    await decide.may_revise(round_id, by=by, context=context)
    mark = (await caveats_for(round_id, by=by, context=context)).notes_mark
    view = await _view(round_id, by, context)
    draft = await draft_for(view.round, context=context)
    return await context.off_loop(forms.render_revise_form, view, draft, notes_mark=mark)


async def edit_form(
    round_id: str, by: Person, context: SlackContext, *, sent: EditForm | None = None
) -> Block:
    """The form with the output in its boxes, or with the texts that were `sent`.

    Raises as `decide` does; VerdictMisplaced if the output offers no edits.
    """
    await decide.may_edit(round_id, by=by, context=context)
    parts, _, masked = await maskable_parts(round_id, context)
    if parts is None:
        raise VerdictMisplaced
    whole = Seen(share=Share(1, 1))
    caveats = await caveats_for(round_id, by=by, context=context, seen=whole)
    briefing = await _briefing(round_id, by, caveats, context, again=sent is not None)
    written, revision = (parts.texts, 0) if sent is None else (sent.written, sent.revision + 1)
    render = partial(forms.render_edit_form, revision=revision, masked=masked)
    return await context.off_loop(render, briefing, written)


async def change_form(
    round_id: str, by: Person, context: SlackContext, *, sent: EditForm | None = None
) -> Block:
    """The form behind Change, with the call's arguments, or as it was `sent`.

    Raises as `decide` does; VerdictMisplaced if the call offers no change.
    """
    await decide.may_edit(round_id, by=by, context=context)
    fields, mark = await fields_to_change(round_id, context)
    if fields is None:
        raise VerdictMisplaced
    seen = Seen(share=Share(int(fields.shows_all), 1))
    caveats = await caveats_for(round_id, by=by, context=context, seen=seen)
    briefing = await _briefing(round_id, by, caveats, context, again=sent is not None)
    written, revision = (fields.values, 0) if sent is None else (sent.written, sent.revision + 1)
    return render_change_form(briefing, fields, written, revision=revision, mark=mark)


async def fields_to_change(round_id: str, context: SlackContext) -> tuple[Fields | None, str]:
    """Return the fields of a call's form, and a mark that identifies them.

    Raises RoundNotFound or StoreUnavailable.
    """
    posting = await context.uow.read.posting(round_id, as_it_came=True)
    view = posting.view
    fields = await context.off_loop(fields_of_call, view.round, view.output, posting.masking)
    shown = repr(None if fields is None else (fields.arguments, fields.values))
    return fields, sha256(shown.encode()).hexdigest()[:16]


async def maskable_parts(
    round_id: str, context: SlackContext
) -> tuple[Parts | None, dict[str, str], str]:
    """Return an output's editable parts, its masked passages by mask, and a mark of the text.

    The mark tells if masks still stand for these passages: other settings or versions may number
    passages anew. Raises RoundNotFound or StoreUnavailable.
    """
    posting = await context.uow.read.posting(round_id, as_it_came=True)
    output = posting.view.output
    text, masks = await context.off_loop(posting.masking.numbered, output.text)
    parts = await context.off_loop(parts_to_edit, replace(output, text=text))
    return parts, masks, sha256(text.encode()).hexdigest()[:16] if masks else ""


async def dismiss_form(round_id: str, by: Person, context: SlackContext) -> Block:
    await decide.may_dismiss(round_id, by=by, context=context)
    return forms.render_dismiss_form((await context.uow.read.posting(round_id)).view)


async def what_came(letter_id: str, by: Person, context: SlackContext) -> Block:
    """The dead letters of a report, in its form. Raises as `dismiss_report` does."""
    first = await decide.may_dismiss_report(letter_id, by=by, context=context)
    came = await context.uow.read.dead_letters.report(first, most=DEAD_LETTERS)
    return await context.off_loop(forms.render_what_came, came, context.redactors[first.crew])


async def form_again(press: Press, context: SlackContext) -> Block:
    """The form behind Revise after one of its buttons: one more note, or another page.

    The typed text stays. Raises RoundNotFound, NotAReviewer, UnknownCrew or StoreUnavailable.
    """
    round_id = press.round_id
    view = (await context.uow.read.posting(round_id)).view
    await context.ensure(press.by.id, Role.REVIEWER, view.round)
    mark = (await caveats_for(round_id, by=press.by, context=context)).notes_mark
    notes = await context.uow.read.notes.of_round(round_id, limit=NOTES)
    text: str | None = press.view.typed
    if press.action == ids.ADD_NOTE:
        note = next((one for one in notes if one.ts == press.value), None)
        text = text if note is None else caveats.added(press.view.typed, note)
    problem = cards.NOTE_DOES_NOT_FIT if text is None else None
    revision, page = _turned(press)
    draft = _draft(press.view.typed if text is None else text, notes)
    render = partial(forms.render_revise_form, revision=revision, page=page, problem=problem)
    view = await _for_viewer(view, press.by, context)
    return await context.off_loop(render, view, draft, notes_mark=mark)


async def form_with_new_notes(sent: Submission, context: SlackContext) -> Block | None:
    """The form behind Revise with newer notes; None without any. Raises as `form_again`."""
    view = (await context.uow.read.posting(sent.round_id)).view
    mark = (await caveats_for(sent.round_id, by=sent.by, context=context)).notes_mark
    if mark in ("", sent.seen.notes) or view.round.state is not State.WAITING:
        return None
    await context.ensure(sent.by.id, Role.REVIEWER, view.round)
    notes = await context.uow.read.notes.of_round(sent.round_id, limit=NOTES)
    draft = _draft(sent.feedback, notes)
    if not draft.left:
        return None
    revision, problem = _revision_of(sent.box), cards.NOTES_CAME
    render = partial(forms.render_revise_form, revision=revision, problem=problem)
    view = await _for_viewer(view, sent.by, context)
    return await context.off_loop(render, view, draft, notes_mark=mark)


def _draft(text: str, notes: Sequence[Note]) -> Draft:
    return Draft(text, tuple(note for note in notes if note.attributed not in text))


def _turned(press: Press) -> tuple[int, int]:
    page = press.view.box.rpartition("-")[2].partition(".")[2]
    step = {ids.NEXT_NOTES: 1, ids.PREVIOUS_NOTES: -1}.get(press.action)
    turned = _number(page) if step is None else max(0, _number(press.value) + step)
    return _revision_of(press.view.box), turned


def _revision_of(box: str) -> int:
    return _number(box.rpartition("-")[2].partition(".")[0]) + 1


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


async def show_page(
    position: ReaderPosition,
    by: Person,
    ack: AsyncAck | None,
    show: Show,
    context: SlackContext,
) -> None:
    """Acknowledge, and show a page of the reader.

    Other rounds are shown if this person may read them. Rendering may be slow, so it runs in a
    thread, and after the acknowledgement unless `show` acknowledges. The last page, or the last
    mask, is remembered as seen. Raises RoundNotFound, NotAReader, UnknownCrew or StoreUnavailable,
    before the acknowledgement.
    """
    as_it_came = position.tab is ReaderTab.UNMASKED
    posting = await context.uow.read.posting(position.round_id, as_it_came=as_it_came)
    view = posting.view
    await context.ensure(by.id, Role.REVIEWER if as_it_came else Role.READER, view.round)
    waits = view.round.state is State.WAITING
    if waits:
        view = await _for_viewer(view, by, context)
    elif position.tab is ReaderTab.CHANGES:
        view = view.with_earlier(await context.readable(by.id, view.earlier))
    history: Sequence[RoundLine] = ()
    if position.tab is ReaderTab.HISTORY:
        found = await context.uow.read.rounds.history(view.round.review.id, limit=ROUNDS)
        readable = await context.readable(by.id, [line.round for line in found])
        history = [line for line in found if line.round.id in readable]
    if ack is not None:
        await ack()
    now = context.clock()
    began = position.began or now
    page = await context.off_loop(
        reader.render_reader,
        replace(position, began=began),
        view,
        history,
        masking=posting.masking,
        may_unmask=bool(view.masked) and await context.may(by.id, Role.REVIEWER, view.round),
    )
    if await show(page.view) and waits:
        characters = len(view.output.text)
        turned = caveats.turned_in_haste(page.pages, page.total, characters, now - began)
        before = characters * (page.total - page.pages) // page.total
        unread = characters - max(characters * position.known // caveats.WHOLE, before)
        look = caveats.look_at(began, unread)
        try:
            if page.unmasks:
                await record_unmasked(position.round_id, by=by, context=context)
            if page.is_end:
                await record_read_to_end(
                    position.round_id, by=by, context=context, turned=turned, look=look
                )
        except StoreUnavailable as error:
            # Without this record the bot asks the person to confirm the approval once more.
            log.warning("read_to_end_lost", why=str(error))
