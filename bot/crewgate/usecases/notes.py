"""Notes in the thread of a waiting round, the feedback they make, and claims."""

from dataclasses import replace
from datetime import datetime

from crewgate.domain.effects import EffectKind
from crewgate.domain.notes import CLAIM_LASTS, Claim, Draft, Note, draft
from crewgate.domain.people import Role
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Person
from crewgate.usecases.access import Access
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.ports.store import Tx

#: The most notes of one round that are read.
NOTES = 500


async def keep_note(
    *,
    channel: str,
    thread_ts: str,
    ts: str,
    by: Person,
    text: str,
    context: ReviewContext,
    round_id: str | None = None,
) -> Note | None:
    """Store a message as a note if a round waits in its thread; None if not, or if it is stored.

    `round_id` names the round where that is known, else it is the newest that waits there.
    """
    now = context.clock()
    async with context.uow.begin() as tx:
        round_ = await (tx.round(round_id) if round_id else _waiting_in(channel, thread_ts, tx))
        if round_ is None or round_.state is not State.WAITING:
            return None
        note = Note(channel=channel, ts=ts, round_id=round_.id, by=by, text=text, at=now)
        if not await tx.notes.keep(note):
            return None
        effects = (
            round_.effect(EffectKind.REFRESH),
            replace(round_.effect(EffectKind.ACKNOWLEDGE_NOTE), subject=ts, channel=channel),
        )
        await tx.enqueue(effects, at=now)
    return note


async def _waiting_in(channel: str, thread_ts: str, tx: Tx) -> Round | None:
    """Return the waiting round of a thread, locked: an approval comes before the note, or after."""
    while (found := await tx.notes.waiting_in(channel, thread_ts)) is not None:
        if (round_ := await tx.round(found.id)).state is State.WAITING:
            return round_
    return None


async def change_note(
    channel: str, ts: str, *, text: str, edited_ts: str, context: ReviewContext
) -> None:
    """Store an edit of a note. An older edit that comes late is ignored."""
    async with context.uow.begin() as tx:
        round_id = await tx.notes.change(channel, ts, text=text, edited_ts=edited_ts)
        await refresh_card(round_id, tx, context.clock())


async def delete_note(channel: str, ts: str, *, context: ReviewContext) -> None:
    async with context.uow.begin() as tx:
        await refresh_card(await tx.notes.delete(channel, ts), tx, context.clock())


async def draft_for(round_: Round, *, context: ReviewContext) -> Draft:
    """Make feedback of the notes of a round's reviewers; other notes are left to select."""
    found = await context.uow.read.notes.of_round(round_.id, limit=NOTES)
    authors = {note.by.id for note in found}
    selected = {author for author in authors if await context.may(author, Role.REVIEWER, round_)}
    return draft(found, selected=selected)


async def claim(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """Claim a round for half an hour; everybody else may still decide.

    Raises as `decide` does.
    """

    async def record(access: Access) -> Round:
        now = context.clock()
        async with context.uow.begin() as tx:
            round_ = await tx.round(round_id)
            await access.rights_of(by.id, Role.REVIEWER, round_, tx)
            round_.require_waiting()
            await tx.notes.claim(round_, Claim(by, now))
            await tx.enqueue([round_.effect(EffectKind.REFRESH)], at=now)
            expire = round_.effect(EffectKind.EXPIRE_CLAIM)
            await tx.enqueue([expire], at=now, due_at=now + CLAIM_LASTS)
        return round_

    return await context.asking(record)


async def refresh_card(round_id: str | None, tx: Tx, now: datetime) -> None:
    """Enqueue a refresh of a round's card, if it still waits and so shows its notes."""
    if round_id is None:
        return
    round_ = await tx.round(round_id)
    if round_.state is State.WAITING:
        await tx.enqueue([round_.effect(EffectKind.REFRESH)], at=now)
