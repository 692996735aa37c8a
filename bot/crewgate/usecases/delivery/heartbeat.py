"""Noting the time that counts for rules: while the bot runs and Slack can be reached."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from crewgate.domain.errors import StoreUnavailable
from crewgate.usecases.ports.base import MISSED, Check, Clock, Sleep

log = structlog.get_logger(__name__)

#: The time between two notes that time counts, and between two looks while it does not.
BEAT: Final = timedelta(seconds=15)
LOOK_AGAIN: Final = timedelta(seconds=1)


class Note(Protocol):
    """The signature of `store.outbox.SqlOutbox.note_alive`."""

    async def __call__(self, *, now: datetime, compare: bool) -> timedelta:
        """Note that time counts up to now; `compare` returns the time lost since the last note."""


class Heartbeat:
    """Notes regularly that the bot runs and Slack is there.

    A rule's reminders, escalation and time-out are put off by the time in which people could not
    decide: the bot was stopped, stood still or had no database, the machine was suspended or its
    clock set, a backup was restored, Slack was away.
    """

    def __init__(
        self,
        note: Note,
        *,
        clock: Clock,
        steady: Clock,
        sleep: Sleep,
        stepped: Check,
        away: Check,
        on_lost: Callable[[], None],
    ) -> None:
        """Take the probes of the clock and of Slack.

        `stepped` returns true once after the clock was set, `away` while Slack is away or the clock
        in doubt. `on_lost` is called when time was lost. Nothing is noted by the old time after a
        step: another process may go by the new time, and lost time would count twice.
        """
        self._note = note
        self._clock = clock
        self._steady = steady
        self._sleep = sleep
        self._stepped = stepped
        self._away = away
        self._on_lost = on_lost
        self._beat_at: datetime | None = None
        self._has_compared = False

    def counts(self) -> bool:
        return self._beat_at is not None and self._steady() - self._beat_at <= MISSED

    async def beat(self) -> bool:
        """Note the present time, unless Slack is away, and put rules off by the lost time.

        A step of the clock is handled at once, even then: new schedules go by the new time.
        """
        if self._stepped():
            self._beat_at, self._has_compared = None, False
        away = self._away()
        if away and self._has_compared:
            return False
        now = self._steady()
        try:
            lost = await self._note(now=self._clock(), compare=not self.counts())
        except StoreUnavailable as error:
            log.warning("heartbeat_not_stored", why=str(error))
            return False
        if lost:
            log.info("time_not_counted", seconds=round(lost.total_seconds()))
            self._on_lost()
        self._has_compared = True
        if not away:
            self._beat_at = now
        return not away

    async def run(self) -> None:
        while True:
            pause = BEAT if await self.beat() else LOOK_AGAIN
            await self._sleep(pause.total_seconds())
