"""Rounds of version 0.1.0 that wait still wait after the upgrade, and are delivered."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import asyncpg
import pytest
import sqlalchemy as sa

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import EffectKind
from crewgate.domain.notification import Question
from crewgate.domain.people import User
from crewgate.domain.review import State
from crewgate.domain.subjects import Work
from crewgate.domain.verdict import Answer
from crewgate.store.engine import open_engines
from crewgate.store.migrate import migrate
from crewgate.store.tables import outbox, rounds
from tests.builders import ANA, BEN, CAI, a_crew, a_uow
from tests.databases import both
from tests.repo.files import read
from tests.usecases.world import CREW, World

WAITS, STUCK, VOTED, FLOW, CALL = (f"id-{number:03}" for number in (2, 5, 8, 11, 14))
EXECUTIONS = {WAITS: "waits", STUCK: "stuck", VOTED: "votes", CALL: "call"}


#: Where one card counted others: rounds without a card, one whose card is on its way, and a rule
#: with a channel of its own.
GATHERED = f"""
UPDATE rounds SET card_ts = NULL, card_channel = NULL, gathered_by = '{WAITS}'
WHERE id IN ('{VOTED}', '{FLOW}', '{CALL}');
UPDATE rules SET rule = replace(rule, '"approvals":2', '"approvals":2,"channel":"C0LEGAL"');
INSERT INTO outbox (destination, priority, ordering_key, kind, subject, crew, execution_id,
                    created_at, due_at, tries)
SELECT 'posts:research', 0, 'slack research on-its-way', 'post', id, crew, 'on-its-way',
       opened_at, opened_at, 0
FROM rounds WHERE id = '{FLOW}';
"""  # noqa: S608  # of constants
POSTS = sa.select(*(outbox.c[name] for name in ("subject", "ordering_key", "channel"))).where(
    outbox.c.kind == EffectKind.POST.value
)
ANNOUNCED = sa.select(rounds.c.id, rounds.c.announced_at)


@pytest.fixture
def changes() -> str:
    """Statements that change the old database before its upgrade."""
    return ""


@pytest.fixture
async def upgraded(backend: str, empty_database_url: str, changes: str) -> AsyncIterator[World]:
    """A bot on a database that the commit a9cdc564 left."""
    left = f"{read(f'tests/data/database_0044_waiting_{backend}.sql')}\n{changes}"
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


@both
@pytest.mark.parametrize("changes", [GATHERED], ids=["gathered"])
async def test_each_round_without_a_card_gets_one_and_its_time_begins_with_it(
    upgraded: World,
) -> None:
    world = upgraded
    async with world.engines.for_outbox.read.connect() as connection:
        posts = {tuple(row) for row in await connection.execute(POSTS)}
        announced = dict(map(tuple, await connection.execute(ANNOUNCED)))
    assert posts == {
        (VOTED, "slack research votes C0LEGAL", "C0LEGAL"),
        (CALL, "slack research call", None),
        (FLOW, "slack research on-its-way", None),
    }
    assert announced[WAITS] == (await world.round(WAITS)).opened_at
    assert (announced[VOTED], announced[CALL]) == (None, None)
    assert "call_next" not in {row.kind for row in await world.rows()}

    await world.settle_slack()
    shown = {one: world.slack.card(one).ref.channel for one in (VOTED, CALL, FLOW)}
    assert shown == {VOTED: "C0LEGAL", CALL: "C0REVIEWS", FLOW: "C0REVIEWS"}
    for one in shown:
        assert (await world.uow.read.posting(one)).announced_at is not None
    assert world.slack.keyed(f"card {WAITS}") == []
