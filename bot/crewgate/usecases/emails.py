"""Whom an e-mail address in the settings stands for: the first account that Slack named.

Addresses can move to other accounts, and who has one would become a reviewer by that alone.
"""

from __future__ import annotations

from crewgate.domain.people import EmailOwner
from crewgate.usecases.ports.store import UnitOfWork


async def owner_of(address: str, account: str, *, uow: UnitOfWork) -> EmailOwner:
    """Whom an address stands for, now that Slack names this account for it.

    Another account than before is noted, for an operator to confirm. Raises StoreUnavailable.
    """
    known = await uow.read.email_owner(address)
    if known is not None and known.seen_with(account) == known:
        return known
    async with uow.begin() as tx:
        owner = (await tx.open_email_owner(EmailOwner(address, account))).seen_with(account)
        await tx.save_email_owner(owner)
    return owner
