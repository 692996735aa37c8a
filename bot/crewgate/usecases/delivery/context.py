"""Everything a delivery needs of the outside, in one value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crewgate.domain.outcome import Outcome
from crewgate.domain.retry import Retry
from crewgate.domain.review import Round
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.ports.crew import CrewClients, FlowAnswers, WebhookForwarder
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.slack import Messenger

#: Time for a newer notification to arrive, as evidence, before a try is repeated whose outcome is
#: unknown. Short on purpose: a crew that took a revision is busy for longer than this and refuses
#: another, while a much later try could meet the next round.
GRACE = timedelta(seconds=3)
#: The same after a start, for tries that began before: while nobody listened, a crew may have taken
#: the decision and begun to work, and only what it says next shows it.
START_GRACE = timedelta(seconds=20)
#: Time for Slack to share an uploaded file, which it scans first.
SHARE_GRACE = timedelta(minutes=2)

Trace = Callable[[Job, Outcome, datetime, datetime], None]
"""Keeps what came of a try of a job, which began and ended then."""


def no_trace(_job: Job, _outcome: Outcome, _began: datetime, _ended: datetime) -> None:
    """Keep nothing."""


@dataclass(slots=True)
class Listening:
    """The time since which this process hears what crews say; set once it does."""

    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryContext(ReviewContext):
    """The dependencies of deliveries, on connections of their own; built once, by the app."""

    messenger: Messenger
    clients: CrewClients
    forwarder: WebhookForwarder
    flows: FlowAnswers
    jitter: Callable[[], float]
    """A fresh random number from 0 to 1."""
    retry: Retry = Retry()
    grace: timedelta = GRACE
    listening: Listening = field(default_factory=Listening)
    start_grace: timedelta = START_GRACE
    share_grace: timedelta = SHARE_GRACE
    trace: Trace = no_trace
    refusing: set[tuple[str, str]] = field(default_factory=set)
    """Crews and channels that refused the latest post; their operators have been told."""

    def wait_for_evidence(self, round_: Round) -> datetime | None:
        """Return the time before which a try in doubt is not repeated; None if it may be now."""
        begun = round_.in_doubt_since
        since = self.listening.since
        if since is None or begun is None or begun >= since:
            return None
        until = since + self.start_grace
        # A clock that reads less was put back, after more than the grace.
        return until if since <= self.clock() < until else None

    def next_try(self, job: Job, *, in_doubt: bool, at_least: timedelta | None = None) -> datetime:
        """Return when a job that failed by itself is due again; after the grace, if in doubt."""
        wait = self.retry.after(job.tries, jitter=self.jitter(), at_least=at_least)
        return self.clock() + (max(wait, self.grace) if in_doubt else wait)

    def gives_up(self, job: Job) -> bool:
        """Return True if a job has failed by itself for so long that it is given up."""
        since = job.failing_since
        return since is not None and self.clock() - since >= self.retry.give_up_after
