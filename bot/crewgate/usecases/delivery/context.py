"""The dependencies of deliveries, in one value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from crewgate.domain.effects import DRAWS_ANEW, IN_ORDER, POSTS_A_CARD, Effect
from crewgate.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from crewgate.domain.retry import Retry
from crewgate.domain.review import Round
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.ports.base import Job
from crewgate.usecases.ports.crew import CrewClients, FlowAnswers, WebhookForwarder
from crewgate.usecases.ports.slack import Messenger, Posted
from crewgate.usecases.teaching import Teaching

log = structlog.get_logger(__name__)

#: Time for a newer notification to arrive, as evidence, before a try in doubt is repeated. Short on
#: purpose: a crew that took a revision is busy for longer than this and refuses another, while a
#: much later try could meet the next round.
GRACE = timedelta(seconds=3)
#: The grace for tries of an earlier process: while no process listened, a crew may have taken the
#: decision and begun to work, and only its next webhook shows that.
START_GRACE = timedelta(seconds=20)
#: Time for Slack to share an uploaded file, which it scans first.
SHARE_GRACE = timedelta(minutes=2)
#: Up to this number of waiting rounds of one task and rule, each message mentions people.
MENTIONED_EACH = 10

Trace = Callable[[Job, Outcome, datetime, datetime], None]


@dataclass(slots=True)
class Listening:
    """The time since which this process has received webhooks; unset before."""

    since: datetime | None = None
    tried: set[str] = field(default_factory=set)
    """The rounds that this process tried to resume within the grace after its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryContext(ReviewContext):
    """The dependencies of deliveries, on connections of their own; built once, by the app."""

    messenger: Messenger
    clients: CrewClients
    teaching: Teaching
    forwarder: WebhookForwarder
    flows: FlowAnswers
    jitter: Callable[[], float]
    """Returns a number from 0 to 1."""
    retry: Retry = Retry()
    grace: timedelta = GRACE
    listening: Listening = field(default_factory=Listening)
    start_grace: timedelta = START_GRACE
    share_grace: timedelta = SHARE_GRACE
    mentioned_each: int = MENTIONED_EACH
    trace: Trace = lambda *_: None
    refusing: set[tuple[str, str]] = field(default_factory=set)
    """Crews and channels that refused the latest post; their operators know of it."""

    def wait_for_evidence(self, round_: Round) -> datetime | None:
        """Return the time before which a try in doubt is not repeated; None if it need not wait."""
        # `tried` tells this process's tries from earlier ones. Their times could not: the clock
        # may have been set back since an earlier try.
        is_of_earlier_process = round_.in_doubt and round_.id not in self.listening.tried
        return self._grace_ends_at if is_of_earlier_process else None

    def note_try(self, round_: Round) -> None:
        """Remember a try of this process, while tries of earlier processes wait for evidence."""
        if self._grace_ends_at is not None:
            self.listening.tried.add(round_.id)

    @property
    def _grace_ends_at(self) -> datetime | None:
        since = self.listening.since
        if since is None:
            return None
        until = since + self.start_grace
        # A time before `since` means that the clock was put back: then there is no grace.
        return until if since <= self.clock() < until else None

    def next_try(self, job: Job, *, in_doubt: bool, at_least: timedelta | None = None) -> datetime:
        wait = self.retry.after(job.tries, jitter=self.jitter(), at_least=at_least)
        return self.clock() + (max(wait, self.grace) if in_doubt else wait)

    def gives_up(self, job: Job) -> bool:
        since = job.failing_since
        return since is not None and self.clock() - since >= self.retry.give_up_after


async def settle(
    job: Job,
    outcome: Outcome,
    context: DeliveryContext,
    *,
    failed: Effect | None = None,
    then: Iterable[Effect] = (),
) -> Outcome:
    """Settle an effect in Slack: it is done, tried again, or has come to an end.

    An outage of Slack ends nothing. A job's own failure ends it after a day, or at once if Slack
    will never take it; only a card has no deadline. A post that ends is set aside. Any other job is
    dropped, and `failed` tells the thread of the loss. `then` follows a success; if the app lacks
    an optional scope for a message, this counts as a success.
    """
    now = context.clock()
    if is_refused(outcome, RefusalKind.OFF) and job.effect.kind not in POSTS_A_CARD:
        outcome = Delivered("off")
    if _has_come_to_an_end(job, outcome, context):
        await _end(job, outcome, context, failed)
        return outcome
    async with context.uow.begin() as tx:
        match outcome:
            case Delivered():
                if await tx.complete(job):
                    await tx.enqueue(then, at=now)
                elif job.effect.kind in DRAWS_ANEW:
                    # Another bot has drawn the message meanwhile, perhaps from a newer state.
                    await tx.enqueue([job.effect], at=now)
            case NotSent(alone=True, retry_after=wait):
                at = now + wait if wait else context.next_try(job, in_doubt=False)
                await tx.retry(job, at=at, in_doubt=False)
            case NotSent():
                # All of Slack seems to be away: the worker pauses, so no job waits by itself.
                await tx.retry(job, at=now, in_doubt=False)
            case Refused() | Unknown():
                in_doubt = isinstance(outcome, Unknown)
                at = context.next_try(job, in_doubt=in_doubt)
                await tx.retry(job, at=at, in_doubt=in_doubt, failed_at=now)
            case _:
                assert_never(outcome)
    return Delivered() if isinstance(outcome, Posted) else outcome


async def set_aside(job: Job, why: str, context: DeliveryContext) -> None:
    """Stop trying a job, and log it for an operator. `why` quotes no crew: it is logged too."""
    async with context.uow.begin() as tx:
        await tx.set_aside(job, why, at=context.clock())
    effect = job.effect
    about = {"kind": effect.kind, "subject": effect.names, "crew": effect.crew}
    log.warning("set_aside", **about, tries=job.tries, why=why)


def is_refused(outcome: Outcome, kind: RefusalKind) -> bool:
    return isinstance(outcome, Refused) and outcome.kind is kind


def _has_come_to_an_end(job: Job, outcome: Outcome, context: DeliveryContext) -> bool:
    match outcome:
        case Refused(kind=RefusalKind.CONTENT | RefusalKind.THREAD_GONE):
            return True
        case Refused() | Unknown() if job.effect.kind in POSTS_A_CARD:
            return False
        case Refused(kind=RefusalKind.PERMANENT):
            return True
        case Refused() | Unknown():
            return context.gives_up(job)
        case _:
            return False


async def _end(job: Job, outcome: Outcome, context: DeliveryContext, failed: Effect | None) -> None:
    thread_gone = is_refused(outcome, RefusalKind.THREAD_GONE)
    if job.effect.kind in IN_ORDER and not thread_gone:
        why = outcome.code if isinstance(outcome, Refused) else "answer_lost"
        await set_aside(job, why, context)
        return
    async with context.uow.begin() as tx:
        if await tx.complete(job) and failed is not None and not thread_gone:
            await tx.enqueue([failed], at=context.clock())
