"""Notes in the thread of a waiting round, the feedback made of them, and claims."""

from dataclasses import replace
from datetime import datetime

from crewgate.domain.caveats import CLAIM_LASTS, Claim, Draft, Note, draft
from crewgate.domain.effects import EffectKind
from crewgate.domain.people import Role
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Person
from crewgate.usecases.access import Access, ReviewContext
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import MessageRef
from crewgate.usecases.rounds import pressed

NOTES = 500


async def keep_note(
    ref: MessageRef, *, by: Person, text: str, context: ReviewContext, at: datetime | None = None
) -> Note | None:
    """Store a message as a note; None if no round waits in its thread, or it is stored already."""
    now = context.clock()
    at = at or now
    async with context.uow.begin() as tx:
        round_ = await _round_of(ref, tx, at=at)
        if round_ is None:
            return None
        note = Note(channel=ref.channel, ts=ref.ts, round_id=round_.origin, by=by, text=text, at=at)
        if not await tx.notes.keep(note):
            return None
        acknowledge = round_.effect(EffectKind.ACKNOWLEDGE_NOTE)
        acknowledge = replace(acknowledge, target=ref.ts, channel=ref.channel)
        await tx.enqueue((round_.effect(EffectKind.REFRESH), acknowledge), at=now)
    return note


async def _round_of(ref: MessageRef, tx: Tx, *, at: datetime) -> Round | None:
    """Return and lock the round of a note, so that no approval comes in between."""
    while (found := await tx.notes.waiting_in(ref, at=at)) is not None:
        if (round_ := await tx.round(found.id)).state is State.WAITING:
            return round_
    return None


async def change_note(
    channel: str, ts: str, *, text: str, edited_ts: str, context: ReviewContext
) -> None:
    async with context.uow.begin() as tx:
        origin = await tx.notes.change(channel, ts, text=text, edited_ts=edited_ts)
        await refresh_card(origin, tx, context.clock())


async def delete_note(channel: str, ts: str, *, context: ReviewContext) -> None:
    async with context.uow.begin() as tx:
        await refresh_card(await tx.notes.delete(channel, ts), tx, context.clock())


async def draft_for(round_: Round, *, context: ReviewContext) -> Draft:
    found = await context.uow.read.notes.of_round(round_.id, limit=NOTES)
    authors = {note.by.id for note in found}
    selected = {author for author in authors if await context.may(author, Role.REVIEWER, round_)}
    return draft(found, selected=selected)


async def claim(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    async def record(access: Access) -> Round:
        now = context.clock()
        async with context.uow.begin() as tx:
            round_ = await pressed(tx, round_id, by)
            await access.rights_of(by.id, Role.REVIEWER, round_, tx)
            round_.require_waiting()
            await tx.save(round_)
            await tx.notes.claim(round_, Claim(by, now))
            await tx.enqueue([round_.effect(EffectKind.REFRESH)], at=now)
            expire = round_.effect(EffectKind.EXPIRE_CLAIM)
            await tx.enqueue([expire], at=now, due_at=now + CLAIM_LASTS)
        return round_

    return await context.asking(record)


async def refresh_card(origin: str | None, tx: Tx, now: datetime) -> None:
    """Enqueue a card's refresh, without locking its round: a note may be locked already."""
    round_ = await tx.notes.waits_with(origin) if origin is not None else None
    if round_ is not None:
        await tx.enqueue([round_.effect(EffectKind.REFRESH)], at=now)
