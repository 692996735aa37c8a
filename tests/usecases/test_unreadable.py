"""A damaged row is set aside alone, logged once and counted; all else goes on."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.check.database import check_database
from crewgate.domain.audit import Code
from crewgate.domain.effects import POSTS_PREFIX, EffectKind
from crewgate.domain.errors import RowUnreadable
from crewgate.domain.people import User
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders
from crewgate.domain.verdict import Revise
from crewgate.lifecycle import Supervisor
from crewgate.readiness import Readiness, Scrape
from crewgate.runtime import RESTART
from crewgate.store.replay import Replay
from crewgate.store.tables import outbox
from crewgate.store.unreadable import unreadable
from crewgate.usecases import lessons
from crewgate.usecases.read_models import NO_RULE_ID, Selection
from crewgate.usecases.removal import remove_texts
from crewgate.usecases.waiting import next_for
from crewgate.web.health import Health
from tests.builders import ANA, BEN, a_crew, a_rule
from tests.databases import both
from tests.usecases.taught import in_force, kept
from tests.usecases.worker_world import Logs, WorkerWorld
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
BROKEN, SHAPE, UNKNOWN = "'{'", "'[3]'", '\'{"subject": "later"}\''
WAITING = Selection(queues=(("research", NO_RULE_ID),), states=(State.WAITING,))


@pytest.fixture(autouse=True)
def _noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test before this one has met a damaged row."""
    monkeypatch.setattr("crewgate.store.unreadable._noted", {})


async def damage(world: World, row: str, column: str = "votes", value: str = SHAPE) -> None:
    """Write what no version of ours writes; PostgreSQL itself refuses JSON that is broken."""
    table = "lessons" if row.startswith("lesson ") else "rounds"
    row = row.removeprefix("lesson ")
    value = value if world.engines.is_sqlite or value != BROKEN else SHAPE
    async with world.engines.write.begin() as connection:
        await connection.execute(
            sa.text(f"UPDATE {table} SET {column} = {value} WHERE id = :id"),  # noqa: S608  # of this test
            {"id": row},
        )


async def two(world: World) -> tuple[Round, Round]:
    """Two rounds of one task that wait; the first one is damaged later."""
    found = [(await world.notify(execution_id=name)).round for name in ("e-1", "e-2")]
    return found[0], found[1]


@both
@pytest.mark.parametrize(
    ("column", "value"),
    [("votes", BROKEN), ("votes", SHAPE), ("question", UNKNOWN), ("reason", "'later'")],
)
async def test_lists_show_all_rounds_but_a_damaged_one(
    world: World, logs: Logs, column: str, value: str
) -> None:
    bad, good = await two(world)
    await damage(world, bad.id, column, value)
    for _ in range(2):
        assert [one.id for one in await world.waiting()] == [good.id]
        read = world.uow.read.rounds
        assert len(await read.history(good.review.id, limit=9)) == 1

    [line] = [one for one in logs if one["event"] == "row_unreadable"]
    assert (line["table"], line["id"], line["log_level"]) == ("rounds", bad.id, "error")
    assert unreadable() == {"rounds": 1}
    with pytest.raises(RowUnreadable, match=f"the row {bad.id} of rounds"):
        await world.decide(bad.id)
    await world.decide(good.id)


@both
async def test_a_damaged_rules_rounds_are_left_out_alone(world: World) -> None:
    rule = a_rule(reviewers=(User(ANA.id),))
    world.crews["research"] = a_crew(rules=(rule,))
    await world.notify(execution_id="e-1")
    world.crews["research"] = a_crew(rules=(a_rule(name="other", reviewers=(User(ANA.id),)),))
    await world.notify(execution_id="e-2")
    first, _ = sorted(await world.uow.read.rules(("research",)), key=lambda one: one.rule.name)
    async with world.engines.write.begin() as connection:
        await connection.execute(
            sa.text("UPDATE rules SET rule = '{' WHERE id = :id"), {"id": first.id}
        )
    assert len(await world.uow.read.rules(("research",))) == 1
    assert unreadable() == {"rules": 1}


@both
async def test_a_damaged_rounds_jobs_are_set_aside_at_once_and_the_others_are_done(
    worker_world: WorkerWorld, logs: Logs
) -> None:
    world = worker_world
    rule = a_rule(reviewers=(User(ANA.id),), remind=Reminders(after=Duration.parse("1h")))
    world.crews["research"] = a_crew(rules=(rule,))
    bad, good = await two(world)
    await damage(world, bad.id)
    async with world.run_workers(f"{POSTS_PREFIX}research"):
        await world.clock.until(lambda: bool(world.slack.keyed(f"card {good.id}")))

    assert world.slack.keyed(f"card {bad.id}") == []
    assert (EffectKind.POST, f"the row {bad.id} of rounds cannot be read") in (
        await world.set_aside()
    )
    assert "delivery_failed" not in [one["event"] for one in logs]


@both
async def test_the_end_of_an_execution_closes_all_others(world: World) -> None:
    bad = (await world.notify(task_id="a")).round
    good = (await world.notify(task_id="b")).round
    await damage(world, bad.id)
    await world.record_update(ended="the execution has ended")
    assert (await world.round(good.id)).state is State.CLOSED


@both
async def test_a_card_is_posted_though_the_round_before_is_damaged(world: World) -> None:
    first = (await world.notify()).round
    await world.decide(first.id, Revise("Shorter."))
    world.crew.pause()
    await world.turn(CREW)
    second = (await world.notify("Another draft.")).round
    await damage(world, first.id)
    posting = await world.uow.read.posting(second.id)
    assert (posting.view.round.id, posting.view.previous) == (second.id, None)


@both
async def test_lessons_are_carried_and_listed_but_for_a_damaged_one(world: World) -> None:
    bad, good = await kept(world), await kept(world, "Shorter.", "e-2")
    await damage(world, f"lesson {bad.id}", value=BROKEN)
    assert await in_force(world) == ["Shorter."]
    [listed] = await lessons.lessons_of(BEN.id, "research", context=world.reviews)
    assert [line.lesson.id for line in listed.lines] == [good.id]
    assert unreadable() == {"lessons": 1}


@both
async def test_a_damaged_execution_is_left_out_of_those_that_run(world: World) -> None:
    for name in ("e-1", "e-2"):
        await world.start(name)
    of_damaged, good = await two(world)
    async with world.engines.write.begin() as connection:
        await connection.execute(
            sa.text("UPDATE executions SET meta = '3' WHERE execution_id = 'e-1'")
        )
    running = await world.uow.read.executions.running(crews=("research",), limit=9)
    assert [one.execution.execution_id for one in running] == ["e-2"]
    assert await world.uow.read.executions.posting("research", "e-1") is None
    assert unreadable() == {"executions": 1}
    assert {one.id for one in await world.waiting()} == {of_damaged.id, good.id}
    with pytest.raises(RowUnreadable):
        await world.uow.read.posting(of_damaged.id)


@both
async def test_texts_are_removed_of_all_and_of_a_damaged_round_too(world: World) -> None:
    bad, good = await two(world)
    for name in ("e-1", "e-2"):
        await world.record_update(name, ended="the execution has ended")
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    await damage(world, bad.id, "question", UNKNOWN)
    world.clock.advance(90 * DAY)
    removed = remove_texts(
        "research", before=world.clock(), begin=world.uow.begin, clock=world.clock
    )
    assert [one.total() async for one in removed][-1] == 2
    for one in (bad, good):
        assert (await world.round(one.id)).removed_at == world.clock()
    assert len(await world.entries(Code.PURGED)) == 2


@both
async def test_readyz_metrics_and_check_count_it(world: World, database_url: str) -> None:
    bad, _ = await two(world)
    await damage(world, bad.id)
    said = str(await check_database(database_url))
    assert said == (
        "✗ database: rows that cannot be read: 1 of rounds; the log of the bot names each"
    )
    says = "rows that cannot be read, set aside: 1 of rounds; the log names each"
    readiness = Readiness(
        probe=world.uow.read.ping,
        count_set_aside=world.outbox.count_set_aside,
        supervisor=Supervisor(clock=world.clock, restart=RESTART),
        workers={},
        warnings=(),
        clock=world.clock,
    )
    assert await readiness.check_health() == Health((), (says,))
    scrape = Scrape(
        read_backlog=world.uow.read.backlog,
        crews=(),
        supervisor=readiness.supervisor,
        workers={},
        clock=world.clock,
        steady=world.clock,
    )
    assert b'crewgate_rows_unreadable{table="rounds"} 1.0' in await scrape.render()


@both
async def test_rules_are_tried_on_all_other_rounds(world: World) -> None:
    bad, good = await two(world)
    await damage(world, bad.id)

    async def found() -> AsyncIterator[str]:
        async for one in Replay(world.engines.read).since(good.opened_at - DAY):
            yield one.round.id

    assert [one async for one in found()] == [good.id]


@both
async def test_start_and_the_morning_line_go_on_behind_a_damaged_round(world: World) -> None:
    bad, good = await two(world)
    await damage(world, bad.id)
    assert await next_for(ANA.id, context=world.reviews) == good.id
    assert await next_for(ANA.id, after=good.id, context=world.reviews) is None
