"""The memory of the bot's installations, in tests of one process."""

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.people import Installation
from crewgate.usecases.installations import Installations


class Remembered(Installations):
    """Keeps it in memory; `away` says that it cannot be kept now."""

    def __init__(self, installation: Installation | None = None, *, away: bool = False) -> None:
        self.installation = installation
        self.away = away
        self.kept = 0

    async def recall(self) -> Installation | None:
        return self.installation

    async def remember(self, installation: Installation) -> None:
        if self.away:
            raise StoreUnavailable
        self.installation = installation
        self.kept += 1
