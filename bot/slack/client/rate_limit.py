"""Per-channel rate limit of posts.

Slack takes about one post a second in a channel, short bursts allowed
(docs.slack.dev/apis/web-api/rate-limits). A burst of cards must neither run into its limiter nor
hold up other channels, so each post that is too early is told when to come back, and has that
place reserved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """One post an `interval`, and `burst` of them at once after a rest."""

    interval: timedelta = timedelta(seconds=1)
    burst: int = 4


class RateLimiter:
    """The turns of every channel; what it remembers is bounded by what waits in the outbox."""

    def __init__(self, rate: Rate, *, clock: Callable[[], datetime]) -> None:
        self._rate = rate
        self._clock = clock
        self._booked: dict[str, datetime] = {}
        """By channel: up to when its posts are spoken for."""
        self._reserved: dict[str, datetime] = {}
        """By post: from when it may go."""
        self._paused_until: dict[str, datetime] = {}
        """By channel: the end of the latest pause that Slack asked for."""

    def wait(self, channel: str, post: str) -> timedelta:
        """How long this post has to wait; zero when it may go now."""
        now = self._clock()
        turn = self._reserved.get(post)
        if turn is None or turn < self._paused_until.get(channel, turn):
            booked = max(self._booked.get(channel, now), now) + self._rate.interval
            self._booked[channel] = booked
            turn = booked - self._rate.interval * self._rate.burst
        if turn <= now:
            self._reserved.pop(post, None)
            return timedelta()
        self._reserved[post] = turn
        return turn - now

    def slow_down(self, channel: str, pause: timedelta) -> None:
        """Slack's limiter answered after all: nobody goes before the pause is over."""
        until = self._clock() + pause
        self._paused_until[channel] = max(self._paused_until.get(channel, until), until)
        later = until + self._rate.interval * (self._rate.burst - 1)
        self._booked[channel] = max(self._booked.get(channel, later), later)
