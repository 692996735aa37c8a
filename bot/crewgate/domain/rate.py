"""How often something may be done: a rate with bursts, and how it is counted.

One moment says all (the generic cell rate algorithm, as in ATM networks): up to when what was done
is paid for. It can lie up to `burst` intervals ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from crewgate.domain.retry import LONGEST_ASKED


@dataclass(frozen=True, slots=True)
class Rate:
    """One an `interval`, and `burst` of them at once after a rest. No interval: no limit."""

    interval: timedelta
    burst: int = 4

    def believed(self, paid_until: datetime, now: datetime) -> datetime:
        """What is further ahead than it can be was paid by a clock that was put back since."""
        furthest = now + LONGEST_ASKED + self.burst * self.interval
        return paid_until if paid_until <= furthest else now

    def room(self, paid_until: datetime, now: datetime) -> int:
        """How many may be done now."""
        ahead = max(paid_until - now, timedelta())
        return max(0, self.burst - -(-ahead // self.interval))

    def pay(self, paid_until: datetime, now: datetime, count: int) -> datetime:
        """Up to when it is paid for once so many are done."""
        return max(paid_until, now) + count * self.interval

    def wait(self, paid_until: datetime, now: datetime) -> timedelta:
        """Until there is room for one; zero when there is."""
        return max(paid_until - now - (self.burst - 1) * self.interval, timedelta())

    def paused(self, paid_until: datetime, until: datetime) -> datetime:
        """Up to when it is paid for if nothing may be done before `until`, and then one."""
        return max(paid_until, until + (self.burst - 1) * self.interval)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is limited by a rate; of one name there is one, whoever spends it."""

    name: str
    rate: Rate
