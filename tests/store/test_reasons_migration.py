"""Sentences and codes of earlier versions become typed reasons."""

from __future__ import annotations

import sqlalchemy as sa

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import (
    Answered,
    AnswerLost,
    ExecutionEnded,
    ExecutionFailed,
    ExecutionGone,
    Inferred,
    NeverSent,
    NotReached,
    RefusedByCrew,
    RetriesExhausted,
)
from crewgate.store.engine import open_engines
from crewgate.store.migrate import migrate, upgrade
from crewgate.store.queries import SqlQueries

TOOK_EFFECT = "the crew has gone on, so it was taken"
NEWER_OUTPUT = "a newer output came before this could be sent"
GONE = "the crew does not know this execution any more"

# state, answer, answer_code -> reason
EARLIER = [
    ("WAITING", "", "", None),
    ("SUPERSEDED", "", "", None),
    ("DECIDED", "", "", None),
    ("DECIDED", "connection refused", "not_sent", NotReached("connection refused")),
    ("DECIDED", "no answer in time", "unknown", AnswerLost("no answer in time")),
    ("RESUMED", "resumed: on", "resumed", Answered("resumed: on", ResumeStatus.RESUMED)),
    ("RESUMED", "retrying", "retrying", Answered("retrying", ResumeStatus.RETRYING)),
    ("RESUMED", "completed", "completed", Answered("completed", ResumeStatus.COMPLETED)),
    ("RESUMED", "thanks", "", Answered("thanks")),
    ("RESUMED", "thanks", "odd", Answered("thanks")),
    ("RESUMED", TOOK_EFFECT, "inferred", Inferred()),
    ("STUCK", "Unauthorized", "401", RefusedByCrew("401", "Unauthorized")),
    ("STUCK", "connection refused", "out_of_patience", RetriesExhausted("connection refused")),
    ("STUCK", "connection refused", "retries_exhausted", RetriesExhausted("connection refused")),
    ("CLOSED", NEWER_OUTPUT, "", NeverSent()),
    ("CLOSED", "the execution has ended", "", ExecutionEnded()),
    ("CLOSED", "the execution failed", "", ExecutionFailed()),
    ("CLOSED", "the execution failed: out: of tokens", "", ExecutionFailed("out: of tokens")),
    ("CLOSED", GONE, "", ExecutionGone()),
]
REVIEW = sa.text(
    "INSERT INTO reviews (id, crew, execution_id, task_id) VALUES ('v', 'research', 'e', 'draft')"
)
ROUND = sa.text(
    "INSERT INTO rounds (id, review_id, number, state, version, opened_at, digest, unchanged,"
    " activity_before, answer, answer_code)"
    " VALUES (:id, 'v', :number, :state, 1, 0, '', :no, 0, :answer, :code)"
)


async def test_every_reason_of_earlier_versions_is_understood(empty_database_url: str) -> None:
    engines = open_engines(empty_database_url)
    async with engines.write.begin() as connection:
        await connection.run_sync(upgrade, "0004")
        await connection.execute(REVIEW)
        for number, (state, answer, code, _) in enumerate(EARLIER, 1):
            values = {"id": f"r-{number}", "number": number, "state": state, "no": False}
            await connection.execute(ROUND, values | {"answer": answer, "code": code})

    await migrate(engines.write)

    read = SqlQueries(engines.read)
    found = [(await read.round(f"r-{number}")).reason for number in range(1, len(EARLIER) + 1)]
    assert found == [reason for *_, reason in EARLIER]
    await engines.dispose()
