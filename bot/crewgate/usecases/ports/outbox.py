"""The table of effects not yet done, as the worker sees it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from crewgate.domain.effects import Effect
from crewgate.domain.rate import Budget

UNKNOWN_CREW: Final = "unknown_crew"
"""Why a job is set aside whose crew the settings do not name (any more)."""

MISSED: Final = timedelta(minutes=1)
"""A time that is no longer counts for rules although the bot or Slack was away."""


@dataclass(frozen=True, slots=True)
class Job:
    """A leased row of the outbox: one effect, ours until the lease ends."""

    id: int
    effect: Effect
    tries: int
    """Including this one."""
    created_at: datetime
    lease_until: datetime
    began_at: datetime | None = None
    """When the first of its earlier tries began that may have taken effect."""
    failing_since: datetime | None = None
    """When its first own failure came: refused, lost or raised, not an outage of all of Slack."""

    @property
    def in_doubt(self) -> bool:
        """An earlier try may have taken effect."""
        return self.began_at is not None


@dataclass(frozen=True, slots=True)
class Leased:
    """What came of a lease."""

    jobs: tuple[Job, ...] = ()
    again_in: timedelta | None = None
    """When a budget leaves nothing, until when that stays so; None when it does not matter."""


class Outbox(Protocol):
    """The table of effects not yet done, as the worker sees it."""

    async def lease(
        self,
        destination: str,
        *,
        now: datetime,
        lease: timedelta,
        limit: int,
        budget: Budget | None = None,
        under_way: Collection[int] = (),
    ) -> Leased:
        """Due jobs for one destination, at most one of an ordering key, leased.

        The first by priority, then by when they were due; no more than `budget` has room for,
        which they spend.

        What needs a card is not leased before the card is posted. Effects that one leased job
        does too are taken out. `now` says what is due. Leases go by a clock that all processes
        share. Jobs `under_way` in this process are not leased again, although a clock that
        stepped says that their leases have ended.
        """
        ...

    async def pause(self, budget: Budget, *, now: datetime, pause: timedelta) -> None:
        """Spend nothing of a budget for so long: the other side asked to slow down."""
        ...
