"""Direct messages: each reviewer is told of a round in private, and the message is kept true."""

from dataclasses import replace
from typing import Final

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Outcome
from crewgate.domain.people import Role, User
from crewgate.domain.review import Round, State
from crewgate.usecases.access import crew_for, delegates_of
from crewgate.usecases.delivery import messages
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.settle import settle
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Members, Posted
from crewgate.usecases.read_models import Posting

#: The most people who get a private message about one round.
PEOPLE_LIMIT: Final = 50


async def tell_reviewers(job: Job, context: DeliveryContext) -> Outcome:
    """Send a private message to everybody who may decide, as long as the round waits.

    People whom Slack does not name yet follow once it does.
    """
    round_ = await context.uow.read.round(job.effect.subject)
    if round_.state is not State.WAITING:
        return await settle(job, Delivered("nobody to tell"), context)
    members = await people_of(round_, context)
    told = await context.uow.read.direct_messages(round_.id)
    left = sorted(members.users - told.keys())[: max(0, PEOPLE_LIMIT - len(told))]
    async with context.uow.begin() as tx:
        effects = [_about(job, EffectKind.DIRECT_MESSAGE, user) for user in left]
        await tx.enqueue(effects, at=context.clock())
    outcome = NotSent("Slack has not named every reviewer yet", alone=True)
    return await settle(job, outcome if members.unresolved else Delivered(), context)


async def people_of(round_: Round, context: DeliveryContext, *, missing: bool = False) -> Members:
    """Return who may decide on a round, and colleagues who decide for those who are away.

    `missing`: without those who have approved, and groups that have.
    """
    now = context.clock()
    named = crew_for(round_, context.crews).permitted(Role.REVIEWER)
    members = context.directory.members(round_.not_voted(named) if missing else named)
    if not round_.may_be_delegated:
        return members
    delegates = delegates_of(members.users, await context.uow.read.absences.find(at=now), now)
    colleagues = {user: await context.directory.look_up_colleague(user) for user in delegates}
    told = frozenset(user for user, is_colleague in colleagues.items() if is_colleague)
    not_known = (User(user) for user, known in colleagues.items() if known is None)
    unresolved = (*members.unresolved, *not_known)
    return replace(members, users=members.users | told, unresolved=unresolved)


async def post(job: Job, context: DeliveryContext) -> Outcome:
    """Tell one person, once, of a round that waits.

    A message whose answer was lost is looked for even if the round no longer waits, for it shows
    buttons.
    """
    round_id, user = job.effect.subject, _user(job)
    posting = await _posting(round_id, user, context)
    told = await context.uow.read.direct_messages(round_id)
    waits = posting.view.round.state is State.WAITING
    if user in told or not (waits or job.in_doubt):
        return await settle(job, Delivered("nothing to tell"), context)
    outcome = await messages.post(job, posting, context, to=User(user), may_be_plain=True)
    if not isinstance(outcome, Posted):
        return await settle(job, outcome, context)
    async with context.uow.begin() as tx:
        round_ = await tx.round(round_id)
        await tx.place_direct_message(round_, user, outcome.ref)
        if round_.state is not State.WAITING:
            # It was decided meanwhile, and nobody knew of this message then.
            refreshed = _about(job, EffectKind.REFRESH_DIRECT_MESSAGE, user)
            await tx.enqueue([refreshed], at=context.clock())
        await tx.complete(job)
    return Delivered()


async def refreshes(card: Effect, context: DeliveryContext) -> list[Effect]:
    """Return the effects that bring the direct messages about a card's round up to date with it."""
    messages = await context.uow.read.direct_messages(card.subject)
    kind = EffectKind.REFRESH_DIRECT_MESSAGE
    return [replace(card, kind=kind, user=user) for user in messages]


async def refresh(job: Job, context: DeliveryContext) -> Outcome:
    """Bring one direct message up to date; one that somebody deleted stays deleted."""
    round_id, user = job.effect.subject, _user(job)
    message = (await context.uow.read.direct_messages(round_id)).get(user)
    if message is None:
        return await settle(job, Delivered("never posted"), context)
    posting = await _posting(round_id, user, context)
    return await messages.refresh(job, posting, message, context, may_be_plain=True)


def _user(job: Job) -> str:
    """Return the person who gets the private message of a job."""
    assert job.effect.user is not None  # noqa: S101  # every one has it
    return job.effect.user


async def _posting(round_id: str, user: str, context: DeliveryContext) -> Posting:
    """Return what one person is shown: of the rounds before those that they may read."""
    posting = await context.uow.read.posting(round_id)
    readable = await context.readable(user, posting.view.earlier)
    return replace(posting, view=posting.view.with_earlier(readable), reader=user)


def _about(job: Job, kind: EffectKind, user: str) -> Effect:
    return replace(job.effect, kind=kind, user=user)
