"""Note that the bot runs and reaches Slack: rules' timers are put off by outages over MISSED."""

from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from crewgate.domain.errors import StoreUnavailable
from crewgate.usecases.ports.base import MISSED, Check, Clock, Sleep

log = structlog.get_logger(__name__)

#: The pause between two notes. While Slack or the database is away, timers are put off, and
#: LOOK_AGAIN is the pause until the next look.
BEAT: Final = timedelta(seconds=15)
LOOK_AGAIN: Final = timedelta(seconds=1)


Note = Callable[..., Awaitable[timedelta]]
"""`Outbox.note_alive`."""


@dataclass(eq=False, repr=False)
class Heartbeat:
    """Notes regularly that the bot runs and Slack can be reached.

    A rule's reminders, escalation and time-out are put off by the time in which people could not
    decide: the bot was stopped, stood still or had no database, the machine was suspended or its
    clock set, a backup was restored, Slack was away.
    """

    note: Note
    _: KW_ONLY
    clock: Clock
    steady: Clock
    sleep: Sleep
    stepped: Check
    """Returns True once after the clock was set.

    Nothing is noted by the old time after a step: another process may go by the new time, and lost
    time would count twice.
    """
    away: Check
    """Returns True while Slack is away or the clock in doubt."""
    on_lost: Callable[[], None]
    """Called when time was lost."""
    _beat_at: datetime | None = None
    _has_compared: bool = False

    def counts(self) -> bool:
        return self._beat_at is not None and self.steady() - self._beat_at <= MISSED

    async def beat(self) -> bool:
        """Note the present time, and put timers off by the lost time; return False in an outage.

        A step of the clock is handled even while Slack is away: new schedules go by the new time.
        """
        if self.stepped():
            self._beat_at, self._has_compared = None, False
        away = self.away()
        if away and self._has_compared:
            return False
        now = self.steady()
        try:
            lost = await self.note(now=self.clock(), compare=not self.counts())
        except StoreUnavailable as error:
            log.warning("heartbeat_not_stored", why=str(error))
            return False
        if lost:
            log.info("time_not_counted", seconds=round(lost.total_seconds()))
            self.on_lost()
        self._has_compared = True
        if not away:
            self._beat_at = now
        return not away

    async def run(self) -> None:
        while True:
            pause = BEAT if await self.beat() else LOOK_AGAIN
            await self.sleep(pause.total_seconds())
