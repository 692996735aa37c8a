"""The bot's installation as Slack last told it, for a start while Slack is away.

Slack's signature proves the app of a request, not its workspace.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from crewgate.domain.people import Installation
from crewgate.usecases.ports.store import UnitOfWork


@dataclass(frozen=True, slots=True)
class Installations:
    """The `RememberedInstallation` of one bot token.

    It is stored with the token's digest, so that another workspace's token finds nothing.
    """

    uow: UnitOfWork
    token: str = field(repr=False)

    async def recall(self) -> Installation | None:
        return await self.uow.read.installation(self._digest)

    async def remember(self, installation: Installation) -> None:
        async with self.uow.begin() as tx:
            await tx.save_installation(self._digest, installation)

    @property
    def _digest(self) -> str:
        return sha256(self.token.encode()).hexdigest()
