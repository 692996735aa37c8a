"""The records of a run, for the checks at its end."""

from collections import Counter
from dataclasses import dataclass, field

from tests.soak.labels import Label
from tests.standins.workspace import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A decision that somebody sent: a click on Approve, or a form."""

    by: str
    round_id: str
    label: Label
    """The output that they saw."""
    is_approve: bool
    feedback: str
    """The words that the crew must get, exactly."""
    sent_at: float
    answered_at: float
    reply: Reply
    edit: int | None = None
    """The number of the text that they wrote themselves."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An approval that somebody took back, and was told so."""

    by: str
    round_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """No bot answered, from just before it was killed until it was ready again."""

    since: float
    until: float

    def covers(self, at: float) -> bool:
        """Return True if an end at this time may have been caused by the trouble."""
        return self.since <= at <= self.until


@dataclass(slots=True)
class Ledger:
    """One run's records."""

    presses: list[Press] = field(default_factory=list)
    taken_back: list[TakenBack] = field(default_factory=list)
    posted: dict[str, float] = field(default_factory=dict)
    """The time when each round's card was posted first."""
    started: set[int] = field(default_factory=set)
    """The executions that the bot knows the starter of, by their numbers."""
    steps: list[float] = field(default_factory=lambda: [0])
    """By how many seconds the bots' clock was ahead of the others', one after another."""
    reopened: Counter[str] = field(default_factory=Counter)
    """The number of times that each round was opened again, by its id."""
    retries: Counter[str] = field(default_factory=Counter)
    """The number of presses on Retry, by the round's id."""
    outages: list[Outage] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    """The number of injected faults of each kind, by a name for the report."""
    counts: Counter[str] = field(default_factory=Counter)
    """Whatever else is counted for the report."""
    http_answers: list[str] = field(default_factory=list)
    """Bodies that the bot answered with: to callers, and at `/readyz`."""
    slack_calls: list[str] = field(default_factory=list)
    """Everything that the bot sent to Slack, as JSON, a text for each call."""

    @property
    def ahead(self) -> float:
        """By how many seconds it is ahead now, though a bot believes a step after a while only."""
        return self.steps[-1]

    def was_out(self, at: float) -> bool:
        """Return True if no bot answered at this time."""
        return any(outage.covers(at) for outage in self.outages)
