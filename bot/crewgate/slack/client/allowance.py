"""How often Slack is asked about one thing, however often people make us want to."""

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Final

from crewgate.usecases.ports.base import Clock

#: Calls about one channel or person in a minute; Slack takes about 100 of each method.
#: https://docs.slack.dev/apis/web-api/rate-limits
A_MINUTE: Final = 10
MINUTE: Final = timedelta(minutes=1)


class Allowance:
    """At most so many calls a minute for each key."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._called_at: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def take(self, key: str) -> bool:
        """Whether another call is allowed; if so, it counts."""
        now, calls = self._clock(), self._called_at[key]
        while calls and now - calls[0] >= MINUTE:
            calls.popleft()
        if len(calls) >= A_MINUTE:
            return False
        calls.append(now)
        return True
