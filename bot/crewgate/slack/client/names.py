"""What people are called, kept in memory: for lines that name somebody without calling them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.client.directory import display_name
from crewgate.usecases.ports.base import Clock

#: People seldom change their names.
KEEP: Final = timedelta(days=1)
#: When Slack is asked again after it did not answer.
ASK_AGAIN: Final = timedelta(minutes=10)
#: Names that are kept.
MOST: Final = 1_000


@dataclass(slots=True)
class Names:
    """Display names by user id; Slack is asked about those that are not known."""

    client: AsyncWebClient
    clock: Clock
    _known: dict[str, tuple[str | None, datetime]] = field(default_factory=dict)

    async def of(self, users: Iterable[str]) -> dict[str, str]:
        """The names of these, as far as Slack tells them."""
        found = {user: await self._name(user) for user in users}
        return {user: name for user, name in found.items() if name}

    async def _name(self, user: str) -> str | None:
        name, until = self._known.get(user, (None, None))
        if until is not None and self.clock() < until:
            return name
        asked = await display_name(self.client, user)
        if len(self._known) >= MOST:
            self._known.clear()
        # An old name is better than none.
        self._known[user] = (asked or name, self.clock() + (KEEP if asked else ASK_AGAIN))
        return asked or name
