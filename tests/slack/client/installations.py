"""What is remembered of where the bot is installed, in tests of one process."""

from dataclasses import dataclass

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.people import Installation


@dataclass
class Remembered:
    """Keeps it in memory; `away` says that it cannot be kept now."""

    installation: Installation | None = None
    away: bool = False
    kept: int = 0

    async def recall(self) -> Installation | None:
        return self.installation

    async def remember(self, installation: Installation) -> None:
        if self.away:
            raise StoreUnavailable
        self.installation = installation
        self.kept += 1
