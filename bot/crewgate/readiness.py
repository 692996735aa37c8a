"""The state behind `/readyz`: failures, and warnings for people."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from crewgate.domain.errors import StoreUnavailable
from crewgate.lifecycle import Supervisor
from crewgate.metrics import REGISTRY
from crewgate.store.unreadable import unreadable
from crewgate.usecases.delivery.worker import Worker
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.read_models import COUNTED, Backlog
from crewgate.web.health import Health

#: A worker that has not polled the outbox for this long counts as stopped.
STALL_TIMEOUT: Final = timedelta(seconds=30)

Warn = Callable[[], str | None]
"""Returns a warning, or None."""


@dataclass(slots=True, kw_only=True)
class Readiness:
    """Reads the bot's health, failures and warnings, from its parts."""

    probe: Callable[[], Awaitable[None]]
    count_set_aside: Callable[[], Awaitable[Mapping[str, int]]]
    """Returns the numbers of jobs that were given up, by kind. Raises StoreUnavailable."""
    supervisor: Supervisor
    workers: Mapping[str, Worker]
    warnings: Sequence[Warn]
    clock: Clock
    _looking: asyncio.Task[Health] | None = None

    async def check_health(self) -> Health:
        """Check the health once for all concurrent callers.

        Anybody may ask at any rate, and must not take the database's connections from the crews.
        """
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> Health:
        failures = []
        try:
            await self.probe()
            set_aside = _set_aside(await self.count_set_aside())
        except StoreUnavailable as error:
            failures.append(f"the database cannot be used: {error}")
            set_aside = []
        now = self.clock()
        failures += [
            f"the outbox for {name} is not being worked"
            for name, worker in self.workers.items()
            if now - worker.last_polled_at > STALL_TIMEOUT
        ]
        failures += self.supervisor.failures
        warnings = [warning for warn in self.warnings if (warning := warn())]
        warnings += [
            f"{name}: {warning}"
            for name, worker in self.workers.items()
            for warning in worker.warnings
        ]
        warnings += set_aside
        if damaged := unreadable():
            rows = ", ".join(f"{count} of {table}" for table, count in damaged.items())
            warnings.append(f"rows that cannot be read, set aside: {rows}; the log names each")
        return Health(tuple(failures), tuple(warnings))


def _set_aside(counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    more = ", and more" if sum(counts.values()) > COUNTED else ""
    return [f"set aside, not tried any more: {kinds}{more}"]


@dataclass(frozen=True)
class _Gauges(Collector):
    families: tuple[GaugeMetricFamily, ...]

    @override
    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self.families


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """Reads the metrics from the bot's parts and the database."""

    read_backlog: Callable[..., Awaitable[Backlog]]
    crews: Collection[str]
    supervisor: Supervisor
    workers: Mapping[str, Worker]
    clock: Clock
    steady: Clock

    async def render(self) -> bytes:
        """Return all metrics in Prometheus' text format.

        Stored values are left out while the database is away.
        """
        try:
            backlog = await self.read_backlog(self.crews, now=self.clock())
        except StoreUnavailable:
            stored: tuple[GaugeMetricFamily, ...] = ()
        else:
            stored = self._stored(backlog)
        about = "Damaged rows that this bot has met and set aside."
        damaged = _gauge("crewgate_rows_unreadable", about, "table", unreadable())
        return generate_latest(REGISTRY) + generate_latest(
            _Gauges((*stored, self._loops(), damaged))
        )

    def _stored(self, backlog: Backlog) -> tuple[GaugeMetricFamily, ...]:
        waiting = dict.fromkeys(self.crews, 0) | {k: n for k, (n, _) in backlog.waiting.items()}
        due = dict.fromkeys(self.workers, 0) | {k: n for k, (n, _) in backlog.due.items()}
        return (
            _gauge("crewgate_reviews_waiting", "Rounds that wait for people.", "crew", waiting),
            _gauge(
                "crewgate_oldest_waiting_timestamp_seconds",
                "When the oldest round that waits was opened.",
                "crew",
                _oldest(backlog.waiting),
            ),
            _gauge("crewgate_outbox_due", "Jobs that are due.", "destination", due),
            _gauge(
                "crewgate_outbox_oldest_due_timestamp_seconds",
                "When the job that is due for longest became due.",
                "destination",
                _oldest(backlog.due),
            ),
        )

    def _loops(self) -> GaugeMetricFamily:
        """Return the last turn of each loop; for a worker, its last poll."""
        turns = self.supervisor.last_turns | {
            f"worker for {name}": worker.last_polled_at for name, worker in self.workers.items()
        }
        ahead = self.clock() - self.steady()
        at = {loop: (turn + ahead).timestamp() for loop, turn in turns.items()}
        about = "When a background loop last had a turn."
        return _gauge("crewgate_loop_last_run_timestamp_seconds", about, "loop", at)


def _oldest(backlog: Mapping[str, tuple[int, datetime]]) -> dict[str, float]:
    return {name: since.timestamp() for name, (_, since) in backlog.items()}


def _gauge(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
