"""A sign for people whose click Slack is slow to show: it was recorded."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import structlog

from crewgate.domain.errors import StoreUnavailable
from crewgate.slack.context import SlackContext
from crewgate.slack.reviews import strings
from crewgate.usecases.ports.base import Wakeup

log = structlog.get_logger(__name__)

#: People press again after this long.
PATIENCE: Final = timedelta(seconds=1)
#: Clicks that are looked after at the same time; those beyond get no sign. People do not make so
#: many in a second, and a burst of them must not cost more in signs than in phrases.
_MOST: Final = 50
_IDLE_SECONDS: Final = 60
Say: TypeAlias = Callable[[str], Coroutine[Any, Any, object]]


@dataclass(frozen=True, slots=True)
class _Click:
    round_id: str
    say: Say
    due_at: datetime


@dataclass
class SlowSigns:
    """The clicks of the last second, and the loop that looks whether their cards show them."""

    context: SlackContext
    _clicks: deque[_Click] = field(default_factory=deque)
    _clicked: Wakeup = field(default_factory=Wakeup)

    def watch(self, round_id: str, say: Say) -> None:
        """A click was recorded that its card is about to show; `say` tells its presser."""
        if len(self._clicks) < _MOST:
            self._clicks.append(_Click(round_id, say, self.context.clock() + PATIENCE))
            self._clicked.set()

    async def run(self) -> None:
        """Give each person whose card is late a sign, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                while self._clicks:
                    left = self._clicks[0].due_at - self.context.clock()
                    if left > timedelta(0):
                        await self.context.sleep(min(left, PATIENCE).total_seconds())
                    for click in await self._late():
                        # Slack may be slow to take this, too.
                        group.create_task(click.say(strings.RECORDED))
                await self._clicked.wait(_IDLE_SECONDS)

    async def _late(self) -> list[_Click]:
        """Take the clicks whose second is over; those whose card does not show them."""
        now = self.context.clock()
        due: list[_Click] = []
        # One that is further ahead was due by a clock that was put back.
        while self._clicks and not now < self._clicks[0].due_at <= now + PATIENCE:
            due.append(self._clicks.popleft())
        try:
            clicked = [click.round_id for click in due]
            late = await self.context.uow.read.behind(clicked, since=now - PATIENCE)
        except StoreUnavailable as error:
            log.warning("no_slow_signs", why=str(error))
            return []
        return [click for click in due if click.round_id in late]
