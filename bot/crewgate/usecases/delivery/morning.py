"""The morning line, sent to one person in private."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from crewgate.domain.morning import Morning
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.people import User
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.delivery.context import DeliveryContext, settle
from crewgate.usecases.delivery.messages import post
from crewgate.usecases.morning import plan
from crewgate.usecases.ports.base import Job
from crewgate.usecases.read_models import QueuePart
from crewgate.usecases.waiting import waiting_for

log = structlog.get_logger(__name__)

#: A morning line that could not be sent within this time is left out.
LATE: Final = timedelta(hours=4)


async def send_line(job: Job, context: DeliveryContext) -> Outcome:
    """Send the line of the day, if something waits, and plan the next line, even if this fails.

    The wish or the time zone may have changed since this line was planned.
    """
    user = job.effect.target
    zone = await context.directory.zone_of(user)
    wish = await context.uow.read.mornings.find(user)
    if wish is None:
        return await settle(job, Delivered("no line is wanted any longer"), context)
    wish = replace(wish, zone=zone.key if zone else wish.zone)
    now = context.clock()
    day = now.astimezone(ZoneInfo(wish.zone)).date()
    if now < wish.on(day):  # a line that Slack refused over midnight is of the day before
        day -= timedelta(days=1)
    outcome: Outcome = Delivered("nothing to tell")
    is_gone = context.directory.is_gone(user)
    is_due = now - wish.on(day) < LATE and wish.told < day.toordinal()
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
        current = await tx.mornings.find(user)
        if is_due or current is None:
            await tx.complete(job)
        else:  # this job stays: it looks for a line whose answer was lost
            await tx.retry(job, at=current.following(now), in_doubt=False)
        if is_gone:
            await tx.mornings.remove(user)
        elif current is not None:
            sent_on = current.told if waiting is None else day.toordinal()
            await plan(replace(current, zone=wish.zone, told=sent_on), tx, context)
    return Delivered()


async def _waiting(wish: Morning, day: date, context: ReviewContext) -> QueuePart | None:
    """Return what waits, its number and oldest round; None if nobody works on any that day."""
    waiting = await waiting_for(wish.user_id, context)
    hours = {one.key: one.rule.working_hours for one in await context.rules_in_use()}
    working = [(key, hours.get(key)) for key in waiting.queues]
    queues = tuple(key for key, days in working if days is None or day.weekday() in days.days)
    read = context.uow.read.rounds
    if not await read.first(replace(waiting, queues=queues), limit=1):
        return None
    # Nine rounds are read, not one: a row that cannot be read is left out.
    oldest = await read.lines(await read.first(waiting, limit=9))
    return QueuePart(oldest[:1], await read.count(waiting)) if oldest else None
