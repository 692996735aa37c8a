"""Acknowledging notes in Slack."""

from crewgate.domain.notes import Note
from crewgate.domain.outcome import Delivered, NotSent, Outcome
from crewgate.domain.people import Role
from crewgate.domain.review import State
from crewgate.domain.verdict import Person
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.notes import NOTES, refresh_card
from crewgate.usecases.ports.outbox import Job


async def acknowledge(job: Job, context: DeliveryContext) -> Outcome:
    """React to a note, store its author's name, and offer to send notes as feedback.

    The offer is made once a round and person. Losing any of it loses no note, so only an outage
    of Slack is a reason to try again.
    """
    effect = job.effect
    assert effect.channel is not None  # noqa: S101  # every one has it
    note = await context.uow.read.notes.note(effect.channel, effect.subject)
    outcome: Outcome = Delivered("deleted")
    if note is not None:
        outcome = await context.messenger.react(note)
        if not isinstance(outcome, NotSent):
            name = await context.messenger.name_of(note.by.id)
            await _name(note, name, context)
            await _offer(note, context)
    done = outcome if isinstance(outcome, NotSent) else Delivered()
    return await settle(job, done, context)


async def _name(note: Note, name: str | None, context: DeliveryContext) -> None:
    if name is None or name == note.by.name:
        return
    async with context.uow.begin() as tx:
        await tx.notes.name(Person(note.by.id, name))
        await refresh_card(note.round_id, tx, context.clock())


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
    if await context.may(note.by.id, Role.REVIEWER, round_):
        await context.messenger.offer(note, posting)
