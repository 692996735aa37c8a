"""Owners of e-mail addresses in the settings: the first account that Slack named.

An address can move to another account, whose owner would become a reviewer by that alone.
"""

from crewgate.domain.people import EmailOwner
from crewgate.usecases.ports.store import UnitOfWork


async def owner_of(address: str, account: str, *, uow: UnitOfWork) -> EmailOwner:
    """Return the owner of an address, now that Slack names this account for it.

    Another account than before is recorded for an operator to confirm. Raises StoreUnavailable.
    """
    known = await uow.read.email_owner(address)
    if known is not None and known.seen_with(account) == known:
        return known
    async with uow.begin() as tx:
        owner = (await tx.open_email_owner(EmailOwner(address, account))).seen_with(account)
        await tx.save_email_owner(owner)
    return owner
