"""Statements that are compiled once do what SQLAlchemy does with them."""

from contextlib import nullcontext

import pytest
import sqlalchemy as sa

from crewgate.store.engine import Engines, rows, write
from crewgate.store.tables import executions, notes
from tests.builders import NOW
from tests.store.plans import recorded

ADD = sa.insert(executions)
READ = sa.select(
    executions.c.crew,
    executions.c.tracked,
    executions.c.began_at,
    executions.c.ended_at.label("end"),
    executions.c.inputs,
).where(executions.c.execution_id == sa.bindparam("execution"), executions.c.crew == "research")
RENAME = (
    sa.update(executions)
    .where(executions.c.execution_id.like(sa.bindparam("beginning")))
    .values(step="again")
    .returning(executions.c.execution_id)
)


def an_execution(execution_id: str) -> dict[str, object]:
    return {
        "crew": "research",
        "execution_id": execution_id,
        "tracked": True,
        "state": "RUNNING",
        "began_at": NOW,
        "activity_count": 0,
        "completed_tasks": 0,
        "step": "",
        "inputs": [["topic", "tea"]],
        "error": "",
    }


@pytest.mark.parametrize("listened_to", [False, True])
async def test_values_come_back_as_they_were_stored(engines: Engines, *, listened_to: bool) -> None:
    listening = recorded(engines) if listened_to else nullcontext()
    with listening:
        async with engines.write.begin() as connection:
            assert await write(connection, ADD, an_execution("e-1")) == 1
            await write(connection, ADD, [an_execution("e-2"), an_execution("e-3")])
            [found] = await rows(connection, READ, {"execution": "e-2"})
            assert (found.crew, found.tracked, found.began_at) == ("research", True, NOW)
            assert (found.end, found.inputs) == (None, [["topic", "tea"]])
            changed = await rows(connection, RENAME, {"beginning": "e-%"})
            assert sorted(row.execution_id for row in changed) == ["e-1", "e-2", "e-3"]
            assert await write(connection, sa.delete(executions), {}) == 3


async def test_a_broken_constraint_is_told_apart(engines: Engines) -> None:
    add = sa.insert(notes)
    without_round = {"channel": "C1", "ts": "1.0", "round_id": None}
    with pytest.raises(sa.exc.IntegrityError):
        async with engines.write.begin() as connection:
            await write(connection, add, without_round)
    with pytest.raises(sa.exc.IntegrityError):
        async with engines.write.begin() as connection:
            await rows(connection, add.returning(notes.c.ts), without_round)


async def test_a_parameter_that_is_missing_is_a_mistake(engines: Engines) -> None:
    with pytest.raises((KeyError, sa.exc.StatementError)):
        async with engines.write.begin() as connection:
            await rows(connection, READ, {})
