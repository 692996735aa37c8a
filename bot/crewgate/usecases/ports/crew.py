"""Crews, and the callers behind them, as the use cases see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from crewgate.domain.notification import Callback, CallerValues, WebhookUrls, unless_erased
from crewgate.domain.outcome import NotSent, Outcome, Unknown
from crewgate.domain.redaction import Redactor
from crewgate.domain.verdict import Decision
from crewgate.usecases.read_models import CrewUnavailable, ForwardedWebhook, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class KickoffRequest:
    """A caller's kickoff: its body as it came, and what the bot has read in it."""

    body: bytes = field(repr=False)
    given: WebhookUrls = WebhookUrls()
    inputs: CallerValues = ()
    """The inputs; only short values are shown, unless the kickoff comes from Slack."""
    meta: CallerValues = ()
    gives_lessons: bool = False
    """The caller fills the input for lessons, or sends inputs that cannot take lessons."""
    lessons: str | None = None
    """The bot's value of the input for lessons; None leaves the inputs unchanged."""


def without_known(request: KickoffRequest, redactor: Redactor) -> KickoffRequest:
    """Return a kickoff whose shown values have no secrets; the crew gets the body as it came."""
    shown = redactor.fields(request, keep=("body", "given"))
    return replace(
        shown,
        inputs=unless_erased(request.inputs, shown.inputs),
        meta=unless_erased(request.meta, shown.meta),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KickoffAnswer:
    """The crew's own answer, passed on unchanged."""

    status: int
    body: bytes = field(repr=False)
    content_type: str
    retry_after: str | None = None
    execution_id: str | None = None
    missing: tuple[str, ...] = ()
    words: str = ""

    @property
    def is_in_doubt(self) -> bool:
        """True if the crew may have started an execution that it does not name.

        A gateway that gives up says 408 or 5xx while the crew behind it works on.
        """
        is_success = 200 <= self.status < 300  # noqa: PLR2004
        is_failure = self.status == 408 or self.status >= 500  # noqa: PLR2004
        return self.execution_id is None and (is_success or is_failure)


Edited = str | dict[str, object]
"""A text in the place of an output, or the arguments of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """A decision on a task or a call, for a crew."""

    execution_id: str
    task_id: str
    decision: Decision
    webhooks: WebhookUrls = WebhookUrls()
    edited: Edited | None = None
    key: str | None = None
    """The crew repeats its first answer for a key that it knows."""
    valid_until: datetime | None = None
    """The time after which the crew refuses an approval."""


KickoffOutcome = KickoffAnswer | NotSent | Unknown


class CrewClient(Protocol):
    """The REST API of one crew.

    Calls that take effect (`resume`, `kickoff`) return an outcome; calls that only read return
    CrewUnavailable if there is no answer to read. No call raises for anything that a crew does.
    """

    async def resume(self, request: ResumeRequest) -> Outcome:
        """Send the crew a decision, in one try."""

    async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome: ...

    async def status(self, execution_id: str) -> Progress | CrewUnavailable: ...

    async def inputs(self) -> tuple[str, ...] | CrewUnavailable: ...

    async def ping(self) -> CrewUnavailable | None:
        """Return why the crew does not answer within 2 s, or None."""


CrewClients = Mapping[str, CrewClient]


class FlowAnswers(Protocol):
    """Sends answers to flows, each to the address that its request names."""

    async def answer(
        self, crew: str, callback: Callback, feedback: str, *, valid_until: datetime | None = None
    ) -> Outcome:
        """Send a flow its answer, in one try; Refused by `RefusalKind` if the flow takes no answer.

        `valid_until` is the end of a lesson that the answer keeps.
        """


class WebhookForwarder(Protocol):
    """Sends webhooks on to the addresses that callers gave for them."""

    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome: ...
