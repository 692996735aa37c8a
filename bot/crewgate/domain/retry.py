"""The times of retries, and limits with bursts, as values; the outbox carries them out.

One moment is the whole state of a limit (the generic cell rate algorithm, as in ATM networks): the
time until which all work so far is paid for. It lies at most `burst` intervals ahead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: The longest wait that the other side can ask for (`Retry-After`): a broken limiter or a mistaken
#: date must not hold up a decision for a day. After this wait one job tries again.
LONGEST_ASKED = timedelta(minutes=5)
#: This many failed tries in a row count as an outage; fewer may have other causes.
IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with jitter, and an end.

    The first retry comes after `first`, each later one after twice as long, at most `longest`: by
    the defaults after 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 … seconds.
    `jitter` (0 to 1, passed in) takes up to half of the wait away, so that retries spread.
    `give_up_after` counts from the first try.
    """

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=5)
    give_up_after: timedelta = timedelta(hours=24)

    def after(self, tries: int, *, jitter: float, at_least: timedelta | None = None) -> timedelta:
        """Return the wait after the given number of tries (1 or more).

        `at_least` is the other side's `Retry-After`, kept up to LONGEST_ASKED.
        """
        doubled = self.first * (1 << min(tries - 1, 30))
        wait = min(doubled, self.longest) * (1 - 0.5 * jitter)
        if at_least is not None:
            wait = max(wait, min(at_least, LONGEST_ASKED))
        return wait


@dataclass(frozen=True, slots=True)
class Rate:
    """One use per `interval`, and `burst` uses at once after a rest. No interval: no limit."""

    interval: timedelta
    burst: int = 4

    def believed(self, paid_until: datetime, now: datetime) -> datetime:
        """Return `paid_until`, or now if it is too far ahead: the clock was put back since."""
        furthest = now + LONGEST_ASKED + self.burst * self.interval
        return paid_until if paid_until <= furthest else now

    def room(self, paid_until: datetime, now: datetime) -> int:
        ahead = max(paid_until - now, timedelta())
        return max(0, self.burst - -(-ahead // self.interval))

    def pay(self, paid_until: datetime, now: datetime, count: int) -> datetime:
        return max(paid_until, now) + count * self.interval

    def wait(self, paid_until: datetime, now: datetime) -> timedelta:
        return max(paid_until - now - (self.burst - 1) * self.interval, timedelta())

    def paused(self, paid_until: datetime, until: datetime) -> datetime:
        """Return the `paid_until` that forbids every use before `until`."""
        return max(paid_until, until + (self.burst - 1) * self.interval)


@dataclass(frozen=True, slots=True)
class Budget:
    """A named rate, shared by everybody who spends it."""

    name: str
    rate: Rate
