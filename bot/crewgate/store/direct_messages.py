"""Where the direct messages about a round are."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from crewgate.domain.review import Round
from crewgate.store.engine import Connection
from crewgate.store.statements import insert_of
from crewgate.store.tables import direct_messages
from crewgate.usecases.read_models import DirectMessage, MessageRef

_OF_ROUND: Final = (
    sa.select(direct_messages)
    .where(direct_messages.c.round_id == sa.bindparam("round"))
    .order_by(direct_messages.c.user_id)
)


async def place_direct_message(
    connection: Connection, round_: Round, user: str, ref: MessageRef
) -> None:
    """See `Tx`."""
    insert = insert_of(connection.dialect.name)
    await connection.execute(
        insert(direct_messages)
        .values(round_id=round_.id, user_id=user, channel=ref.channel, ts=ref.ts)
        .on_conflict_do_nothing()
    )


async def direct_messages_of(connection: Connection, round_id: str) -> tuple[DirectMessage, ...]:
    """See `Queries`."""
    found = await connection.execute(_OF_ROUND, {"round": round_id})
    return tuple(
        DirectMessage(row.user_id, MessageRef(row.channel, row.ts, row.ts)) for row in found
    )
