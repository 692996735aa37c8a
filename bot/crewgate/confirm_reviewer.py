"""An operator confirms whom a reviewer's e-mail address stands for, also beside a running bot."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from crewgate.check.database import version_of
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.parsers import InvalidSetting, parse_reviewers
from crewgate.domain.people import Email, EmailOwner, User
from crewgate.logs import printable
from crewgate.store.engine import open_beside
from crewgate.store.failures import translate_errors
from crewgate.store.transaction import SqlTransaction


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
            print(printable(f"✗ {address} {account}: give an e-mail address and a user id (U…)"))  # noqa: T201
            return 1
    was = f" (was {before})" if before != account else ""
    print(printable(f"✓ {address} stands for {account}{was}; a running bot follows soon"))  # noqa: T201
    return 0


async def _store(database_url: str, owner: EmailOwner) -> str:
    """The account that it stood for."""
    engine = open_beside(database_url)
    if engine is None:
        raise StoreUnavailable("there is no database yet; start the bot once")
    try:
        await version_of(engine)
        with translate_errors():
            async with engine.begin() as connection:
                tx = SqlTransaction(connection)
                before = await tx.open_email_owner(owner)
                await tx.save_email_owner(replace(owner, moved_to=None))
    except sa.exc.ProgrammingError as error:
        raise StoreUnavailable("the database is not migrated; start the bot once") from error
    finally:
        await engine.dispose()
    return before.user
