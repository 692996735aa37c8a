"""Whom e-mail addresses stand for: statements and rows."""

from __future__ import annotations

import sqlalchemy as sa

from crewgate.domain.people import EmailOwner
from crewgate.store.engine import Connection
from crewgate.store.statements import insert_of
from crewgate.store.tables import email_owners


async def find_email_owner(connection: Connection, address: str) -> EmailOwner | None:
    """Whom an address stands for, or None."""
    found = sa.select(email_owners).where(email_owners.c.address == address.lower())
    row = (await connection.execute(found)).one_or_none()
    return EmailOwner(address, row.user_id, row.moved_to) if row else None


async def put_email_owner(connection: Connection, owner: EmailOwner) -> EmailOwner:
    """Store whom an address stands for, unless that is stored; lock and return what is."""
    statement = insert_of(connection.dialect.name)(email_owners).values(
        address=owner.address.lower(), user_id=owner.user, moved_to=owner.moved_to
    )
    upsert = statement.on_conflict_do_update(
        index_elements=[email_owners.c.address], set_={"user_id": email_owners.c.user_id}
    ).returning(email_owners.c.user_id, email_owners.c.moved_to)
    row = (await connection.execute(upsert)).one()
    return EmailOwner(owner.address, row.user_id, row.moved_to)


async def save_email_owner(connection: Connection, owner: EmailOwner) -> None:
    """Change whom a stored address stands for."""
    await connection.execute(
        sa.update(email_owners)
        .where(email_owners.c.address == owner.address.lower())
        .values(user_id=owner.user, moved_to=owner.moved_to)
    )
