"""Requests of flows: known by their id, and answered where they say."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.question import Callback
from crewgate.domain.review import Round
from crewgate.store.engine import Connection
from crewgate.store.mappers import ROUND
from crewgate.store.tables import flow_requests, rounds

ROUND_OF_REQUEST: Final = ROUND.join(flow_requests, flow_requests.c.round_id == rounds.c.id).where(
    flow_requests.c.crew == sa.bindparam("crew"),
    flow_requests.c.execution_id == sa.bindparam("execution"),
    flow_requests.c.request_id == sa.bindparam("request"),
)
_ADD: Final = sa.insert(flow_requests)
_WIPE: Final = (
    sa.update(flow_requests)
    .where(flow_requests.c.round_id == sa.bindparam("b_round"))
    .values(callback_url=None, token=None)
)
_CALLBACK: Final = sa.select(flow_requests.c.callback_url, flow_requests.c.token).where(
    flow_requests.c.round_id == sa.bindparam("round")
)


async def keep_callback(connection: Connection, round_: Round, callback: Callback) -> None:
    """See `Tx.keep_callback`."""
    assert round_.question is not None  # noqa: S101  # only such a round has one
    review = round_.review
    row = {
        "crew": review.crew,
        "execution_id": review.execution_id,
        "request_id": round_.question.request_id,
        "round_id": round_.id,
        "callback_url": callback.url,
        "token": callback.token,
    }
    await connection.execute(_ADD, row)


async def wipe_callback(connection: Connection, round_: Round) -> None:
    """Forget where a round was answered; that it was asked stays known."""
    await connection.execute(_WIPE, {"b_round": round_.id})


async def find_callback(connection: Any, round_id: str) -> Callback | None:
    """Where a round is answered; None where nothing is left to answer."""
    row = (await connection.execute(_CALLBACK, {"round": round_id})).one_or_none()
    return Callback(row.callback_url, row.token) if row and row.callback_url else None
