"""A rate limit with bursts.

One moment is its whole state (the generic cell rate algorithm, as in ATM networks): the time until
which everything done so far is paid for. It can lie up to `burst` intervals ahead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crewgate.domain.retry import LONGEST_ASKED


@dataclass(frozen=True, slots=True)
class Rate:
    """One per `interval`, and `burst` of them at once after a rest. No interval: no limit."""

    interval: timedelta
    burst: int = 4

    def believed(self, paid_until: datetime, now: datetime) -> datetime:
        """Return the moment, or now if it is too far ahead: then the clock was put back since."""
        furthest = now + LONGEST_ASKED + self.burst * self.interval
        return paid_until if paid_until <= furthest else now

    def room(self, paid_until: datetime, now: datetime) -> int:
        """Return the number that may be done now."""
        ahead = max(paid_until - now, timedelta())
        return max(0, self.burst - -(-ahead // self.interval))

    def pay(self, paid_until: datetime, now: datetime, count: int) -> datetime:
        """Return the moment until which it is paid for once `count` more are done."""
        return max(paid_until, now) + count * self.interval

    def wait(self, paid_until: datetime, now: datetime) -> timedelta:
        """Return the time until there is room for one; zero if there is."""
        return max(paid_until - now - (self.burst - 1) * self.interval, timedelta())

    def paused(self, paid_until: datetime, until: datetime) -> datetime:
        """Return the moment until which it is paid for if the next one may be done at `until`."""
        return max(paid_until, until + (self.burst - 1) * self.interval)


@dataclass(frozen=True, slots=True)
class Budget:
    """A named thing that a rate limits, shared by everybody who spends it."""

    name: str
    rate: Rate
