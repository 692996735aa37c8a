"""A database that the version before the baseline made goes on as it is.

Its tables and rows are in `tests/data`.
"""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
import sqlalchemy as sa

from crewgate import __version__
from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import Execution
from crewgate.domain.given import Hidden
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import Email
from crewgate.domain.question import Question
from crewgate.domain.reason import AnsweredElsewhere, NotCalled, PerhapsTaken, RequestGone, TakenAs
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer
from crewgate.store.engine import Engines, open_engines
from crewgate.store.migrate import HEAD, migrate
from crewgate.store.outbox import SqlOutbox, from_effect
from crewgate.store.tables import dead_letters, metadata, outbox
from tests.builders import BEN, LATER, NOW, a_decision, a_round, a_uow, a_vote, an_effect
from tests.store import test_rules, test_store
from tests.store.jobs import CREWS, HOUR, POSTS, lease
from tests.store.test_migrations import differences, names

DATA: Final = Path(__file__).parent.parent / "data"
ROWS: Final = json.loads((DATA / "database_0026.json").read_text(encoding="utf-8"))
COUNT: Final = len(ROWS["rounds"])
QUESTION: Final = Question(
    request_id="8412",
    message="Publish?",
    outcomes=("approved", "needs_revision"),
    left_off=1,
    assigned=(Email("lead@example.com"),),
    called_at=LATER,
    host_refused=True,
)
OF_FLOWS: Final = (
    a_round(question=Question(request_id="1")),
    a_round(
        State.RESUMED,
        question=QUESTION,
        decision=a_decision(Answer("approved", is_label=True)),
        reason=TakenAs("approved", "ok"),
        ended_at=LATER,
    ),
    a_round(
        State.CLOSED,
        question=QUESTION,
        decision=a_decision(Answer("In words.")),
        reason=RequestGone("404", "no"),
        ended_at=LATER,
    ),
    a_round(State.CLOSED, question=QUESTION, reason=AnsweredElsewhere("x"), ended_at=LATER),
    a_round(
        State.CLOSED,
        question=QUESTION,
        rule=test_rules.FULL,
        votes=(a_vote(answer="approved"),),
        reason=PerhapsTaken("y"),
        ended_at=LATER,
        retries=2,
    ),
)


@pytest.fixture
async def made_before(empty_database_url: str) -> AsyncIterator[Engines]:
    url = sa.make_url(empty_database_url)
    tables = DATA / f"database_0026_{url.get_backend_name()}.sql"
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(url.database or "")) as file:
            file.executescript(tables.read_text(encoding="utf-8"))
    else:
        server = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
        await server.execute(tables.read_text(encoding="utf-8"))
        await server.close()
    engines = open_engines(empty_database_url)
    async with engines.write.begin() as connection:
        await connection.run_sync(insert_rows)
    yield engines
    await engines.dispose()


def reflected(connection: sa.Connection) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(connection)
    return found


def insert_rows(connection: sa.Connection) -> None:
    for table in reflected(connection).sorted_tables:
        for row in ROWS.get(table.name, ()):
            typed = {name: as_column(table.c[name], value) for name, value in row.items()}
            connection.execute(sa.insert(table), typed)


def as_column(column: sa.Column[Any], value: Any) -> Any:
    if isinstance(column.type, sa.JSON):
        return json.loads(value)
    return bool(value) if isinstance(column.type, sa.Boolean) else value


def all_rows(connection: sa.Connection, tables: sa.MetaData) -> dict[str, list[Any]]:
    """What is in those columns of these tables that there are today, whatever others there are."""
    today = {**reflected(connection).tables, **metadata.tables}
    return {
        one.name: sorted(
            map(
                repr,
                connection.execute(sa.select(*(c for c in one.c if c.name in today[one.name].c))),
            )
        )
        for one in tables.sorted_tables
    }


async def test_it_is_not_changed_and_has_the_tables_of_today(made_before: Engines) -> None:
    async with made_before.read.connect() as connection:
        tables = await connection.run_sync(reflected)
        tables.remove(tables.tables["old_event_keys"])  # which no version needs any more
        tables.remove(tables.tables["heartbeat"])  # which has a row for each crew now
        before = await connection.run_sync(all_rows, tables)
    await migrate(made_before.write)
    async with made_before.read.connect() as connection:
        after = await connection.run_sync(all_rows, tables)
        assert after == before | {"alembic_version": [repr((HEAD,))]}
        now = await connection.run_sync(lambda it: all_rows(it, reflected(it)))
        assert now["written_by"] == [repr((__version__,))]
        assert await connection.run_sync(differences) == []
    async with made_before.write.begin() as connection:
        there = await connection.run_sync(names)
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
        assert await connection.run_sync(names) == there


async def test_the_channel_of_what_it_has_to_post_is_kept(made_before: Engines) -> None:
    posts = {
        number: an_effect(EffectKind.POST, subject=f"r-{number}", channel=channel)
        for number, channel in ((1, None), (2, "C0LEGAL"))
    }
    resume = an_effect(EffectKind.RESUME, subject="slack research e-1 C9")
    async with made_before.write.begin() as connection:
        for effect in (*posts.values(), resume):
            row = from_effect(effect) | {"created_at": NOW, "due_at": NOW, "tries": 0}
            del row["channel"]
            await connection.execute(sa.insert(outbox), row)
    await migrate(made_before.write)
    leased = [
        job.effect
        for destination in (POSTS, resume.destination)
        for job in await lease(SqlOutbox(made_before, CREWS), to=destination)
    ]
    assert leased == [*posts.values(), resume]


async def test_a_body_that_looks_encrypted_is_still_read(made_before: Engines) -> None:
    bodies = {
        "d-1": b"encrypted:00000000:x",
        "d-2": b"plain:",
        "d-3": b"encrypted:\xff",
        "d-4": b"{",
    }
    letter = {"crew": "research", "reason": "?", "received_at": 0}
    there = sa.table("dead_letters", *map(sa.column, ("id", *letter)), sa.column("body"))
    async with made_before.write.begin() as connection:
        await connection.execute(sa.text("DELETE FROM dead_letters"))
        for name, body in bodies.items():
            await connection.execute(sa.insert(there), letter | {"id": name, "body": body})
    await migrate(made_before.write)
    async with made_before.read.connect() as connection:
        found = await connection.execute(sa.select(dead_letters.c.id, dead_letters.c.body))
        assert {row.id: row.body for row in found} == bodies


async def test_time_of_a_crew_that_was_not_named_stood_still(made_before: Engines) -> None:
    late, since = NOW + HOUR, NOW - 3 * HOUR
    effects = {
        "research": an_effect(EffectKind.TIME_OUT, subject="r-1"),
        "other": an_effect(EffectKind.TIME_OUT, subject="r-2", crew="other"),
    }
    aside = {"set_aside_at": since, "set_aside_why": "unknown_crew", "failing_since": since}
    async with made_before.write.begin() as connection:
        await connection.execute(sa.text("DELETE FROM outbox"))
        await connection.execute(sa.text("DELETE FROM heartbeat"))
        beat = {"at": round(NOW.timestamp() * 1_000_000)}
        await connection.execute(sa.text("INSERT INTO heartbeat (id, at) VALUES (1, :at)"), beat)
        for crew, effect in effects.items():
            row = from_effect(effect) | {"created_at": since - HOUR, "due_at": since, "tries": 0}
            del row["channel"]
            await connection.execute(sa.insert(outbox), row | (aside if crew == "other" else {}))
    await migrate(made_before.write)
    named = SqlOutbox(made_before, CREWS)
    await named.note_alive(now=late, compare=True)
    due = {job.effect.crew: job for job in await lease(named, to="timer", now=late + 4 * HOUR)}
    assert {crew: job.effect for crew, job in due.items()} == effects
    assert due["other"].failing_since is None
    async with made_before.read.connect() as connection:
        found = await connection.execute(sa.select(outbox.c.crew, outbox.c.due_at))
        assert {row.crew: row.due_at for row in found} == {"research": since + HOUR, "other": late}


async def test_what_the_bot_itself_did_not_send_is_told_from_what_crews_refused(
    made_before: Engines,
) -> None:
    there = sa.table("rounds", sa.column("id"), sa.column("reason_code"))
    ours = sa.update(there).where(there.c.id == "r-18").values(reason_code="host_not_allowed")
    async with made_before.write.begin() as connection:
        await connection.execute(ours)
    await migrate(made_before.write)
    found = (await a_uow(made_before).read.round("r-18")).reason
    assert found == NotCalled("host_not_allowed", "Unauthorized")


def alike(round_: Round) -> Round:
    """The same without its ids, and without what was not stored before 0039."""
    return replace(
        round_, id="", was_alone=False, review=replace(round_.review, id="", execution_id="")
    )


async def test_its_rounds_and_executions_are_read_as_they_were(made_before: Engines) -> None:
    await migrate(made_before.write)
    uow = a_uow(made_before)
    expected = [*map(alike, (*test_store.ROUNDS, *test_rules.ROUNDS, *OF_FLOWS))]
    for number in range(1, COUNT + 1):
        assert alike(await uow.read.round(f"r-{number}")) in expected, number
    assert await uow.read.executions.find("research", "e-1") == Execution(
        crew="research",
        execution_id="e-1",
        began_at=NOW,
        tracked=True,
        starter=BEN,
        inputs=(("topic", "tea"), ("key", Hidden()), ("plan", Hidden("free"))),
        meta=(("region", "EU"),),
        result=Output("{}", Format.JSON),
        is_flow=True,
        tokens=7,
        not_found_count=2,
    )


async def test_its_rounds_are_saved_under_the_rules_that_are_stored(made_before: Engines) -> None:
    await migrate(made_before.write)
    uow = a_uow(made_before)
    for number in range(1, COUNT + 1):
        async with uow.begin() as tx:
            await tx.save(await tx.round(f"r-{number}"))
    assert {one.id for one in await uow.read.rules(["research"])} == {
        row["id"] for row in ROWS["rules"]
    }
