"""Where in Slack the bot is installed: what Slack last said, for a start while Slack is away.

Slack's signature says which app a request is for, not which workspace's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from crewgate.domain.people import Installation
from crewgate.usecases.ports.store import UnitOfWork


@dataclass(frozen=True, slots=True)
class Installations:
    """`usecases.ports.slack.RememberedInstallation` of one bot token.

    It is kept with the token's digest: of another workspace's token nothing is known.
    """

    uow: UnitOfWork
    token: str = field(repr=False)

    async def recall(self) -> Installation | None:
        """What was remembered last. Raises StoreUnavailable."""
        return await self.uow.read.installation(self._digest)

    async def remember(self, installation: Installation) -> None:
        """Raises StoreUnavailable."""
        async with self.uow.begin() as tx:
            await tx.save_installation(self._digest, installation)

    @property
    def _digest(self) -> str:
        return sha256(self.token.encode()).hexdigest()
