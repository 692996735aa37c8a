"""Where clock, ids and chance enter the bot; everybody else is handed them."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain.rate import Rate
from bot.domain.retry import Retry
from bot.usecases.delivery.context import GRACE, START_GRACE
from bot.usecases.delivery.worker import Pace
from bot.usecases.ports.base import Clock, NewId, Sleep

#: Slack takes about one post a second in a channel, short bursts allowed, and some 50 changes of
#: messages a minute in a workspace: https://docs.slack.dev/apis/web-api/rate-limits
POST_RATE: Final = Rate(timedelta(seconds=1), burst=4)
UPDATE_RATE: Final = Rate(timedelta(seconds=1.2), burst=20)
#: When a background loop that died is started again.
RESTART: Final = Retry(first=timedelta(seconds=1), longest=timedelta(minutes=1))


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Clock, ids, chance and pace: what tests replace."""

    clock: Clock = utc_now
    new_id: NewId = field(default=lambda: secrets.token_urlsafe(12))
    jitter: Callable[[], float] = random.random
    sleep: Sleep = asyncio.sleep
    retry: Retry = field(default_factory=Retry)
    grace: timedelta = GRACE
    start_grace: timedelta = START_GRACE
    pace: Pace = field(default_factory=Pace)
    post_rate: Rate = POST_RATE
    update_rate: Rate = UPDATE_RATE
    restart: Retry = RESTART
    """When a background loop that died is started again."""
    ping: float = 5
    """Seconds between two pings on the socket."""
