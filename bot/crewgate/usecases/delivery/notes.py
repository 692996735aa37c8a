"""The reaction to a note in a thread, the message of a referral, and the end of a claim."""

from dataclasses import replace

from crewgate.domain.caveats import Note
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import NotPermitted
from crewgate.domain.outcome import Delivered, NotSent, Outcome
from crewgate.domain.people import Role
from crewgate.domain.verdict import Person
from crewgate.usecases.delivery.context import DeliveryContext, settle
from crewgate.usecases.delivery.messages import say_about
from crewgate.usecases.notes import NOTES, refresh_card
from crewgate.usecases.ports.base import Job


async def expire_claim(job: Job, context: DeliveryContext) -> Outcome:
    refreshed = replace(job.effect, kind=EffectKind.REFRESH)
    return await settle(job, Delivered(), context, then=[refreshed])


async def post_referral(job: Job, context: DeliveryContext) -> Outcome:
    """Mention the person who is asked to look, unless they have approved or may not decide now."""
    posting = await context.uow.read.posting(job.effect.target)
    round_, number = posting.view.round, job.effect.number
    referral = next((one for one in round_.open_referrals if one.number == number), None)
    if referral is None:
        return await settle(job, Delivered("nothing to tell any more"), context)
    try:
        await context.ensure(referral.to.id, Role.REVIEWER, round_, recheck=False)
    except NotPermitted as refused:
        silent = NotSent("Slack does not say whether the person may decide", alone=True)
        outcome = silent if refused.uncertain else Delivered("they may not decide any more")
        return await settle(job, outcome, context)
    view = replace(posting.view, referral=referral)
    return await say_about(replace(posting, view=view), job, context)


async def acknowledge(job: Job, context: DeliveryContext) -> Outcome:
    """React to a note, store its author's name, and offer to send notes as feedback.

    A person gets one offer per round. All this may be lost without losing a note, so only an outage
    of Slack is a reason to try again.
    """
    effect = job.effect
    assert effect.channel is not None, "channel is always set for this kind of effect"
    note = await context.uow.read.notes.note(effect.channel, effect.target)
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
