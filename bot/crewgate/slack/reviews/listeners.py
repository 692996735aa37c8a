"""Presses on reviews' buttons, and their forms once sent.

`VERBS` has each button once, for cards, modals and Home.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeAlias

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain import errors, masking, recorded, verdict
from crewgate.domain.caveats import NOTHING_SEEN, Seen, Unseen
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Approve, Decision, Person, Refuse, Revise, Verdict, Via
from crewgate.slack import ids, payloads
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.replies import Respond
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors, in_words, render_notice
from crewgate.slack.metadata import ReaderTab, opened
from crewgate.slack.press import Press, Where, parse_press
from crewgate.slack.reviews import buttons, modals, walk
from crewgate.slack.reviews.replies import FormReply, ReadThread, Reply, Surface, on_card
from crewgate.slack.reviews.tool_calls import MISFITS
from crewgate.slack.words import cards, names
from crewgate.usecases import decide
from crewgate.usecases.caveats import unmask
from crewgate.usecases.log_fields import fields_of
from crewgate.usecases.notes import claim

log = structlog.get_logger(__name__)

#: A second press within this time is a double click.
DOUBLE_CLICK: Final = timedelta(seconds=1)

Verb: TypeAlias = Callable[[Press, Reply], Awaitable[None]]
"""Carries out a press and acknowledges it; a CrewgateError is shown to the presser."""


def register(
    app: AsyncApp,
    context: SlackContext,
    *,
    in_home: Surface,
    read_thread: ReadThread,
    more: Mapping[str, Verb],
) -> None:
    """Register buttons and forms; `in_home` replies to a press in Home.

    `more` are the verbs of other features, whose buttons stand in the menus of cards.
    """
    verbs = {**VERBS, **more}
    surfaces: Mapping[Where, Surface] = {
        Where.CARD: on_card,
        Where.MODAL: partial(walk.in_modal, read_thread=read_thread),
        Where.HOME: in_home,
    }
    names = "|".join((*verbs, ids.MENU, ids.ANSWER_MENU))
    press = partial(on_press, verbs=verbs, surfaces=surfaces, context=context)
    app.action(re.compile(rf"^(?:{names})(?:\.[0-9]{{1,3}})?$"))(press)
    edited = partial(on_edits_submitted, take=_take_text, form=modals.edit_form)
    changed = partial(on_edits_submitted, take=_take_arguments, form=modals.change_form)
    for form, on_sent in (
        (ids.APPROVE_MODAL, on_words_submitted),
        (ids.REVISE_MODAL, on_words_submitted),
        (ids.NOTES_MODAL, on_words_submitted),
        (ids.EDIT_MODAL, edited),
        (ids.CHANGE_MODAL, changed),
        (ids.CONFIRM_MODAL, on_confirmed),
    ):
        app.view(form)(partial(on_sent, context=context, read_thread=read_thread))
    for form, give_up in (
        (ids.DISMISS_MODAL, decide.dismiss),
        (ids.DISMISS_REPORT_MODAL, decide.dismiss_report),
    ):
        app.view(form)(partial(on_dismiss_submitted, context=context, give_up=give_up))


# --- presses of buttons ---------------------------------------------------------------------------


async def on_press(
    ack: AsyncAck,
    body: Body,
    respond: Respond,
    *,
    verbs: Mapping[str, Verb],
    surfaces: Mapping[Where, Surface],
    context: SlackContext,
) -> None:
    press = parse_press(body)
    verb = verbs.get(press.action)
    if verb is None:
        await ack()
        return
    reply = surfaces[press.where](press, ack, respond, context)
    async with reply.explained():
        await verb(reply.press, reply)


def _recording(change: Callable[..., Awaitable[object]], event: str) -> Verb:
    async def verb(press: Press, reply: Reply) -> None:
        await change(press.value, by=press.by, context=reply.context)
        log.info(event, round_id=press.value, by=press.by.id, where=press.where)
        await reply.done()

    return verb


async def _open(
    press: Press, reply: Reply, *, form: Callable[[str, Person, SlackContext], Awaitable[Block]]
) -> None:
    await reply.open(await form(press.value, press.by, reply.context))


async def _comment(press: Press, reply: Reply) -> None:
    form = modals.approve_form(
        press.value, press.by, reply.context, seen=press.seen, where=press.where
    )
    await reply.open(await form)


async def _read(press: Press, reply: Reply, *, tab: ReaderTab) -> None:
    position = opened(press.value, tab, press.seen.share)
    await modals.show_page(position, press.by, reply.ack, reply.show, reply.context)


async def _turn(press: Press, reply: Reply, *, step: int) -> None:
    position = press.view.position
    if position is None:
        await reply.ack()
    else:
        turned = replace(position, page=max(0, (position.page or 0) + step))
        await modals.show_page(turned, press.by, reply.ack, reply.update, reply.context)


async def _unmask(press: Press, reply: Reply) -> None:
    await unmask(press.value, by=press.by, context=reply.context)
    log.info("unmasked", round_id=press.value, by=press.by.id)
    first = opened(press.value, ReaderTab.UNMASKED, press.seen.share, page=0)
    position = replace(press.view.position or first, tab=ReaderTab.UNMASKED)
    show = reply.update if press.where is Where.MODAL else reply.show
    await modals.show_page(position, press.by, reply.ack, show, reply.context)


async def _decide_at_once(press: Press, reply: Reply) -> None:
    """Approve, or give a flow's outcome, with one press, unless it has to be confirmed.

    The press is acknowledged once the decision is on disk.
    """
    context = reply.context
    await reply.before_decision()
    try:
        verdict: Verdict = Approve()
        if press.outcome is not None:
            verdict = await decide.answer_of(press.value, press.outcome, context=context)
        decided = await decide_once(
            press.value, verdict, by=press.by, via=reply.via, context=context, seen=press.seen
        )
    except errors.ConfirmationNeeded as needed:
        await reply.ask(needed.caveats)
    else:
        await reply.decided(is_new=decided is not None)


async def _fill_in(press: Press, reply: Reply) -> None:
    form = await modals.form_again(press, reply.context)
    await reply.ack()
    await reply.update(form)


VERBS: Final[Mapping[str, Verb]] = {
    buttons.APPROVE.id: _decide_at_once,
    ids.ANSWER: _decide_at_once,
    buttons.REVISE.id: partial(_open, form=modals.revise_form),
    buttons.COMMENT.id: _comment,
    buttons.EDIT.id: partial(_open, form=modals.edit_form),
    buttons.CHANGE.id: partial(_open, form=modals.change_form),
    buttons.TAKE_BACK.id: _recording(decide.take_back, "taken_back"),
    buttons.CLAIM.id: _recording(claim, "claimed"),
    buttons.RETRY.id: _recording(decide.retry, "retried"),
    buttons.REOPEN.id: _recording(decide.reopen, "reopened"),
    buttons.DISMISS.id: partial(_open, form=modals.dismiss_form),
    buttons.WHAT_CAME.id: partial(_open, form=modals.what_came),
    buttons.READ.id: partial(_read, tab=ReaderTab.WHOLE),
    buttons.UNMASK.id: _unmask,
    buttons.CHANGES.id: partial(_read, tab=ReaderTab.CHANGES),
    buttons.HISTORY.id: partial(_read, tab=ReaderTab.HISTORY),
    ids.NEXT_PAGE: partial(_turn, step=+1),
    ids.PREVIOUS_PAGE: partial(_turn, step=-1),
    buttons.START.id: walk.start,
    buttons.SKIP.id: walk.skip,
    ids.ADD_NOTE: _fill_in,
    ids.NEXT_NOTES: _fill_in,
    ids.PREVIOUS_NOTES: _fill_in,
}
"""The verbs by button. A report's button carries the report's id."""


# --- forms that people send -----------------------------------------------------------------------


async def on_confirmed(
    ack: AsyncAck, body: Body, *, context: SlackContext, read_thread: ReadThread
) -> None:
    """Take the green button of a confirmation: read, show masks, or open the form for words."""
    sent = payloads.parse_submission(body)
    reply = walk.reply_to_form(ack, sent, context)
    await read_thread(sent.round_id)
    round_id, seen = sent.round_id, sent.seen

    async def refuse(sentence: str) -> None:
        await reply.show(render_notice(sentence))

    async with explain_errors(refuse, context=context, by=sent.by, round_id=round_id):
        if seen.calls_for_words:
            await reply.show(await modals.revise_form(round_id, sent.by, context))
        elif seen.unseen == {Unseen.MASKS}:
            await unmask(round_id, by=sent.by, context=context)
            position = opened(round_id, ReaderTab.UNMASKED, seen.share, page=0)
            await modals.show_page(position, sent.by, None, reply.show, context)
        else:
            again = 0 if Unseen.HASTE in seen.unseen else None
            position = opened(round_id, ReaderTab.WHOLE, seen.share, again)
            await modals.show_page(position, sent.by, None, reply.show, context)


async def on_words_submitted(
    ack: AsyncAck, body: Body, *, context: SlackContext, read_thread: ReadThread
) -> None:
    sent = payloads.parse_submission(body)
    reply = walk.reply_to_form(ack, sent, context)
    await read_thread(sent.round_id)
    problem = _problem(sent)
    if problem is not None:
        await reply.refuse({sent.box: problem})
        return
    is_approval = sent.form == ids.APPROVE_MODAL
    async with reply.explained(sent.box):
        if not is_approval:
            form = await modals.form_with_new_notes(sent, context)
            if form is not None:
                await reply.show(form)
                return
        before = await context.uow.read.round(sent.round_id)
        try:
            decided = await decide_once(
                sent.round_id,
                Approve(sent.feedback) if is_approval else Revise(sent.feedback),
                by=sent.by,
                via=Via.THREAD if sent.form == ids.NOTES_MODAL else Via.MODAL,
                context=context,
                seen=sent.seen,
            )
        except errors.ConfirmationNeeded:
            form = await modals.approve_form(
                sent.round_id, sent.by, context, seen=sent.seen, comment=sent.feedback, again=True
            )
            await reply.show(form)
            return
        await _close(reply, before, decided or before)


async def _close(reply: FormReply, before: Round, after: Round) -> None:
    """Close the form; tell if the sent words changed the rule."""
    if after.state is State.WAITING and after.rule != before.rule:
        with suppress(errors.StoreUnavailable):  # the words are recorded, although this fails
            await reply.show(await modals.receipt(after.id, reply.context, by_words=True))
            return
    await reply.close()


class BoxesRefused(Exception):
    """The text of some boxes cannot be taken; `problems` has a sentence for each box."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(*problems.values())
        self.problems = problems


async def on_edits_submitted(
    ack: AsyncAck,
    body: Body,
    *,
    context: SlackContext,
    read_thread: ReadThread,
    take: Callable[[payloads.EditForm, SlackContext], Awaitable[Round]],
    form: Callable[..., Awaitable[Block]],
) -> None:
    """Let `take` read the boxes and decide; `form` is shown again if a caveat changed."""
    sent = payloads.parse_edit_form(body)
    reply = walk.reply_to_form(ack, sent, context)
    await read_thread(sent.round_id)
    async with reply.explained(sent.box()):
        before = await context.uow.read.round(sent.round_id)
        try:
            after = await take(sent, context)
        except BoxesRefused as refused:
            await reply.refuse(refused.problems)
        except errors.MaskUnknown as unknown:
            await reply.refuse({sent.box(unknown.mask): names.mask_unknown(unknown.mask)})
        except errors.ConfirmationNeeded:
            await reply.show(await form(sent.round_id, sent.by, context, sent=sent))
        else:
            await _close(reply, before, after)
            log.info("edited", **fields_of(after), by=sent.by.id, approved=after.takes_edits)


async def _take_text(sent: payloads.EditForm, context: SlackContext) -> Round:
    parts, masks, masked = await modals.maskable_parts(sent.round_id, context)
    if parts is None or len(parts.texts) != len(sent.written) or sent.mark != masked:
        raise BoxesRefused({sent.box(): cards.EDIT_OUTDATED})
    text = masking.unmasked(parts.joined(sent.written), masks)
    if not text:
        raise BoxesRefused({sent.box(): cards.EDIT_EMPTY})
    return await decide.edit(sent.round_id, text, by=sent.by, context=context, seen=sent.seen)


async def _take_arguments(sent: payloads.EditForm, context: SlackContext) -> Round:
    fields, mark = await modals.fields_to_change(sent.round_id, context)
    if fields is None or mark != sent.mark:
        raise BoxesRefused({sent.box(): cards.EDIT_OUTDATED})
    arguments = [one.name for one in fields.arguments]
    texts = [masking.unmasked(text, dict(fields.masks)) for text in sent.written]
    box = partial(payloads.edit_box, sent.revision, field=sent.field)
    try:
        return await decide.change_arguments(
            sent.round_id,
            dict(zip(arguments, texts, strict=True)),
            by=sent.by,
            context=context,
            seen=sent.seen,
        )
    except errors.RefusedByRule as refused:
        at = next((at for at, one in enumerate(arguments) if one in refused.arguments), 0)
        log.info("refused", why=type(refused).__name__, by=sent.by.id, round_id=sent.round_id)
        raise BoxesRefused({box(at): in_words(refused, context, names.PLAIN)}) from refused
    except errors.ArgumentsMisfit as misfit:
        kinds = misfit.kinds.items()
        problems = {box(arguments.index(name)): MISFITS[kind] for name, kind in kinds}
        raise BoxesRefused(problems) from misfit


async def on_dismiss_submitted(
    ack: AsyncAck, body: Body, *, context: SlackContext, give_up: Callable[..., Awaitable[object]]
) -> None:
    sent = payloads.parse_submission(body)
    reply = FormReply(ack, sent, context)
    if not sent.feedback.strip():
        await reply.refuse({sent.box: cards.DISMISS_MISSING})
        return
    async with reply.explained(sent.box):
        await give_up(sent.round_id, sent.feedback, by=sent.by, context=context)
        await reply.close()
        log.info("dismissed", round_id=sent.round_id, by=sent.by.id)


def _problem(sent: payloads.Submission) -> str | None:
    if len(sent.feedback) > verdict.FEEDBACK_LIMIT:
        return names.feedback_too_long(len(sent.feedback))
    if sent.feedback.strip():
        return None
    if sent.form == ids.APPROVE_MODAL:
        return cards.COMMENT_MISSING
    return cards.WORDS_MISSING.get(sent.title, cards.ANSWER_MISSING)


async def decide_once(
    round_id: str,
    verdict: Verdict,
    *,
    by: Person,
    via: Via,
    context: SlackContext,
    seen: Seen = NOTHING_SEEN,
) -> Round | None:
    """Decide; return None if this person did so before. Raises as `decide`, and ApprovedBefore."""
    began_at = context.clock()
    try:
        round_ = await decide.decide(round_id, verdict, by=by, via=via, context=context, seen=seen)
    except errors.AlreadyDecided as error:
        if not _is_theirs(error.decision, verdict, by):
            raise
        # The second press of a double click gets the round, as the first did. A later press gets
        # None, and the caller says that the person's own decision is recorded already.
        is_slip = began_at - error.decision.at < DOUBLE_CLICK
        return await context.uow.read.round(round_id) if is_slip else None
    vote = round_.vote_of(by.id)
    if round_.state is State.WAITING and vote is not None:
        comment = verdict.comment if isinstance(verdict, Approve) else None
        is_old = vote.at < began_at
        if vote.comment != comment or (is_old and comment is None):
            raise errors.ApprovedBefore
        if is_old:  # Slack sent the form once more
            return None
    log.info(
        "approved" if round_.state is State.WAITING else "decided",
        **fields_of(round_),
        by=by.id,
        via=via,
        verdict=recorded.verdict_label(type(verdict)),
    )
    return round_


def _words(verdict: Verdict) -> Verdict:
    """Return an answer in words, or a refusal, as the Revise that the person sent."""
    match verdict:
        case Answer(words) | Refuse(words):
            return Revise(words)
        case _:
            return verdict


def _is_theirs(decision: Decision, verdict: Verdict, by: Person) -> bool:
    if decision.votes and isinstance(verdict, Approve):
        return any(
            vote.by.id == by.id and vote.comment == verdict.comment for vote in decision.votes
        )
    return decision.is_by(by.id) and _words(decision.verdict) == _words(verdict)
