"""What Slack said about a channel or a person, in memory, and how often it is asked again."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from crewgate.slack.client.web_api import CallFailed
from crewgate.usecases.ports.base import Clock

T = TypeVar("T")

#: Calls about one channel or person in a minute; Slack takes about 100 of each method.
#: https://docs.slack.dev/apis/web-api/rate-limits
A_MINUTE: Final = 10
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """An answer, and when Slack was asked."""

    value: T
    at: datetime


class Remembered(ABC, Generic[T]):
    """Answers by key; one that is older than `trust` decides nothing."""

    def __init__(self, *, clock: Clock, trust: timedelta) -> None:
        self._clock = clock
        self._trust = trust
        self._known: dict[str, Known[T]] = {}
        self._called_at: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @abstractmethod
    async def _look_up(self, key: str) -> T:
        """Ask Slack. Raises CallFailed."""

    def _get(self, key: str) -> T | None:
        """Return the answer; None while memory does not tell."""
        known = self._known.get(key)
        if known is None or self._clock() - known.at > self._trust:
            return None
        return known.value

    async def renew(self, key: str) -> bool:
        """Ask Slack, as often as is allowed; return True if it answered.

        What cannot be asked keeps its last answer, for as long as that is trusted.
        """
        before = self._known.get(key)
        async with self._locks[key]:
            if self._known.get(key) is not before:
                return True  # somebody else has asked meanwhile
            now, calls = self._clock(), self._called_at[key]
            while calls and now - calls[0] >= MINUTE:
                calls.popleft()
            if len(calls) >= A_MINUTE:
                return False
            calls.append(now)
            try:
                self._known[key] = Known(await self._look_up(key), now)
            except CallFailed:
                return False
            return True
