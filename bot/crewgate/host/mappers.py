"""Rows of the database to records and back."""

import json
import sqlite3
from dataclasses import asdict, replace
from typing import Final

from pydantic import TypeAdapter

from crewgate.crew_api.wire import Address, Kickoff, Urls
from crewgate.host.records import (
    Decision,
    DueWebhook,
    Execution,
    Finished,
    Question,
    Round,
    State,
    TaskRow,
    Webhook,
)

_KICKOFF: Final = TypeAdapter(Kickoff)
_TASKS: Final = TypeAdapter(tuple[TaskRow, ...])


def kickoff_to_text(kickoff: Kickoff) -> str:
    """Return a kickoff as it is stored, without the URLs that are forgotten."""
    stored = asdict(kickoff)
    del stored["urls"]
    return json.dumps(stored)


def with_human_input(text: str, address: Address) -> str:
    """Return a stored kickoff with another address for human input."""
    return json.dumps(json.loads(text) | {"human_input": asdict(address)})


def execution_from_row(row: sqlite3.Row) -> Execution:
    urls = Urls(row["task_url"], row["step_url"], row["crew_url"])
    same = ("id", "target", "result", "error", "created_at", "ended_at")
    return Execution(
        **{name: row[name] for name in same},
        kickoff=replace(_KICKOFF.validate_json(row["kickoff"]), urls=urls),
        state=State(row["state"]),
        tasks=_TASKS.validate_json(row["tasks"]),
    )


def finished_from_row(row: sqlite3.Row) -> Finished:
    return Finished(row["position"], json.loads(row["output"]), row["seconds"])


def round_from_row(row: sqlite3.Row) -> Round:
    decided = row["approve"] is not None
    decision = None
    if decided:
        decision = Decision(bool(row["approve"]), row["feedback"], row["edited"])
    same = {name: row[name] for name in ("task_id", "number", "output", "asker")}
    return Round(**same, decision=decision, spent=bool(row["spent"]))


def question_from_row(row: sqlite3.Row) -> Question:
    same = ("id", "method", "token_hash", "place", "expires_at", "feedback", "answered_at")
    return Question(
        **{name: row[name] for name in (*same, "source")},
        emit=tuple(json.loads(row["emit"])),
        pending=json.loads(row["pending"]),
    )


def webhook_from_row(row: sqlite3.Row) -> DueWebhook:
    webhook = Webhook(
        kind=row["kind"],
        url=row["url"],
        body=json.loads(row["body"]),
        headers=json.loads(row["headers"]),
        about=row["about"],
    )
    return DueWebhook(row["id"], row["execution_id"], webhook, row["tries"])
