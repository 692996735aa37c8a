"""The morning line: set, ended, and sent to one person in private."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.morning import Morning
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.people import User
from crewgate.usecases.access import ReviewContext, waiting_for
from crewgate.usecases.delivery.context import DeliveryContext, settle
from crewgate.usecases.delivery.messages import post
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import QueuePart

log = structlog.get_logger(__name__)

#: A line that could not be sent for longer is left out.
LATE: Final = timedelta(hours=4)


async def set_morning(
    user: str, minute: int, zone: str | None, *, context: ReviewContext
) -> Morning:
    """Send this person a line each day at this minute, in place of the time before."""
    async with context.uow.begin() as tx:
        before = await tx.absences.morning_of(user)
        before = before or Morning(user, minute, "UTC")
        wish = replace(before, minute=minute, zone=zone or before.zone)
        await _plan(wish, tx, context)
    return wish


async def end_morning(user: str, *, context: ReviewContext) -> None:
    async with context.uow.begin() as tx:
        await tx.absences.remove_morning(user)


async def _plan(wish: Morning, tx: Tx, context: ReviewContext) -> None:
    effect = Effect(EffectKind.MORNING_LINE, wish.user_id, "", "")
    await tx.absences.put_morning(wish)
    await tx.expedite(effect, at=wish.following(context.clock()))


async def send_line(job: Job, context: DeliveryContext) -> Outcome:
    """Send the line of the day, if something waits, and plan the next, even if this one fails.

    The wish or the time zone may have changed since this was planned.
    """
    user = job.effect.subject
    zone = await context.directory.zone_of(user)
    wish = await context.uow.read.absences.morning_of(user)
    if wish is None:
        return await settle(job, Delivered("no line is wanted any longer"), context)
    wish = replace(wish, zone=zone.key if zone else wish.zone)
    now = context.clock()
    day = now.astimezone(ZoneInfo(wish.zone)).date()
    outcome: Outcome = Delivered("nothing to tell")
    is_gone = context.directory.is_gone(user)
    is_due = timedelta() <= now - wish.on(day) < LATE and wish.told < day.toordinal()
    waiting = await _waiting(wish, day, context) if is_due and not is_gone else None
    if waiting is not None:
        outcome = await post(job, waiting, context, to=User(user), occasion=day.isoformat())
    is_lost = isinstance(outcome, Unknown)
    if isinstance(outcome, NotSent) or (is_lost and not context.gives_up(job)):
        return await settle(job, outcome, context)
    if isinstance(outcome, Refused | Unknown):
        code = "answer_lost" if is_lost else outcome.code
        log.warning("morning_line_refused", user=user, code=code)
    async with context.uow.begin() as tx:
        current = await tx.absences.morning_of(user)
        if is_due or current is None:
            await tx.complete(job)
        else:  # an answer may be lost, and its message is looked for then
            await tx.retry(job, at=current.following(now), in_doubt=False)
        if is_gone:
            await tx.absences.remove_morning(user)
        elif current is not None:
            told = current.told if waiting is None else day.toordinal()
            await _plan(replace(current, zone=wish.zone, told=told), tx, context)
    return Delivered()


async def _waiting(wish: Morning, day: date, context: ReviewContext) -> QueuePart | None:
    """Return all that waits, with the oldest; None if nothing of it is worked on that day."""
    waiting = await waiting_for(wish.user_id, context)
    hours = {one.key: one.rule.working_hours for one in await context.rules_in_use()}
    working = [(key, hours.get(key)) for key in waiting.queues]
    queues = tuple(key for key, days in working if days is None or day.weekday() in days.days)
    read = context.uow.read.rounds
    if not await read.first(replace(waiting, queues=queues), limit=1):
        return None
    oldest = await read.lines(await read.first(waiting, limit=1))
    return QueuePart(oldest, await read.count(waiting)) if oldest else None
