"""Acknowledging notes in Slack."""

from crewgate.domain.notes import Note
from crewgate.domain.outcome import Delivered, NotSent, Outcome
from crewgate.domain.people import Role
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
    if note is not None:
        outcome = await context.messenger.react(note)
        if isinstance(outcome, NotSent):
            return await settle(job, outcome, context)
        name = await context.messenger.name_of(note.by.id)
        if name is not None and name != note.by.name:
            async with context.uow.begin() as tx:
                await tx.notes.name(note.round_id, Person(note.by.id, name))
                await refresh_card(note.round_id, tx, context.clock())
        await _offer(note, context)
    return await settle(job, Delivered(), context)


async def _offer(note: Note, context: DeliveryContext) -> None:
    read = context.uow.read
    round_ = await read.notes.waits_with(note.round_id)
    if round_ is None:
        return
    notes = await read.notes.of_round(round_.id, limit=NOTES)
    first = next((one.ts for one in notes if one.by.id == note.by.id), None)
    if first == note.ts and await context.may(note.by.id, Role.REVIEWER, round_):
        await context.messenger.offer(note, await read.posting(round_.id))
