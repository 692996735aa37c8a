"""The loop that works on the outbox, one for each destination."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from structlog.contextvars import bind_contextvars

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import RowUnreadable, StoreUnavailable
from crewgate.domain.outcome import NotSent, Outcome, Refused, Unknown
from crewgate.domain.retry import IN_A_ROW, Budget, Retry
from crewgate.usecases.delivery import (
    cards,
    executions,
    lessons,
    messages,
    morning,
    notes,
    reminders,
    reports,
    resume,
)
from crewgate.usecases.delivery.context import DeliveryContext, set_aside
from crewgate.usecases.delivery.polling import poll_status
from crewgate.usecases.ports.base import Check, Clock, Job, Wakeup
from crewgate.usecases.ports.store import Outbox

log = structlog.get_logger(__name__)

Deliver = Callable[[Job, DeliveryContext], Awaitable[Outcome]]

#: The length of a lease. Every call outside ends well before the lease, so that only a process that
#: crashed or stood still loses its lease.
LEASE = timedelta(seconds=75)
DEADLINE = timedelta(seconds=60)
#: After a pause a destination counts as away for this time, or until a job was tried again.
LATELY = timedelta(minutes=1)
#: After a look that found jobs, the worker looks for due jobs this many times as often.
SOONER = 4
REFUSALS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The pace of a worker: its jobs at once, its looks at the outbox, its pauses in an outage."""

    at_once: int = 8
    poll: timedelta = timedelta(seconds=1)
    """The time between two looks at the outbox without a wake-up, for retries that become due."""
    pause: Retry = Retry(longest=timedelta(seconds=30))


@dataclass(slots=True, kw_only=True)
class _Outage:
    """Failed tries of a destination, in a row."""

    since: datetime
    began: datetime
    latest: datetime
    outcome: NotSent | Unknown
    tries: int = 0

    @property
    def is_certain(self) -> bool:
        return self.tries >= IN_A_ROW

    @property
    def warning(self) -> str | None:
        if isinstance(self.outcome, NotSent):
            return self.outcome.why
        why = self.outcome.code or self.outcome.why
        sentence = f"fails ({why}), {self.tries} tries since {self.since:%H:%M} UTC"
        return sentence if self.is_certain else None


class Worker:
    """Leases due jobs of one destination, carries each out, and pauses while it is away.

    Each destination has one worker: an outage of Slack delays no resume, nor one crew another.
    """

    def __init__(
        self,
        destination: str,
        *,
        outbox: Outbox,
        deliver: Deliver,
        context: DeliveryContext,
        pace: Pace | None = None,
        budget: Budget | None = None,
        steady: Clock | None = None,
        may_lease: Check = lambda: True,
    ) -> None:
        """Pauses go by `steady`, a clock that is never set; by default the context's."""
        self.destination = destination
        self._steady = steady or context.clock
        self._outage: _Outage | None = None
        self._outbox_gone_at: datetime | None = None
        self._refused: dict[str, tuple[datetime, str]] = {}
        self.last_polled_at: datetime = self._steady()
        """The time of the last completed poll, by `steady`; stale while the database is down."""
        self._outbox = outbox
        self._deliver = deliver
        self._context = context
        self.pace = pace or Pace()
        self._failures = 0
        self._paused_until = self._steady()
        self._budget = budget
        self._may_lease = may_lease
        self._spent_until = self._steady()
        self._found_at: datetime | None = None
        self._wakeup = Wakeup()
        self._stopping = False
        self._under_way: dict[asyncio.Task[None], int] = {}
        self._unsettled: list[Job] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """The outage of the destination, and repeated refusals.

        Both are over if they were not repeated for longer than any retry takes.
        """
        since = self._steady() - 2 * self._context.retry.longest
        outage = self._outage if self._outage and self._outage.latest >= since else None
        away = (outage.warning,) if outage and outage.warning else ()
        return (*away, *sorted({what for at, what in self._refused.values() if at >= since}))

    @property
    def is_away(self) -> bool:
        return self._failures >= IN_A_ROW and self._steady() - self._paused_until <= LATELY

    @property
    def looks_again_in(self) -> timedelta:
        """The time to wait for a wake-up before the next look for due jobs.

        The time is short after a look that found jobs: jobs that become due one by one would be
        taken in bursts otherwise, once per `poll`, and hold up others.
        """
        lately = self._found_at and self._steady() - self._found_at <= 2 * self.pace.poll
        return self.pace.poll / SOONER if lately else self.pace.poll

    def wake(self) -> None:
        self._wakeup.set()

    def stop(self) -> None:
        self._stopping = True
        self._wakeup.set()

    async def run(self) -> None:
        """Work until stopped, then finish the jobs under way; a cancellation abandons these too."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                for job in await self._lease():
                    task = group.create_task(self._carry_out(job))
                    self._under_way[task] = job.id
                    task.add_done_callback(self._finished)
                blocked_until = max(self._paused_until, self._spent_until)
                remaining = (blocked_until - self._steady()).total_seconds()
                poll = self.looks_again_in.total_seconds()
                await self._wakeup.wait(min(remaining, poll) if remaining > 0 else poll)

    async def _lease(self) -> tuple[Job, ...]:
        now = self._steady()
        blocked_until = max(self._paused_until, self._spent_until)
        free = (1 if self._failures else self.pace.at_once) - len(self._under_way)
        if free <= 0 or now < blocked_until or self._stopping or not self._may_lease():
            self.last_polled_at = now
            return ()
        try:
            leased = await self._outbox.lease(
                self.destination,
                now=self._context.clock(),
                lease=LEASE,
                limit=free,
                budget=self._budget,
                under_way=tuple(self._under_way.values()),
            )
        except StoreUnavailable as error:
            log.warning("outbox_unavailable", destination=self.destination, why=str(error))
            self._outbox_gone_at = self._outbox_gone_at or now
            return ()
        except Exception:
            # The error ends here: beyond this, it would end the loop and cancel the jobs under way.
            log.exception("lease_failed", destination=self.destination)
            return ()
        self.last_polled_at = now
        if self._outbox_gone_at is not None:
            log.info("outbox_available", **self._outage_fields(since=self._outbox_gone_at))
            self._outbox_gone_at = None
        if leased.jobs:
            self._found_at = now
        if leased.again_in is not None:
            self._spent_until = now + leased.again_in
        unsettled, self._unsettled = self._unsettled, []
        for job in unsettled:
            await self._give_back(job, at=self._context.next_try(job, in_doubt=True), in_doubt=True)
        if now >= self._paused_until:
            return leased.jobs
        for job in leased.jobs:  # the destination failed while jobs were leased
            await self._give_back(job, at=self._context.clock(), in_doubt=False)
        return ()

    async def _carry_out(self, job: Job) -> None:
        """Carry out a job; never raises: an unforeseen error is logged, and the job tried again."""
        effect = job.effect
        about = {"kind": effect.kind, "subject": effect.names, "tries": job.tries}
        # Each job is a task of its own, so these log fields end with the job.
        named = {"crew": effect.crew, "execution": effect.execution_id}
        bind_contextvars(**{name: text for name, text in named.items() if text}, **about)
        began = self._context.clock()
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                outcome = await self._deliver(job, self._context)
        except StoreUnavailable as error:
            log.warning("not_settled", **about, why=str(error))
            self._unsettled.append(job)
            return
        except RowUnreadable as error:
            # The row is logged where it was read; trying again would not mend it.
            await self._set_aside(job, str(error))
            return
        except Exception as error:
            log.exception("delivery_failed", **about)
            outcome = Unknown(type(error).__name__)
            if self._context.gives_up(job):
                await self._set_aside(job, outcome.why)
            else:
                at = self._context.next_try(job, in_doubt=True)
                await self._give_back(job, at=at, in_doubt=True, failed_at=self._context.clock())
        self._context.trace(job, outcome, began, self._context.clock())
        self._record_availability(job, outcome)
        await self._slow_down(outcome)
        if isinstance(outcome, Refused | Unknown | NotSent):
            log.warning("not_delivered", **about, outcome=type(outcome).__name__, why=_why(outcome))
        else:
            log.info("delivered", **about)

    async def _slow_down(self, outcome: Outcome) -> None:
        """Pause the budget if Slack asked to wait: Slack limits all who spend of it together."""
        pause = outcome.retry_after if isinstance(outcome, NotSent) and outcome.alone else None
        if self._budget is None or pause is None:
            return
        try:
            await self._outbox.pause(self._budget, now=self._context.clock(), pause=pause)
        except StoreUnavailable as error:
            log.warning("budget_unavailable", budget=self._budget.name, why=str(error))

    async def _set_aside(self, job: Job, why: str) -> None:
        try:
            await set_aside(job, why, self._context)
        except StoreUnavailable as error:
            log.warning("not_settled", subject=job.effect.names, why=str(error))
            self._unsettled.append(job)

    async def _give_back(
        self, job: Job, *, at: datetime, in_doubt: bool, failed_at: datetime | None = None
    ) -> None:
        try:
            async with self._context.uow.begin() as tx:
                await tx.retry(job, at=at, in_doubt=in_doubt, failed_at=failed_at)
        except StoreUnavailable as error:
            log.warning("not_settled", subject=job.effect.names, why=str(error))
            self._unsettled.append(job)

    def _record_availability(self, job: Job, outcome: Outcome) -> None:
        self._refused.pop(job.effect.ordering_key, None)
        if isinstance(outcome, Refused):
            if len(self._refused) >= REFUSALS:
                del self._refused[next(iter(self._refused))]  # the oldest
            of_crew = self.destination.endswith(f":{job.effect.crew}")
            what = outcome.code if of_crew else f"{job.effect.crew}: {outcome.code}"
            self._refused[job.effect.ordering_key] = (self._steady(), what)
        now = self._steady()
        if not isinstance(outcome, NotSent | Unknown):
            if self._outage is not None and self._outage.is_certain:
                log.info("destination_available", **self._outage_fields(since=self._outage.began))
            self._outage = None
        elif not isinstance(outcome, NotSent) or not outcome.alone:
            outage = self._outage or _Outage(
                since=self._context.clock(), began=now, latest=now, outcome=outcome
            )
            outage.outcome, outage.latest, outage.tries = outcome, now, outage.tries + 1
            self._outage = outage
            if outage.tries == IN_A_ROW:
                log.warning("destination_away", destination=self.destination, why=_why(outcome))
        if not isinstance(outcome, NotSent) or outcome.alone:
            self._failures = 0
            return
        if now >= self._paused_until:
            self._failures += 1
        elif outcome.retry_after is None:
            return  # this job was under way before the pause began
        # A job that was under way before the pause may have set `_failures` to 0 since.
        self._failures = max(self._failures, 1)
        pause = self.pace.pause.after(
            self._failures, jitter=self._context.jitter(), at_least=outcome.retry_after
        )
        self._paused_until = max(self._paused_until, now + pause)

    def _outage_fields(self, *, since: datetime) -> dict[str, object]:
        seconds = round((self._steady() - since).total_seconds())
        return {"destination": self.destination, "seconds": seconds}

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._wakeup.set()


def _why(outcome: Refused | Unknown | NotSent) -> str:
    # Only the code of a refusal is reported: a crew's own words may quote an output.
    return outcome.code if isinstance(outcome, Refused) else outcome.why


_DELIVERIES: Final[Mapping[EffectKind, Callable[[Job, DeliveryContext], Awaitable[Outcome]]]] = {
    EffectKind.POST: cards.post,
    EffectKind.REPOST: cards.repost,
    EffectKind.ATTACH: executions.attach,
    EffectKind.LOOK_FOR_FILE: executions.attach,
    EffectKind.REFRESH: cards.refresh,
    EffectKind.REFRESH_FAILED: cards.post_refresh_failed,
    EffectKind.TELL_REVIEWERS: cards.tell_reviewers,
    EffectKind.DIRECT_MESSAGE: cards.post_direct_message,
    EffectKind.REFRESH_DIRECT_MESSAGE: cards.refresh_direct_message,
    EffectKind.TELL_OPERATOR: messages.tell,
    EffectKind.NOBODY_LEFT: messages.tell,
    EffectKind.REPORT: reports.report,
    EffectKind.REFRESH_REPORT: reports.refresh_report,
    EffectKind.RESUME: resume.resume,
    EffectKind.PROGRESS: executions.show_progress,
    EffectKind.REFRESH_PROGRESS: executions.refresh_progress,
    EffectKind.POST_RESULT: executions.post_result,
    EffectKind.RESULT_FILE: executions.attach,
    EffectKind.LOOK_FOR_RESULT_FILE: executions.attach,
    EffectKind.RESULT_FILE_FAILED: executions.say,
    EffectKind.FORWARD_FAILED: executions.say,
    EffectKind.CLEAR_THREAD: executions.clear_thread,
    EffectKind.POLL_STATUS: poll_status,
    EffectKind.FORWARD: executions.forward,
    EffectKind.ACKNOWLEDGE_NOTE: notes.acknowledge,
    EffectKind.AUDIT_HEAD: reports.post_head,
    EffectKind.WEEKLY_DIGEST: reports.post_digest,
    EffectKind.MORNING_LINE: morning.send_line,
    EffectKind.OFFER_LESSON: lessons.offer,
    EffectKind.POST_LESSON: lessons.post,
    EffectKind.REFRESH_LESSON: lessons.refresh,
    EffectKind.TELL_AUTHOR: lessons.tell_author,
    EffectKind.END_LESSON: lessons.end,
    EffectKind.RETIRE_AT_HOST: lessons.retire_at_host,
    EffectKind.POST_REFERRAL: notes.post_referral,
    EffectKind.EXPIRE_CLAIM: notes.expire_claim,
    EffectKind.REMIND: reminders.remind,
    EffectKind.POST_REMINDER: reminders.post_reminder,
    EffectKind.ESCALATE: reminders.escalate,
    EffectKind.TIME_OUT: reminders.time_out,
    EffectKind.EXPIRE: reminders.expire,
    EffectKind.POST_TIMED_OUT: reminders.post_timed_out,
}
"""Any other kind is a plain message about a round."""


async def deliver(job: Job, context: DeliveryContext) -> Outcome:
    """Carry out one effect: read the present state, call, record the outcome.

    There is never a call inside a transaction. The job is settled; the outcome tells the worker if
    the whole destination seems to be away (NotSent).
    """
    return await _DELIVERIES.get(job.effect.kind, messages.say)(job, context)
