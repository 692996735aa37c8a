"""The bot's installation as Slack last named it, for a start while Slack is away.

A signature of Slack proves the app of a request, but not its workspace.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from crewgate.domain.people import EmailOwner, Installation
from crewgate.usecases.ports.store import UnitOfWork


@dataclass(slots=True)
class Installations:
    """The bot's installation, kept across restarts for one bot token.

    The installation is stored with the token's digest: another workspace's token finds nothing.
    """

    uow: UnitOfWork
    token: str = field(repr=False)

    async def recall(self) -> Installation | None:
        """Return the installation; None if Slack never named it. Raises StoreUnavailable."""
        return await self.uow.read.installation(self._digest)

    async def remember(self, installation: Installation) -> None:
        async with self.uow.begin() as tx:
            await tx.save_installation(self._digest, installation)

    @property
    def _digest(self) -> str:
        return sha256(self.token.encode()).hexdigest()


async def owner_of(address: str, account: str, *, uow: UnitOfWork) -> EmailOwner:
    """Return the owner of an address, for which Slack now names this account.

    A changed account is recorded for an operator to confirm. Raises StoreUnavailable.
    """
    known = await uow.read.email_owner(address)
    if known is not None and known.seen_with(account) == known:
        return known
    async with uow.begin() as tx:
        owner = (await tx.open_email_owner(EmailOwner(address, account))).seen_with(account)
        await tx.save_email_owner(owner)
    return owner
