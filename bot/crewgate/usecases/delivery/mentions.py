"""Mentions: people are called once an hour where many rounds of one task wait.

Up to `MENTIONED_EACH` waiting rounds of a crew, task and rule, each message mentions the people who
are to decide. Where more wait, one message an hour mentions a set of people; in between a card
comes short and without a mention, and so do reminders, escalations and time-outs. The hour counts
from when Slack took the message, also if its answer was lost. Nothing else knows of it.
"""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.people import Role
from crewgate.domain.review import Round, State
from crewgate.usecases.access import crew_for
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.slack import Posted
from crewgate.usecases.ports.store import Tx

HOURLY: Final = timedelta(hours=1)
#: A message waits so long for the outcome of another that is to mention the same people.
AGAIN_IN: Final = timedelta(seconds=2)


async def may_mention(job: Job, round_: Round, context: DeliveryContext) -> bool | None:
    """Return True if a message may mention people, False if it has to come without a mention.

    None: another message that mentions them is on its way, and the job is given back for a moment.
    Else nobody would be told if that message never came.
    """
    if round_.state is not State.WAITING:
        return True
    read, most = context.uow.read.mentions, context.mentioned_each
    if await read.count_waiting(round_, limit=most + 1) <= most:
        return True
    now, people = context.clock(), _people(job, round_, context)
    async with context.uow.begin() as tx:
        may = await tx.mentions.claim(round_, people, job=job.id, at=now, every=HOURLY)
        if may is None:
            await tx.retry(job, at=now + AGAIN_IN, in_doubt=False)
    return may


async def note(tx: Tx, job: Job, round_: Round, posted: Posted, context: DeliveryContext) -> bool:
    """Note that Slack took a message that was to mention people; return True if it does.

    A message that was found after a lost answer tells itself if it does, and since when.
    """
    now, people, found = context.clock(), _people(job, round_, context), posted.found
    if found is None and round_.state is State.WAITING:
        await tx.mentions.note(round_, people, at=now, every=HOURLY)
    if found is None or found.is_quiet:
        return found is None
    at = min(now, found.at)
    await tx.mentions.note_found(round_, people, job=job.id, at=at, every=HOURLY)
    return True


def _people(job: Job, round_: Round, context: DeliveryContext) -> str:
    """Return a digest of the people whom a message mentions, as the settings name them."""
    named = crew_for(round_, context.crews).permitted(Role.REVIEWER)
    if job.effect.kind is EffectKind.POST_ESCALATED:
        others = crew_for(replace(round_, escalated_at=None), context.crews)
        named = tuple(one for one in named if one not in others.permitted(Role.REVIEWER))
    written = "\n".join(sorted(map(str, round_.not_voted(named))))
    return sha256(written.encode()).hexdigest()[:16]
