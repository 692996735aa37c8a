"""An operator confirms the account of a reviewer's e-mail address, also beside a running bot."""

from __future__ import annotations

from dataclasses import replace

from crewgate.check.database import of_this_version
from crewgate.check.findings import say
from crewgate.domain.parsers import InvalidSetting, parse_reviewers
from crewgate.domain.people import Email, EmailOwner, User
from crewgate.store.engine import open_beside
from crewgate.store.failures import translate_errors
from crewgate.store.transaction import Tx


async def confirm_reviewer(database_url: str, address: str, account: str) -> int:
    """Store that an address stands for this account from now on. Raises StoreUnavailable."""
    try:
        named = parse_reviewers([address, account])
    except InvalidSetting:
        named = ()
    match named:
        case (Email(), User(id)):
            before = await _store(database_url, EmailOwner(address, id))
        case _:
            say(f"✗ {address} {account}: give an e-mail address and a user id (U…)")
            return 1
    was = f" (was {before})" if before != account else ""
    say(f"✓ {address} stands for {account}{was}; a running bot follows soon")
    return 0


async def _store(database_url: str, owner: EmailOwner) -> str:
    """The account that it stood for."""
    async with of_this_version(open_beside(database_url)) as engine:
        with translate_errors():
            async with engine.begin() as connection:
                tx = Tx(connection)
                before = await tx.open_email_owner(owner)
                await tx.save_email_owner(replace(owner, moved_to=None))
    return before.user
