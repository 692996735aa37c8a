"""What people write in the thread of a waiting round: collected, acknowledged, never sent."""

from __future__ import annotations

from datetime import datetime

from bot.domain.effects import Effect, EffectKind
from bot.domain.notes import CLAIM_LASTS, Claim, Draft, Note, draft
from bot.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from bot.domain.people import Role
from bot.domain.review import Round, State
from bot.domain.verdict import Person
from bot.usecases.context import ReviewContext
from bot.usecases.delivery.context import DeliveryContext
from bot.usecases.permissions import may
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.store import Tx

#: Notes of one round that are looked at; nobody reads more.
NOTES = 500


async def keep_note(
    *,
    channel: str,
    thread_ts: str,
    ts: str,
    by: Person,
    text: str,
    context: ReviewContext,
) -> Note | None:
    """Keep what somebody wrote, if a round waits in that thread. Told twice, it counts once."""
    now = context.clock()
    async with context.uow.begin() as tx:
        round_ = await tx.notes.waiting_in(channel, thread_ts)
        if round_ is None:
            return None
        note = Note(channel=channel, ts=ts, round_id=round_.id, by=by, text=text, at=now)
        if not await tx.notes.keep(note):
            return None
        effects = (
            _effect(EffectKind.REFRESH, round_),
            _effect(EffectKind.ACKNOWLEDGE_NOTE, round_, subject=f"{channel} {ts}"),
        )
        await tx.enqueue(effects, at=now)
    return note


async def change_note(
    channel: str, ts: str, *, text: str, edited_ts: str, context: ReviewContext
) -> None:
    """A note reads differently now. An older edit that comes late changes nothing."""
    async with context.uow.begin() as tx:
        round_id = await tx.notes.change(channel, ts, text=text, edited_ts=edited_ts)
        await _refresh(round_id, tx, context.clock())


async def delete_note(channel: str, ts: str, *, context: ReviewContext) -> None:
    """A note's message was deleted."""
    async with context.uow.begin() as tx:
        await _refresh(await tx.notes.delete(channel, ts), tx, context.clock())


async def draft_for(round_: Round, *, context: ReviewContext) -> Draft:
    """The feedback that the round's notes make: the reviewers' are selected, others' left."""
    found = await context.uow.read.notes.of_round(round_.id, limit=NOTES)
    selected = {
        note.by.id for note in found if context.may(note.by.id, Role.REVIEWER, round_.review)
    }
    return draft(found, selected=selected)


async def claim(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """One person is on it for half an hour; everybody else may still decide.

    Raises as `decide` does.
    """
    now = context.clock()
    async with context.uow.begin() as tx:
        round_ = await tx.round(round_id)
        context.require(by.id, Role.REVIEWER, round_.review)
        round_.require_waiting()
        await tx.notes.claim(round_, Claim(by, now))
        await tx.enqueue([_effect(EffectKind.REFRESH, round_)], at=now)
        await tx.enqueue([_effect(EffectKind.EXPIRE_CLAIM, round_)], at=now + CLAIM_LASTS)
    return round_


async def acknowledge(job: Job, context: DeliveryContext) -> Outcome:
    """React to a note, learn its author's name, and make the offer once a round and person.

    Losing any of it loses no note, so only an outage of Slack makes it worth another try.
    """
    channel, _, ts = job.effect.subject.partition(" ")
    note = await context.uow.read.notes.note(channel, ts)
    outcome: Outcome = Delivered("deleted")
    if note is not None:
        outcome = await context.messenger.react(note)
        if not isinstance(outcome, NotSent):
            name = await context.messenger.name_of(note.by.id)
            await _name(note, name, context)
            await _offer(note, context)
    async with context.uow.begin() as tx:
        match outcome:
            case NotSent():
                await tx.retry(job, at=context.clock(), in_doubt=False)
            case Delivered() | Refused() | Unknown():  # pragma: no branch  # there is no fifth
                await tx.complete(job)
    return outcome if isinstance(outcome, NotSent) else Delivered()


async def _name(note: Note, name: str | None, context: DeliveryContext) -> None:
    if name is None or name == note.by.name:
        return
    async with context.uow.begin() as tx:
        await tx.notes.name(Person(note.by.id, name))
        await _refresh(note.round_id, tx, context.clock())


async def _offer(note: Note, context: DeliveryContext) -> None:
    posting = await context.uow.read.posting(note.round_id)
    round_ = posting.view.round
    first = next(
        (
            one.ts
            for one in await context.uow.read.notes.of_round(round_.id, limit=NOTES)
            if one.by.id == note.by.id
        ),
        None,
    )
    if round_.state is not State.WAITING or first != note.ts:
        return
    if may(
        note.by.id, Role.REVIEWER, round_.review, crews=context.crews, directory=context.directory
    ):
        await context.messenger.offer(note, posting)


async def _refresh(round_id: str | None, tx: Tx, now: datetime) -> None:
    if round_id is None:
        return
    round_ = await tx.round(round_id)
    if round_.state is State.WAITING:
        await tx.enqueue([_effect(EffectKind.REFRESH, round_)], at=now)


def _effect(kind: EffectKind, round_: Round, *, subject: str | None = None) -> Effect:
    review = round_.review
    return Effect(kind, subject or round_.id, review.crew, review.execution_id)
