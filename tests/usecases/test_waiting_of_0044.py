"""Rounds of version 0.1.0 that wait still wait after the upgrade, and are delivered."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import asyncpg
import pytest
import sqlalchemy as sa

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import Question
from crewgate.domain.people import User
from crewgate.domain.review import State
from crewgate.domain.subjects import Work
from crewgate.domain.verdict import Answer
from crewgate.store.engine import open_engines
from crewgate.store.migrate import migrate
from tests.builders import ANA, BEN, CAI, a_crew, a_uow
from tests.databases import both
from tests.repo.files import read
from tests.usecases.world import CREW, World

WAITS, STUCK, VOTED, FLOW, CALL = (f"id-{number:03}" for number in (2, 5, 8, 11, 14))
EXECUTIONS = {WAITS: "waits", STUCK: "stuck", VOTED: "votes", CALL: "call"}


@pytest.fixture
async def upgraded(backend: str, empty_database_url: str) -> AsyncIterator[World]:
    """A bot on a database that the commit a9cdc564 left."""
    left = read(f"tests/data/database_0044_waiting_{backend}.sql")
    url = sa.make_url(empty_database_url)
    if backend == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as file:
            file.executescript(left)
    else:
        server = await asyncpg.connect(database=url.database, **url.query, user=url.username)
        await server.execute(left)
        await server.close()
    engines = open_engines(empty_database_url)
    await migrate(engines.write)
    world = World(engines, a_uow(engines))
    world.new_id.count = 100
    world.crews["research"] = a_crew(reviewers=tuple(User(one.id) for one in (ANA, BEN, CAI)))
    yield world
    await engines.dispose()


@both
async def test_all_that_waited_is_decided_and_reaches_its_crew(upgraded: World) -> None:
    world = upgraded
    rounds = [await world.round(one) for one in (WAITS, STUCK, VOTED, FLOW, CALL)]
    assert [type(one.subject) for one in rounds] == [Work, Work, Work, Question, ToolCall]
    assert [one.state for one in rounds].count(State.WAITING) == 4
    for round_id, execution in EXECUTIONS.items():
        task = (await world.round(round_id)).review.task_id
        world.crew.pause(execution=execution, task=task)

    await world.decide(WAITS)
    again = await world.decide(VOTED, by=BEN)
    assert again.state is State.WAITING  # Ben's vote from before counts, once
    await world.decide(VOTED, by=CAI)
    await world.decide(FLOW, Answer("approved", is_label=True))
    await world.decide(CALL)
    await world.retry(STUCK)
    for _ in range(5):
        world.clock.advance(timedelta(minutes=1))
        await world.turn(CREW)

    states = [(await world.round(one)).state for one in (WAITS, STUCK, VOTED, FLOW, CALL)]
    assert set(states) == {State.RESUMED}
    assert sorted(one.execution_id for one in world.crew.taken) == sorted(EXECUTIONS.values())
    assert list(world.flows.taken.values()) == ["approved"]
