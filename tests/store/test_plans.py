"""No query that runs all day looks at more rows than it needs: each has its index."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.acts import UsedTool
from crewgate.domain.caveats import Seen, Unseen
from crewgate.domain.effects import SLACK, forward_destination
from crewgate.domain.execution import CrewUpdate, StepUpdate, TaskUpdate
from crewgate.domain.notification import Output
from crewgate.domain.outcome import Refused
from crewgate.domain.people import Notify, User
from crewgate.domain.review import Round
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Reminders, TimeOut, TimeoutAction
from crewgate.usecases import queries as look
from crewgate.usecases.away import go_away
from crewgate.usecases.caveats import caveats_for, record_read_to_end
from crewgate.usecases.decide import take_back
from crewgate.usecases.kickoff import register_webhooks
from crewgate.usecases.notes import change_note, claim, delete_note, draft_for
from crewgate.usecases.queries import overview, queue
from crewgate.usecases.read_models import ForwardedWebhook, MessageRef
from crewgate.usecases.referrals import refer
from crewgate.usecases.removal import remove_texts
from crewgate.usecases.stats import decisions, stats
from crewgate.usecases.track import STATUS_POLL, record_update
from tests.builders import ANA, BEN, EVE, a_crew, a_rule, webhook_urls
from tests.store.plans import GROWING, insert_many, recorded
from tests.usecases.faults import Fault
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
ELSEWHERE = a_rule(
    channel="C0LEGAL",
    approvals=2,
    self_approval=False,
    notify=Notify.DM,
    remind=Reminders(after=Duration.parse("1h")),
    escalate=Escalation(Duration.parse("2h"), (User(EVE.id),)),
    timeout=TimeOut(Duration.parse("1d"), TimeoutAction.REVISE, "Stop."),
)


async def everything(world: World) -> None:
    """One of everything that happens all day."""
    world.crew.pause()
    first = (await world.notify()).round
    await world.turn()
    await world.decide(first.id)
    world.crew.faults.append(Fault(Refused("401", "")))
    await world.turn(CREW)
    await world.retry(first.id)
    await world.turn(CREW)
    await world.settle_slack()
    await world.notify("Another draft.")
    await world.record_update(ended="the execution has ended")
    await world.settle_slack()
    await world.uow.read.dead_letters.find(await world.store_dead_letter())
    await world.settle_slack()
    for mine in (True, False):
        await look.pending(ANA.id, mine=mine, context=world.reviews)
    clients = world.context.clients
    await look.execution("e-", by=ANA.id, context=world.reviews, clients=clients)
    await world.uow.read.executions.crews_with("e-1")
    await world.uow.read.ping()
    await track(world)
    await review_well(world)
    await review_under_rules(world)
    before = world.clock() + DAY
    async with world.uow.begin() as tx:
        await tx.removal.count("research", before=before)
    async for _ in remove_texts(
        "research", before=before, begin=world.uow.begin, clock=world.clock
    ):
        pass


async def track(world: World) -> None:
    """An execution from its start to its end, with a webhook that is forwarded."""
    await world.start("e-3")
    await world.record(StepUpdate(doing="thinking"), "e-3")
    webhook = ForwardedWebhook(
        id="w-1",
        crew="research",
        execution_id="e-3",
        kind="task",
        content_type="application/json",
        body=b"{}",
    )
    about = {"uow": world.uow, "at": world.clock(), "new_id": world.new_id}
    await record_update("research", "e-3", TaskUpdate(title="plan"), webhook=webhook, **about)  # type: ignore[arg-type]
    await register_webhooks(
        "research", "e-3", webhook_urls("caller"), uow=world.uow, clock=world.clock
    )
    await overview(ANA.id, clients=world.context.clients, context=world.reviews)
    world.clock.advance(STATUS_POLL.longest)
    for destination in (CREW, SLACK, forward_destination("research")):
        await world.turn(destination)
    await world.record(CrewUpdate(result=Output("All of it.")), "e-3")
    await world.settle_slack()


async def review_well(world: World) -> None:
    """Notes, a claim, the history and the queue."""
    round_ = (await world.notify("One more.", execution_id="e-2")).round
    await world.settle_slack()
    card = (await world.uow.read.posting(round_.id)).card
    assert card is not None
    context = world.reviews
    world.slack.names = {ANA.id: "Ana Lima"}
    await world.note(card, "9.1")
    await change_note(card.channel, "9.1", text="Ah.", edited_ts="9.2", context=context)
    await claim(round_.id, by=ANA, context=context)
    await world.settle_slack()
    await draft_for(round_, context=context)
    await caveats_for(round_.id, by=ANA, context=context)
    await record_read_to_end(round_.id, by=ANA, context=context)
    await delete_note(card.channel, "9.1", context=context)
    await world.uow.read.rounds.history(round_.review.id, limit=50)
    await queue(ANA.id, page=0, context=context)
    await stats(ANA.id, crew=None, days=30, context=context)
    assert [one async for one in decisions(ANA.id, crew=None, days=30, context=context)]


async def review_under_rules(world: World) -> None:
    """Two approvals in another channel, time that passes, and somebody who is away."""
    world.crews["research"] = a_crew(rules=(ELSEWHERE,))
    await go_away(BEN, EVE, until=world.clock() + DAY, context=world.reviews)
    for task in ("draft", "check"):
        round_ = (await world.notify(execution_id="e-9", task_id=task)).round
        await world.settle_slack()
    used = (UsedTool("search", 1, 1),)
    output = await world.notify(execution_id="e-9", task_id="mail", tools_used=used)
    await world.uow.read.posting(output.round.id)
    posting = await world.uow.read.posting(round_.id)
    assert posting.channel is not None
    assert posting.thread_ts is not None
    thread = MessageRef(posting.channel, posting.thread_ts, posting.thread_ts)
    assert await world.note(thread, "9.9") is not None
    seen = Seen(unseen=frozenset(Unseen), notes=await notes(world, round_))
    await world.decide(round_.id, by=EVE, seen=seen)
    await take_back(round_.id, by=EVE, context=world.reviews)
    await queue(EVE.id, page=0, context=world.reviews)
    world.clock.advance(DAY)
    await world.settle_slack()
    async with world.uow.begin() as tx:
        await tx.forget_thread(round_, posting.channel, posting.thread_ts)


async def notes(world: World, round_: Round) -> str:
    caveats = await caveats_for(round_.id, by=EVE, context=world.reviews)
    return caveats.notes_mark


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_scans_no_table(world: World) -> None:
    with recorded(world.engines) as statements:
        await everything(world)
    assert len(statements) > 40
    async with world.engines.read.connect() as connection:
        for statement, parameters in statements:
            if re.search(r"SELECT executions.activity_count\s+FROM executions\s+LIMIT", statement):
                continue  # the first row is the answer
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for row in plan:
                assert not re.search(rf"SCAN ({GROWING})\b", row.detail), statement


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_sqlite_reads_the_newest_tasks_of_an_execution_and_no_others(world: World) -> None:
    with recorded(world.engines) as statements:
        await world.record_update()
        await world.uow.read.executions.posting("research", "e-1")
    statement, parameters = next(one for one in statements if "FROM task_updates" in one[0])
    async with world.engines.read.connect() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps = [row.detail for row in plan]
    assert not [step for step in steps if "TEMP B-TREE" in step], steps
    read, _, counted = steps
    assert read.startswith("SEARCH task_updates USING INDEX"), steps
    assert counted.startswith("SEARCH task_updates USING COVERING INDEX"), steps


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_mentions_are_found_by_indexes(world: World) -> None:
    with recorded(world.engines) as statements:
        for number in range(14):
            await world.notify(execution_id=f"e-{number}")
            await world.settle_slack()
    about = "task_key =|FROM mentions"
    found = {sql: given for sql, given in statements if re.search(about, sql)}
    assert len(found) == 2
    async with world.engines.read.connect() as connection:
        for statement, parameters in found.items():
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row.detail for row in plan]
            index = "ix_rounds_waiting|ix_mentions_at"
            assert all(re.search(index, step) for step in steps), (statement, steps)


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_sample_reads_the_latest_rounds_along_an_index(world: World) -> None:
    now = int(world.clock().timestamp() * 1_000_000)
    await insert_many(world.engines, 1_800, first=1, at=now - 10_000, bare=True)
    with recorded(world.engines) as statements:
        found = await stats(ANA.id, crew="research", days=7, context=world.reviews)
    assert found.sampled is not None
    assert (found.sampled.rounds, found.sampled.sent_back.part) == (60, 0)
    assert 30 < found.sampled.read < 55
    [(statement, parameters)] = [one for one in statements if "JOIN reviews" in one[0]]
    async with world.engines.read.connect() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps = [row.detail for row in plan]
    assert "SEARCH rounds USING INDEX ix_rounds_decided" in steps[0], steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps


async def test_the_stats_read_two_indexes_and_no_row(world: World) -> None:
    # In an empty table any index is as good to PostgreSQL.
    await insert_many(world.engines, 3_000, first=1, at=0)
    with recorded(world.engines) as statements:
        await stats(ANA.id, crew=None, days=30, context=world.reviews)
    counting = {sql: given for sql, given in statements if "FROM rounds" in sql}
    async with world.engines.read.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if not world.engines.is_sqlite:
            explain = "EXPLAIN"
            # The pool would hand its settings on to the next test.
            await connection.run_sync(sa.Connection.detach)
            await connection.exec_driver_sql("VACUUM ANALYZE rounds")  # else it may look at a row
            for how in ("seqscan", "bitmapscan", "sort"):  # there are too few rows for an index
                await connection.exec_driver_sql(f"SET enable_{how} = off")
        indexes = ("decided", "crew_rule_id_state_opened_at")
        for index, (statement, parameters) in zip(indexes, counting.items(), strict=True):
            found = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plan = "\n".join(str(row) for row in found)
            assert re.search(
                f"(USING COVERING INDEX|Index Only Scan using) ix_rounds_{index}", plan
            ), plan


async def test_rounds_that_somebody_is_asked_to_look_at_are_found_by_their_index(
    world: World,
) -> None:
    await insert_many(world.engines, 3_000, first=1, at=0)
    round_id = (await world.notify()).round.id
    await refer(round_id, BEN, "", by=ANA, context=world.reviews)
    with recorded(world.engines) as statements:
        found = await world.uow.read.rounds.referred_to(BEN.id, {("research", "")})
    assert [one.id for one in found] == [round_id]
    statement, parameters = next(one for one in statements if "referrals IS NOT" in one[0])
    explain = "EXPLAIN QUERY PLAN" if world.engines.is_sqlite else "EXPLAIN"
    async with world.engines.read.connect() as connection:
        plan = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
        assert "ix_rounds_referred" in "\n".join(map(str, plan))


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_the_first_of_a_list_are_read_along_its_index(world: World) -> None:
    """Also of many rounds of one moment: nothing is sorted."""
    await world.notify()
    with recorded(world.engines) as statements:
        await world.waiting()
    [(listed, values)] = [one for one in statements if "ORDER BY rounds.opened_at" in one[0]]
    async with world.engines.read.connect() as connection:
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {listed}", values)).all()
    assert not [row.detail for row in plan if "LAST TERM OF ORDER BY" in row.detail]
    assert any("COVERING INDEX ix_rounds_crew_rule_id" in row.detail for row in plan)
