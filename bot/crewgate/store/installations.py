"""Where in Slack the bot is installed: statements and rows."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from crewgate.domain.people import Installation
from crewgate.store.engine import Connection
from crewgate.store.statements import insert_of
from crewgate.store.tables import installations


async def find_installation(connection: Connection, token_digest: str) -> Installation | None:
    """Where the bot with this token is installed, or None."""
    found = sa.select(installations).where(installations.c.token_digest == token_digest)
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        return None
    return Installation(
        url=row.url,
        team_id=row.team_id,
        enterprise_id=row.enterprise_id,
        whole_enterprise=row.whole_enterprise,
    )


async def put_installation(
    connection: Connection, token_digest: str, installation: Installation
) -> None:
    """Store where the bot with this token is installed, in place of what is stored."""
    values = asdict(installation)
    statement = insert_of(connection.dialect.name)(installations).values(
        token_digest=token_digest, **values
    )
    upsert = statement.on_conflict_do_update(
        index_elements=[installations.c.token_digest], set_=values
    )
    await connection.execute(upsert)
