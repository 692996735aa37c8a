"""The state that `/readyz` tells: failures, and what somebody should look at meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.lifecycle import Supervisor
from crewgate.usecases.delivery.worker import Worker
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.read_models import COUNTED
from crewgate.web.health import Health

#: A worker that has not polled the outbox for this long does not work on it.
STALL_TIMEOUT: Final = timedelta(seconds=30)

Warn = Callable[[], str | None]
"""Returns what somebody should look at, or None."""


@dataclass(slots=True, kw_only=True)
class Readiness:
    """Everything that is looked at."""

    probe: Callable[[], Awaitable[None]]
    """Raises StoreUnavailable while the database does not answer."""
    count_set_aside: Callable[[], Awaitable[Mapping[EffectKind, int]]]
    """The number of jobs that are no longer tried. Raises StoreUnavailable."""
    supervisor: Supervisor
    workers: Mapping[str, Worker]
    warnings: Sequence[Warn]
    clock: Clock
    _looking: asyncio.Task[Health] | None = None

    async def check_health(self) -> Health:
        """Look at all of it now, once for all who ask meanwhile.

        Anybody may ask, as often as they like: they must not take the database's connections from
        the crews.
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
        return Health(tuple(failures), tuple(warnings))


def _set_aside(counts: Mapping[EffectKind, int]) -> list[str]:
    if not counts:
        return []
    kinds = ", ".join(f"{count} {kind.value}" for kind, count in counts.items())
    more = ", and more" if sum(counts.values()) > COUNTED else ""
    return [f"set aside, not tried any more: {kinds}{more}"]
