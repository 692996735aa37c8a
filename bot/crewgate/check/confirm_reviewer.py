"""An operator confirms the account of a reviewer's e-mail address, also beside a running bot."""

from dataclasses import replace

from crewgate.check.database import write_beside
from crewgate.check.findings import say
from crewgate.domain.audit import OPERATOR, Code, Entry
from crewgate.domain.parsers import InvalidSetting, parse_reviewers
from crewgate.domain.people import Email, EmailOwner, User


async def confirm_reviewer(database_url: str, address: str, account: str) -> int:
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
    async with write_beside(database_url) as tx:
        before = await tx.open_email_owner(owner)
        await tx.save_email_owner(replace(owner, moved_to=None))
        data = {"address": owner.address, "user": owner.user, "before": before.user}
        tx.audit.add(Entry(Code.CONFIRMED, OPERATOR, data))
    return before.user
