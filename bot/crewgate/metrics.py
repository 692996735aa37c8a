"""The counters of this process for `GET /metrics`, each counted in one place.

A label has few values, all known from the settings or the code: never a person, a thread, an
execution or a stranger's text. `readiness` has the values that are read on request.
"""

from collections.abc import Iterable
from functools import partial
from itertools import product
from typing import Final

import prometheus_client

from crewgate import __version__
from crewgate.domain.recorded import DECIDERS, OUTCOMES, VERDICTS, verdict_label
from crewgate.domain.review import Round

#: Without this call each counter would have a second series with its creation time.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = prometheus_client.CollectorRegistry()
_counter: Final = partial(prometheus_client.Counter, registry=REGISTRY)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_WAITS: Final = (
    *(minutes * _MINUTE for minutes in (1, 5, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 4, 8)),
    *(days * _DAY for days in (1, 2, 3, 7)),
)

webhooks: Final = _counter(
    "crewgate_webhooks",
    "Webhooks of crews, by the status of the bot's answer.",
    ("crew", "kind", "status"),
)
resumes: Final = _counter(
    "crewgate_resumes", "Tries to tell a crew a decision, or a flow an answer.", ("crew", "outcome")
)
FETCHED: Final = "Fetched"
"""The outcome of a fetched decision, for which no crew is called."""
slack_requests: Final = _counter(
    "crewgate_slack_requests", "Calls of Slack's Web API.", ("method", "outcome")
)
_warnings: Final = _counter(
    "crewgate_warnings",
    "Warnings and errors in the log, by their event; by their logger where they are a library's.",
    ("kind",),
)
_decisions: Final = _counter(
    "crewgate_decisions",
    "Decisions on outputs and questions, by a person or by a rule.",
    ("crew", "verdict", "by"),
)
_acts: Final = _counter(
    "crewgate_acts",
    "Decisions on calls of tools, by a person or by a rule.",
    ("crew", "verdict", "by"),
)
_decision_wait: Final = prometheus_client.Histogram(
    "crewgate_decision_wait_seconds",
    "The time from a round's opening to its decision.",
    buckets=_WAITS,
    registry=REGISTRY,
)
prometheus_client.Info("crewgate_build", "The version that runs.", registry=REGISTRY).info(
    {"version": __version__}
)
prometheus_client.ProcessCollector(registry=REGISTRY)


def begin_at_zero(crews: Iterable[str]) -> None:
    """Create the counters at zero, so that Prometheus sees the first increase."""
    for crew in crews:
        for outcome in OUTCOMES.values():
            resumes.labels(crew, outcome)
        resumes.labels(crew, FETCHED)
        for verdict, by in product(map(verdict_label, VERDICTS), DECIDERS.values()):
            for counter in (_decisions, _acts):
                counter.labels(crew, verdict, by)


def count_warning(event: str) -> None:
    _warnings.labels(event).inc()


def count_decision(round_: Round) -> None:
    """Count the decision of a round that was just stored, if the round has one."""
    decision = round_.decision
    if decision is None:
        return
    verdict = verdict_label(type(decision.verdict))
    by = DECIDERS[type(decision.by)]
    is_act = round_.subject.is_act
    counter = _acts if is_act else _decisions
    counter.labels(round_.review.crew, verdict, by).inc()
    if not is_act:
        _decision_wait.observe(max(0, (decision.at - round_.opened_at).total_seconds()))
