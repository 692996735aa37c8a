"""A person decides, or asks to try again."""

from __future__ import annotations

from bot.domain.people import Role
from bot.domain.review import Round
from bot.domain.verdict import Decision, Person, Verdict, Via
from bot.usecases.permissions import require
from bot.usecases.ports.base import Clock, Crews
from bot.usecases.ports.slack import Directory
from bot.usecases.ports.store import UnitOfWork


async def decide(
    round_id: str,
    verdict: Verdict,
    *,
    by: Person,
    via: Via,
    uow: UnitOfWork,
    crews: Crews,
    directory: Directory,
    clock: Clock,
) -> Round:
    """Record a person's decision; the first one wins.

    Raises RoundNotFound, NotAReviewer, UnknownCrew, a NotWaiting that says why it is too late, or
    StoreUnavailable: then nothing was recorded.
    """
    now = clock()
    async with uow.begin() as tx:
        round_ = await tx.round(round_id)
        require(by.id, Role.REVIEWER, round_.review, crews=crews, directory=directory)
        move = round_.decide(Decision(verdict, by, now, via))
        await tx.save(move.round)
        await tx.enqueue(move.effects, at=now)
    # Only now may the listener acknowledge: Slack never repeats a click.
    return move.round


async def may_revise(
    round_id: str, *, by: Person, uow: UnitOfWork, crews: Crews, directory: Directory
) -> Round:
    """The round, if this person may ask for changes now; checked again when they do.

    Raises as `decide` does.
    """
    round_ = await uow.read.round(round_id)
    require(by.id, Role.REVIEWER, round_.review, crews=crews, directory=directory)
    round_.require_waiting()
    return round_


async def retry(
    round_id: str,
    *,
    by: Person,
    uow: UnitOfWork,
    crews: Crews,
    directory: Directory,
    clock: Clock,
) -> Round:
    """Send a stuck decision once more, as it was.

    Raises RoundNotFound, NotAReviewer, UnknownCrew, or InvalidTransition when it is not stuck (any
    more).
    """
    async with uow.begin() as tx:
        round_ = await tx.round(round_id)
        require(by.id, Role.REVIEWER, round_.review, crews=crews, directory=directory)
        move = round_.retry()
        await tx.save(move.round)
        await tx.enqueue(move.effects, at=clock())
    return move.round
