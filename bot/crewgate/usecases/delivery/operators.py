"""Telling operators, in private, that a channel of a crew takes no messages of this bot."""

from dataclasses import replace

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Outcome, RefusalKind, Refused
from crewgate.domain.people import User
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.messages import post
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.outbox import Job

#: The most people who get a private message about one failure.
PEOPLE_LIMIT = 50
#: Refusals for reasons of the channel, which somebody can fix.
_OF_THE_CHANNEL = frozenset({RefusalKind.OTHER, RefusalKind.NOT_ALLOWED})


async def note_refusal(job: Job, refused: Refused, channel: str, context: DeliveryContext) -> None:
    """Have the operators told that the channel refuses a post: once until it takes one again.

    That is kept in memory, so a restart tells it again.
    """
    name = job.effect.crew
    if refused.kind not in _OF_THE_CHANNEL or (name, channel) in context.refusing:
        return
    context.refusing.add((name, channel))
    users = context.directory.members(context.crews[name].operators).users
    effects = [
        Effect(EffectKind.TELL_OPERATOR, refused.code, name, "", channel=channel, user=user)
        for user in sorted(users)[:PEOPLE_LIMIT]
    ]
    async with context.uow.begin() as tx:
        await tx.enqueue(effects, at=context.clock())


async def tell(job: Job, context: DeliveryContext) -> Outcome:
    effect = job.effect
    assert effect.user is not None  # noqa: S101  # every one has it
    crew = context.crews[effect.crew]
    # One that an earlier version enqueued names no channel.
    refusing = replace(crew, channel=effect.channel) if effect.channel else crew
    outcome = await post(job, refusing, context, to=User(effect.user))
    return await settle(job, outcome, context)
