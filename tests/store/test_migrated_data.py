"""A database made by an earlier version keeps everything when it is migrated.

`database_0003.json` holds the rows of one that the code before migration 0004 made.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from crewgate.domain.effects import SLACK, Effect, EffectKind, forward_destination
from crewgate.domain.execution import Execution, ExecutionState, TaskUpdate
from crewgate.domain.notification import Format, Output, WebhookUrls
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import (
    Answered,
    AnswerLost,
    ExecutionFailed,
    ExecutionGone,
    Inferred,
    NeverSent,
    Reason,
    RefusedByCrew,
    RetriesExhausted,
)
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Decision, Person, Revise, Verdict, Via
from crewgate.store.engine import Engines, open_engines
from crewgate.store.migrate import migrate, upgrade
from crewgate.store.tables import metadata, outbox
from crewgate.store.unit_of_work import SqlUnitOfWork
from crewgate.usecases.read_models import ExecutionPosting, ForwardedWebhook, MessageRef
from tests.builders import ANA, BEN, a_crew, webhook_urls
from tests.databases import CopyDatabase
from tests.usecases.slack_standins import Message
from tests.usecases.world import CREW, STATUS, World

DATA = Path(__file__).parent.parent / "data" / "database_0003.json"
ROWS: Final[dict[str, list[dict[str, Any]]]] = json.loads(DATA.read_text(encoding="utf-8"))
RENAMED = {"letters": "dead_letters", "news": "task_updates", "parcels": "forwarded_webhooks"}
NOW = datetime(2026, 3, 3, 10, 11, 19, 123456, tzinfo=UTC)
"""When the last row was made."""
FORWARD = forward_destination("research")
LATER = {
    EffectKind.ATTACH_FAILED,
    EffectKind.CALL_ASSIGNED,
    EffectKind.DIRECT_MESSAGE,
    EffectKind.REFRESH_DIRECT_MESSAGE,
    EffectKind.ESCALATE,
    EffectKind.POST_ESCALATED,
    EffectKind.POST_REMINDER,
    EffectKind.POST_TIMED_OUT,
    EffectKind.REFRESH_FAILED,
    EffectKind.REFRESH_PROGRESS,
    EffectKind.REFRESH_REPORT,
    EffectKind.REMIND,
    EffectKind.REMIND_PRIVATELY,
    EffectKind.REPOST,
    EffectKind.RESULT_FILE_FAILED,
    EffectKind.TELL_OPERATOR,
    EffectKind.TELL_REVIEWERS,
    EffectKind.TIME_OUT,
}
"""Kinds that came with later versions."""
DROPPED = {"task_done"}
"""Kinds that there are no more: the progress message shows the finished tasks."""
CALLER = replace(webhook_urls("caller"), human_input=None)


async def bring_up_from_0003(url: str) -> None:
    engines = open_engines(url)
    async with engines.write.begin() as connection:
        await connection.run_sync(upgrade, "0003")
        await connection.run_sync(insert_rows)
    await migrate(engines.write)
    await engines.dispose()


@pytest.fixture
async def world(copy_database: CopyDatabase) -> AsyncIterator[World]:
    """A world on that database, migrated; Slack has its messages."""
    async with copy_database("from_0003", bring_up_from_0003) as url:
        engines = open_engines(url)
        yield await open_world(engines)
        await engines.dispose()


async def open_world(engines: Engines) -> World:
    world = World(engines, SqlUnitOfWork(engines, wake=lambda _: None))
    world.clock.now = NOW
    world.new_id.count = 900  # the rows' own ids are below
    own = replace(webhook_urls("own"), human_input=None)
    world.crews["research"] = a_crew(forward=True, own=own)
    for row in ROWS["executions"]:
        for line in await world.uow.read.rounds.of_execution(
            "research", row["execution_id"], limit=9
        ):
            if line.card:
                card = Message(f"card {line.round.id}", line.card, NOW, shows=line.round)
                world.slack.messages.append(card)
    return world


def insert_rows(connection: sa.Connection) -> None:
    earlier = sa.MetaData()
    earlier.reflect(connection)
    for table in earlier.sorted_tables:
        for row in ROWS.get(table.name, ()):
            binary = {
                name: b64decode(row[name])
                for name in row
                if isinstance(table.c[name].type, sa.LargeBinary)
            }
            connection.execute(sa.insert(table), row | binary)
    if connection.dialect.name == "postgresql":
        last = max(row["id"] for row in ROWS["outbox"])
        connection.execute(sa.select(sa.func.setval("outbox_id_seq", last)))


def at(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


async def find(world: World, execution: str) -> Execution:
    found = await world.uow.read.executions.find("research", execution)
    assert found is not None
    return found


async def rounds(world: World, execution: str) -> list[Round]:
    lines = await world.uow.read.rounds.of_execution("research", execution, limit=9)
    return [line.round for line in lines]


async def test_no_row_is_lost(world: World) -> None:
    async with world.engines.read.connect() as connection:
        for table, rows in ROWS.items():
            if table != "runs":
                name = RENAMED.get(table, table)
                count = sa.select(sa.func.count()).select_from(metadata.tables[name])
                kept = [row for row in rows if row.get("kind") not in DROPPED]
                assert await connection.scalar(count) == len(kept), name
        activity = {
            row.execution_id: row.activity_count
            for row in await connection.execute(sa.select(metadata.tables["executions"]))
        }
    assert activity == {row["execution_id"]: row["heard"] for row in ROWS["executions"]}


async def test_an_execution_keeps_what_was_recorded_of_its_run(world: World) -> None:
    completed = Execution(
        crew="research",
        execution_id="completed",
        tracked=True,
        state=ExecutionState.COMPLETED,
        began_at=at(1772532001123456),
        ended_at=at(1772532002123456),
        starter=ANA,
        inputs=(("topic", "tea"), ("max_words", "200")),
        completed_tasks=1,
        step="writing",
        tokens=1_234_567_890_123,
        result=Output('{\n  "all": "of it"\n}', Format.JSON),
    )
    assert await world.uow.read.executions.posting("research", "completed") == ExecutionPosting(
        completed,
        MessageRef("C0REVIEWS", "1.500", "1.500"),
        "C0REVIEWS",
        "1.500",
        (TaskUpdate(title="plan", summary="A plan.", agent="Planner"),),
    )
    failed = await find(world, "failed")
    assert (failed.state, failed.error) == (ExecutionState.FAILED, "out of tokens")
    assert (await find(world, "gone")).state is ExecutionState.GONE
    waiting = await find(world, "waiting")
    assert (waiting.completed_tasks, waiting.total_tasks) == (1, 3)
    assert waiting.current_task == "research"


async def test_executions_that_were_started_on_something_have_a_subject(world: World) -> None:
    subjects = {
        name: [
            line.subject
            for line in await world.uow.read.rounds.of_execution("research", name, limit=1)
        ]
        for name in ("completed", "given-up")
    }
    assert subjects == {"completed": ["tea"], "given-up": ["given-up"]}


async def test_what_had_not_ended_may_use_its_old_event_keys(world: World) -> None:
    takes_old_ones = world.uow.read.executions.takes_old_event_keys
    assert await takes_old_ones("research", "waiting")
    assert await takes_old_ones("research", "untracked")
    for name in ("completed", "failed", "gone", "new"):
        assert not await takes_old_ones("research", name)
    assert not await takes_old_ones("other", "waiting")


async def test_an_execution_that_was_not_tracked_still_is_not(world: World) -> None:
    untracked = Execution(
        crew="research",
        execution_id="untracked",
        began_at=at(1772532677123456),
        completed_tasks=1,
        step="thinking",
    )
    assert await find(world, "untracked") == untracked
    new = replace(untracked, execution_id="before-runs", completed_tasks=0, step="")
    assert await find(world, "before-runs") == new
    tracked = {row["execution_id"] for row in ROWS["runs"] if row["known"]}
    for row in ROWS["executions"]:
        name = row["execution_id"]
        assert (await find(world, name)).tracked == (name in tracked)
    crews = {row["crew"] for row in ROWS["executions"]}
    running = await world.uow.read.executions.running(crews=crews, limit=99)
    assert {one.execution.execution_id for one in running} < tracked


@pytest.mark.parametrize(
    ("execution", "states", "verdict", "by"),
    [
        ("given-up", [State.STUCK], Revise("More figures."), BEN),
        ("completed", [State.RESUMED], Approve("Mind the date."), ANA),
        ("failed", [State.CLOSED], None, None),
        ("gone", [State.CLOSED], None, None),
        ("waiting", [State.SUPERSEDED, State.WAITING], None, None),
        ("inferred", [State.RESUMED, State.WAITING], Revise("Two."), ANA),
        ("unchanged", [State.RESUMED, State.WAITING], Revise("Other."), ANA),
        ("never-sent", [State.CLOSED, State.WAITING], Approve(), ANA),
        ("refused", [State.STUCK], Approve(), ANA),
        ("in-doubt", [State.DECIDED], Approve(""), ANA),
        ("decided", [State.DECIDED], Revise("Less «adjectives»."), BEN),
    ],
)
async def test_rounds_keep_their_states_and_decisions(
    world: World, execution: str, states: list[State], verdict: Verdict | None, by: Person | None
) -> None:
    found = await rounds(world, execution)
    assert [round_.state for round_ in found] == states
    assert [round_.number for round_ in found] == [1, 2][: len(found)]
    decision = found[0].decision
    if verdict is None or by is None:
        assert decision is None
    else:
        assert decision is not None
        assert decision == Decision(verdict, by, decision.at, Via.BUTTON)


@pytest.mark.parametrize(
    ("execution", "reason"),
    [
        ("given-up", RetriesExhausted("no answer")),
        ("completed", Answered("Thank you.", ResumeStatus.RESUMED)),
        ("failed", ExecutionFailed("out of tokens")),
        ("gone", ExecutionGone()),
        ("waiting", None),
        ("inferred", Inferred()),
        ("unchanged", Answered("Thank you.", ResumeStatus.RETRYING)),
        ("never-sent", NeverSent()),
        ("refused", RefusedByCrew("401", "invalid token")),
        ("in-doubt", AnswerLost("connection lost")),
        ("decided", None),
    ],
)
async def test_rounds_keep_why_they_are_where_they_are(
    world: World, execution: str, reason: Reason | None
) -> None:
    assert (await rounds(world, execution))[0].reason == reason


async def test_a_resume_in_doubt_stays_in_doubt(world: World) -> None:
    [round_] = await rounds(world, "in-doubt")
    assert (round_.in_doubt_since, round_.activity_before) == (NOW, 1)
    [round_] = await rounds(world, "decided")
    assert (round_.in_doubt_since, round_.activity_before) == (None, 0)


async def test_notes_claims_and_outputs_are_kept(world: World) -> None:
    superseded, waiting = await rounds(world, "waiting")
    view = (await world.uow.read.posting(waiting.id)).view
    assert (view.output, view.notes, view.noted_by) == (Output("Second draft."), 3, (ANA, BEN))
    assert view.claim is not None
    assert view.claim.by == BEN
    notes = await world.uow.read.notes.of_round(waiting.id, limit=9)
    assert [note.text for note in notes] == ["Shorter, please.", "«Typo» in line 2.", "One more."]
    posting = await world.uow.read.posting(superseded.id)
    assert posting.view.output == Output("First draft.")
    assert posting.card == MessageRef("C0REVIEWS", "6.000", "6.000")


async def test_webhooks_and_dead_letters_are_kept(world: World) -> None:
    read = world.uow.read
    waiting = (await rounds(world, "waiting"))[-1]
    assert await read.webhooks(waiting) == (WebhookUrls(), webhook_urls("carried"))
    assert await read.executions.given_webhooks("research", "registered") == CALLER
    assert await read.executions.forwarded_webhook("id-048") == ForwardedWebhook(
        "id-048", "research", "forwarded", "step", "application/json", b"\x00\xff"
    )
    dead_letter = await read.dead_letter("id-050")
    assert dead_letter is not None
    assert dead_letter.body == bytes(range(256))


async def test_what_was_in_the_outbox_is_carried_out(world: World) -> None:
    assert set(await effects(world)) == set(EffectKind) - LATER
    async with world.engines.read.connect() as connection:
        for row in await connection.execute(sa.select(outbox)):
            about = Effect(EffectKind(row.kind), "", row.crew, row.execution_id)
            effect = about.named(row.subject)
            assert (row.destination, row.ordering_key) == (effect.destination, effect.ordering_key)
    for name in ("in-doubt", "crashed", "decided"):
        world.crew.pause(execution=name)
    for _ in range(4):
        world.clock.advance(timedelta(minutes=10))
        for destination in (CREW, STATUS, SLACK, FORWARD):
            while await world.turn(destination):
                pass

    assert sorted(resumed.execution_id for resumed in world.crew.taken) == [
        "crashed",
        "decided",
        "in-doubt",
    ]
    assert world.forwarder.forwarded == [
        ("https://caller.example.com/task", '{"b":"é"}'.encode()),
        ("https://caller.example.com/step", b"\x00\xff"),
        ("https://caller.example.com/crew", b'{"a":1}'),
    ]
    said = {(one.what, one.execution.execution_id) for one in world.slack.said}
    assert {
        (EffectKind.PROGRESS, "started"),
        (EffectKind.POST_RESULT, "ended"),
        (EffectKind.FORWARD_FAILED, "forwarded"),
    } <= said
    assert world.slack.files == ["# All of it.\n"]
    for key in ("card id-043", "stuck id-040", "file id-052", "dead letter id-050"):
        assert len(world.slack.keyed(key)) == 1
    assert "react 9.4" in world.slack.calls
    assert world.slack.card("id-013").shows == await world.round("id-013")
    assert set(await effects(world)) == {EffectKind.POLL_STATUS}


async def effects(world: World) -> list[EffectKind]:
    async with world.engines.read.connect() as connection:
        kinds = await connection.scalars(sa.select(metadata.tables["outbox"].c.kind))
        return [EffectKind(kind) for kind in kinds]


async def test_an_execution_of_before_is_tracked_at_its_next_notification(world: World) -> None:
    received = await world.notify("A draft.", execution_id="before-runs")
    assert received.accepted
    assert (await find(world, "before-runs")).tracked
    assert await world.round(received.round.id) == received.round
