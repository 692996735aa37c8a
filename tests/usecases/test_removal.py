"""Texts of executions that ended long ago are removed; decisions and the audit trail stay."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from crewgate.domain.acts import CallResult, CallState
from crewgate.domain.audit import OPERATOR
from crewgate.domain.caveats import Seen, Unseen
from crewgate.domain.effects import LAST, UPDATES, Effect, EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.execution import CrewUpdate, ExecutionState
from crewgate.domain.lessons import Lesson, LessonState
from crewgate.domain.notification import Output, Question, Rewritten
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import Notify
from crewgate.domain.reason import Dismissed, ExecutionGone, TakenAs
from crewgate.domain.review import State
from crewgate.domain.verdict import Answer, Approve, Revise
from crewgate.store.removal import BATCH
from crewgate.store.tables import audit_entries, metadata, outbox
from crewgate.usecases import lessons
from crewgate.usecases import queries as look
from crewgate.usecases.access import UNCLEAR
from crewgate.usecases.decide import dismiss, dismiss_report
from crewgate.usecases.kickoff import register_webhooks
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.removal import BATCH_EVERY, LOOK_EVERY, RemovalLoop, Removed, remove_texts
from crewgate.usecases.track import end_execution, track
from tests.builders import (
    ANA,
    BEN,
    a_crew,
    a_rule,
    webhook_urls,
)
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.taught import in_force, keep, kept, propose
from tests.usecases.test_calls import CALL, called
from tests.usecases.worker_world import Logs
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
SECRET = "Lorem ipsum"


async def remove(world: World, **changes: object) -> Removed:
    about = {"before": world.clock() - 90 * DAY, "begin": world.uow.begin, "clock": world.clock}
    total = Removed()
    async for removed in remove_texts("research", **about | changes):  # type: ignore[arg-type]
        total += removed
    return total


async def count(world: World) -> Removed:
    async with world.uow.begin() as tx:
        return Removed(await tx.removal.count("research", before=world.clock() - 90 * DAY))


async def everything(world: World) -> str:
    """All that the database holds, as text."""
    found = []
    async with world.engines.read.connect() as connection:
        for table in metadata.sorted_tables:
            rows = await connection.execute(sa.select(table))
            found += [f"{table.name} {tuple(row)}" for row in rows]
    return "\n".join(found)


async def end(world: World, execution: str = "e-1") -> None:
    """The execution ends, and everybody is told."""
    await world.record(CrewUpdate(result=Output(f"{SECRET}, the result.")), execution)
    await world.settle_slack()
    world.clock.advance(DAY)
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox).where(outbox.c.kind == "poll_status"))


async def a_story(world: World) -> str:
    """One execution with all that people and the crew may write; the id of its first round."""
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2, channel="C0LEGAL"),))
    world.crew.pause()
    at = world.clock()
    async with world.uow.begin() as tx:
        opened = await tx.executions.open("research", "e-1", at=at)
        await track(tx, opened, starter=ANA, inputs=(("topic", f"{SECRET} tea"),), at=at)
    await register_webhooks(
        "research", "e-1", webhook_urls(SECRET.replace(" ", "-")), uow=world.uow, clock=world.clock
    )
    first = (
        await world.notify(
            f"{SECRET}, a draft.",
            expected_output=f"{SECRET}, as a list.",
            webhooks=webhook_urls("Lorem-ipsum"),
        )
    ).round
    await world.settle_slack()
    card = (await world.uow.read.posting(first.id)).card
    assert card is not None
    assert await world.note(card, "9.9", text=f"{SECRET}, a note.") is not None
    await world.decide(first.id, Revise(f"{SECRET}, shorter."), by=BEN)
    await world.turn(CREW)
    world.crew.pause()
    second = (await world.notify(f"{SECRET}.")).round
    await world.settle_slack()
    await world.decide(second.id, Approve(f"{SECRET}, fine."), by=ANA)
    await world.decide(second.id, Approve(f"{SECRET}, fine."), by=BEN)
    await world.turn(CREW)
    await world.record_update()
    await end(world)
    return first.id


@both
async def test_every_text_goes_and_every_decision_stays(world: World) -> None:
    first = await a_story(world)
    before = await world.round(first)
    assert "Lorem" in await everything(world)
    world.clock.advance(90 * DAY)
    assert await remove(world) == Removed(executions=1)
    left = await everything(world)
    assert [line for line in left.splitlines() if "Lorem" in line] == []
    after = await world.round(first)
    assert (after.state, after.removed_at) == (State.RESUMED, world.clock())
    assert after.decision is not None
    assert before.decision is not None
    assert after.decision.verdict == Revise("")
    assert (after.decision.by, after.decision.at) == (BEN, before.decision.at)
    assert (after.digest, after.salt) == ("", "")
    assert (await world.execution()).topic == "e-1"
    # Nothing is left for another time, also when somebody asks how it is.
    clients = world.context.clients
    await look.execution("e-1", by=ANA.id, context=world.reviews, clients=clients)
    assert await remove(world) == Removed()
    # Nor is anything left of what is registered later.
    await register_webhooks(
        "research", "e-1", webhook_urls("Lorem"), uow=world.uow, clock=world.clock
    )
    await world.settle_slack()
    assert await remove(world) == Removed(executions=1)
    assert "Lorem" not in await everything(world)
    # A webhook that comes late brings texts again.
    await world.record_update()
    assert (await world.execution()).removed_at is None


@both
async def test_messages_follow_once_and_last(world: World) -> None:
    first = await a_story(world)
    world.clock.advance(90 * DAY)
    await remove(world)
    async with world.engines.read.connect() as connection:
        rows = (await connection.execute(sa.select(outbox))).all()
    assert {(row.destination, row.priority) for row in rows} == {(UPDATES, LAST)}
    kinds = sorted(row.kind for row in rows)
    assert kinds == ["clear_thread", "clear_thread", "refresh", "refresh", "refresh_progress"]
    world.slack.calls.clear()
    await world.settle_slack()
    card = world.slack.card(first)
    assert card.shows is not None
    assert card.shows.removed_at == world.clock()
    assert len([call for call in world.slack.calls if call.startswith("update")]) == 2
    assert world.slack.updates[-1].execution.removed_at == world.clock()
    cleared = {call for call in world.slack.calls if call.startswith("clear")}
    assert cleared == {"clear C0REVIEWS 1.500", "clear C0LEGAL 1.000"}


async def test_a_thread_that_another_bot_cleared_is_cleared_no_third_time(world: World) -> None:
    """Its files may be newer by then."""
    await a_story(world)
    world.clock.advance(90 * DAY)
    await remove(world)
    jobs = [job for job in await world.lease(UPDATES) if job.effect.kind.value == "clear_thread"]
    await world.lapse()
    await world.settle_slack()
    await world.deliver(*jobs)
    assert await world.effects() == []


async def test_direct_messages_follow(world: World) -> None:
    world.crews["research"] = a_crew(notify=Notify.DM)
    world.crew.pause()
    round_ = (await world.notify(SECRET)).round
    await world.settle_slack()
    told = await world.uow.read.direct_messages(round_.id)
    assert told
    await world.decide(round_.id)
    await world.turn(CREW)
    await end(world)
    world.clock.advance(90 * DAY)
    await remove(world)
    world.slack.calls.clear()
    await world.settle_slack()
    removed = [one for one in world.slack.messages if getattr(one.shows, "removed_at", None)]
    assert len(removed) == 1 + len(told)


async def test_a_card_that_is_gone_or_cannot_be_changed_is_no_error(world: World) -> None:
    first = await a_story(world)
    world.clock.advance(90 * DAY)
    await remove(world)
    world.slack.card(first).deleted = True
    world.slack.faults.append(Fault(Refused("is_archived", "", RefusalKind.PERMANENT)))
    await world.settle_slack()
    assert await world.rows() == []
    assert await world.set_aside() == []
    assert world.slack.keyed("refresh failed") == []


@both
async def test_never_what_waits_is_stuck_or_on_its_way(world: World) -> None:
    world.crew.pause()
    states = {}
    for name in ("waits", "stuck", "sending", "over"):
        states[name] = (await world.notify(f"{name} {SECRET}", execution_id=name)).round.id
    await world.settle_slack()
    world.crew.faults.append(Fault(Refused("401", "")))
    await world.decide(states["stuck"])
    await world.turn(CREW)
    await world.decide(states["sending"])
    async with world.uow.begin() as tx:  # its end is known, and that of none of its rounds
        for name in states:
            execution = await tx.executions.open("research", name, at=world.clock())
            await tx.executions.save(execution.end(ExecutionState.COMPLETED, world.clock()))
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        statement = sa.delete(outbox).where(outbox.c.kind.in_(["poll_status", "resume"]))
        await connection.execute(statement)
    world.clock.advance(400 * DAY)
    assert await remove(world) == Removed()
    # Dismissed only now: its time begins now.
    await dismiss(states["stuck"], by=ANA, why=f"{SECRET}, lost", context=world.reviews)
    await world.settle_slack()
    assert await remove(world) == Removed()
    world.clock.advance(90 * DAY)
    assert await remove(world) == Removed()
    world.clock.advance(DAY)
    assert await count(world) == Removed(executions=1, dead_letters=0)
    assert await remove(world) == Removed(executions=1)
    assert (await world.round(states["stuck"])).reason == Dismissed(ANA, "")
    for name in ("waits", "sending"):
        assert SECRET in (await world.uow.read.posting(states[name])).view.output.text


@both
@pytest.mark.parametrize("set_aside", [False, True])
async def test_never_what_has_a_job(world: World, *, set_aside: bool) -> None:
    await a_story(world)
    world.clock.advance(90 * DAY)
    async with world.uow.begin() as tx:
        await tx.enqueue(
            [Effect(kind=EffectKind.FORWARD, target="w-1", crew="research", execution_id="e-1")],
            at=world.clock(),
        )
    if set_aside:
        async with world.engines.write.begin() as connection:
            await connection.execute(sa.update(outbox).values(set_aside_at=world.clock()))
    assert await remove(world) == Removed()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    assert await remove(world) == Removed(executions=1)


async def test_an_end_that_a_wrong_clock_told_is_not_believed(world: World) -> None:
    await a_story(world)
    async with world.engines.write.begin() as connection:
        ts = f"{world.clock().timestamp():.6f}"
        await connection.execute(sa.text(f"UPDATE rounds SET card_ts = '{ts}'"))  # noqa: S608
        await connection.execute(sa.text("UPDATE executions SET ended_at = 0"))
        await connection.execute(sa.text("UPDATE rounds SET ended_at = 0"))
    assert await remove(world) == Removed()
    world.clock.advance(91 * DAY)
    assert await remove(world) == Removed(executions=1)


@both
async def test_what_was_gone_is_not_reopened_without_its_text(world: World) -> None:
    round_ = (await world.notify(SECRET)).round
    await world.settle_slack()
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", "e-1", at=world.clock())
        gone = execution.end(ExecutionState.GONE, world.clock())
        await end_execution(tx, execution, gone, at=world.clock())
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    assert (await world.round(round_.id)).reason == ExecutionGone()
    world.clock.advance(91 * DAY)
    assert await remove(world) == Removed(executions=1)
    assert not (await world.round(round_.id)).can_reopen
    # The crew knows it after all: what it asks now is a new round, and that is removed one day.
    world.crew.pause()
    again = (await world.notify(f"{SECRET}, again.")).round
    assert (again.number, again.state) == (2, State.WAITING)
    assert (await world.round(round_.id)).state is State.CLOSED
    view = (await world.uow.read.posting(again.id)).view
    assert (view.previous, view.before) == (None, None)
    await world.settle_slack()
    await world.decide(again.id)
    await world.turn(CREW)
    await end(world)
    world.clock.advance(91 * DAY)
    assert await remove(world) == Removed(executions=1)
    assert SECRET not in await everything(world)


async def test_of_a_flow_its_labels_stay(world: World) -> None:
    output = Output(SECRET, rewritten=Rewritten(f"{SECRET}, before.", (f"No {SECRET}.",)))
    asked = (await world.ask(output=output)).round
    assert isinstance(asked.subject, Question)
    await world.settle_slack()
    label = asked.subject.outcomes[0]
    await world.decide(asked.id, Answer(label, is_label=True))
    await world.turn(CREW)
    words = (await world.ask(f"{SECRET}!", request_id="q-2")).round
    await world.settle_slack()
    await world.decide(words.id, Revise(f"{SECRET}, in words"))
    await world.turn(CREW)
    await end(world, asked.review.execution_id)
    world.clock.advance(91 * DAY)
    assert await remove(world) == Removed(executions=1)
    verdicts = [(await world.round(one.id)).decision for one in (asked, words)]
    assert [one and one.verdict for one in verdicts] == [Answer(label, is_label=True), Answer("")]
    reasons = [(await world.round(one.id)).reason for one in (asked, words)]
    assert reasons == [TakenAs(label), TakenAs("")]
    assert (await world.uow.read.posting(asked.id)).view.output == Output("")
    assert SECRET not in await everything(world)


@both
async def test_dead_letters_go_by_their_own_time(world: World) -> None:
    letter = await world.store_dead_letter(SECRET.encode())
    world.clock.advance(91 * DAY)
    # Its report waits for Slack.
    assert await remove(world) == Removed()
    await world.settle_slack()
    await dismiss_report(letter, by=ANA, why=SECRET, context=world.reviews)
    await world.settle_slack()
    await world.store_dead_letter(b"a new one")
    await world.store_dead_letter(b"of another", crew="other")
    assert await count(world) == Removed(executions=0, dead_letters=1)
    assert await remove(world) == Removed(dead_letters=1)
    removed = await world.uow.read.dead_letters.find(letter)
    assert removed is not None
    assert (removed.body, removed.reason, removed.removed_at) == (b"", "", world.clock())
    assert removed.dismissed == Dismissed(ANA, "")
    assert await remove(world) == Removed()


@both
async def test_lessons_go_some_time_after_their_end(world: World) -> None:
    world.crews["research"] = a_crew(lessons_expire=30 * DAY)
    texts = ("Kept.", "Over.", "Dropped.", "Retired.", "Proposed.")
    found = {text: await propose(world, f"{SECRET}: {text}", f"e-{text}") for text in texts}
    for text in ("Over.", "Retired."):
        await keep(world, found[text])
    await lessons.drop(ANA, found["Dropped."].id, context=world.reviews)
    await lessons.retire(ANA, found["Retired."].id, context=world.reviews)
    await world.settle_slack()
    world.clock.advance(100 * DAY)
    await keep(world, found["Kept."])
    assert await count(world) == await remove(world) == Removed(lessons=2)
    assert [text for text in texts if f"{SECRET}: {text}" not in await everything(world)] == [
        "Dropped.",
        "Retired.",
    ]
    world.clock.advance(21 * DAY)
    assert await remove(world) == Removed(lessons=1)
    assert await in_force(world) == [f"{SECRET}: Kept."]
    await world.settle_slack()
    channel = [one for one in world.slack.messages if one.ref.channel == "C0REVIEWS"]
    cards = [one.shows for one in channel if isinstance(one.shows, Lesson)]
    assert sorted(one.text for one in cards) == [
        "",
        "",
        "",
        f"{SECRET}: Kept.",
        f"{SECRET}: Proposed.",
    ]
    dropped, _ = await world.uow.read.lessons.find(found["Dropped."].id)
    assert (dropped.state, dropped.ended_by) == (LessonState.DROPPED, ANA)
    again = await kept(world, f"{SECRET}: Over.", "e-again")
    assert again.state is LessonState.KEPT


@both
async def test_many_go_in_batches_and_what_stays_holds_up_nothing(world: World) -> None:
    world.crew.pause()
    for number in range(BATCH + 2):
        await world.notify(execution_id=f"waits-{number:02}")
    for number in range(BATCH + 2):
        await world.record(CrewUpdate(result=Output(SECRET)), f"e-{number:02}")
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("UPDATE executions SET ended_at = began_at"))
        await connection.execute(sa.delete(outbox))
    world.clock.advance(91 * DAY)
    assert await remove(world) == Removed(executions=BATCH + 2)


@both
async def test_it_is_in_the_audit_trail(world: World) -> None:
    await a_story(world)
    await world.store_dead_letter()
    await world.settle_slack()
    world.clock.advance(91 * DAY)
    await remove(world, by=OPERATOR)
    async with world.engines.read.connect() as connection:
        rows = await connection.scalars(
            sa.select(audit_entries.c.body).order_by(audit_entries.c.id)
        )
        told = [json.loads(body) for body in rows]
    purged = [one for one in told if one["code"] == "CG194"]
    before = (world.clock() - 90 * DAY).isoformat()
    assert [(one["actor"], one["execution"], one["data"]) for one in purged] == [
        (OPERATOR, "", {"before": before, "dead_letters": 1}),
        (OPERATOR, "e-1", {"before": before}),
    ]


class Stopped(Exception):
    """The loop has slept often enough."""


class Loop:
    """A loop whose sleeps are counted."""

    def __init__(self, world: World) -> None:
        self.slept: list[float] = []
        self.scrubs: list[bool] = []
        self.there: datetime | None = world.clock()
        self.loop = RemovalLoop(
            world.uow,
            crews=world.crews | {"other": a_crew("other")},
            clock=world.clock,
            slack_time=self.slack_time,
            sleep=self.sleep,
            scrub=self.scrub,
        )

    async def slack_time(self) -> datetime | None:
        return self.there

    async def scrub(self) -> bool:
        self.scrubs.append(len(self.scrubs) > 0)
        return self.scrubs[-1]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds == LOOK_EVERY:
            raise Stopped

    async def turn(self) -> None:
        with pytest.raises(Stopped):
            await self.loop.run()


async def test_a_loop_removes_by_the_crew_s_retention(world: World, logs: Logs) -> None:
    await a_story(world)
    world.crews["research"] = a_crew(retention=30 * DAY)
    world.clock.advance(29 * DAY)
    loop = Loop(world)
    await loop.turn()
    assert (loop.slept, loop.scrubs) == ([LOOK_EVERY], [])
    world.clock.advance(2 * DAY)
    loop.there = world.clock()
    await loop.turn()
    assert loop.slept == [LOOK_EVERY, BATCH_EVERY, LOOK_EVERY]
    assert [one["executions"] for one in logs if one["event"] == "texts_removed"] == [1]
    # The log was in use; the next turn tries again, and once it worked it is over.
    await loop.turn()
    await loop.turn()
    assert loop.scrubs == [False, True]


async def test_a_clock_that_is_ahead_removes_nothing_early(world: World) -> None:
    await a_story(world)
    world.crews["research"] = a_crew(retention=30 * DAY)
    loop = Loop(world)
    world.clock.advance(31 * DAY)  # and Slack's did not
    await loop.turn()
    assert SECRET in await everything(world)
    loop.there = None
    await loop.turn()
    assert SECRET in await everything(world)
    loop.there = world.clock() + 100 * DAY  # whichever of the two is ahead
    world.clock.advance(-5 * DAY)
    await loop.turn()
    assert SECRET in await everything(world)
    world.clock.advance(6 * DAY)
    await loop.turn()
    assert SECRET not in await everything(world)


async def test_a_database_that_is_away_is_tried_again(world: World, logs: Logs) -> None:
    world.crews["research"] = a_crew(retention=30 * DAY)
    loop = Loop(world)

    def begin() -> None:
        raise StoreUnavailable("locked")

    loop.loop.uow = type("Away", (), {"begin": staticmethod(begin)})()
    await loop.turn()
    assert [one["event"] for one in logs] == ["texts_not_removed"]


@both
async def test_two_processes_share_the_work(world: World) -> None:
    for number in range(2 * BATCH):
        await world.record(CrewUpdate(result=Output(SECRET)), f"e-{number:02}")
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    world.clock.advance(91 * DAY)
    removed = await asyncio.gather(remove(world), remove(world))
    assert sum(one["executions"] for one in removed) == 2 * BATCH
    async with world.engines.read.connect() as connection:
        entries = (await connection.scalars(sa.select(audit_entries.c.execution_id))).all()
    assert len([one for one in entries if one]) == 2 * BATCH


@both
async def test_what_comes_while_texts_are_removed_keeps_its_text(world: World) -> None:
    await world.record(CrewUpdate(result=Output(SECRET)))
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    world.clock.advance(91 * DAY)
    removals: list[asyncio.Task[Removed]] = []

    @asynccontextmanager
    async def begin() -> AsyncIterator[Tx]:
        async with world.uow.begin() as tx:
            yield tx
            # It waits for the execution's lock.
            removals.append(asyncio.create_task(remove(world)))
            await asyncio.wait(removals, timeout=0.5)

    slow = copy(world.uow)
    slow.begin = begin  # type: ignore[method-assign]
    round_ = (await replace(world, uow=slow).notify(SECRET)).round
    assert await removals[0] == Removed()
    assert (await world.uow.read.posting(round_.id)).view.output.text == SECRET


async def test_of_a_crew_that_the_settings_do_not_name_any_more(world: World) -> None:
    first = await a_story(world)
    world.clock.advance(91 * DAY)
    del world.crews["research"]
    assert await remove(world) == Removed(executions=1)
    await world.settle_slack()
    shown = world.slack.card(first).shows
    assert shown is not None
    assert shown.removed_at == world.clock()
    assert await world.set_aside() == []


@both
async def test_words_of_an_earlier_run_go_too(world: World) -> None:
    ran = CallResult(CallState.RAN, f"{SECRET}, sent.")
    call = replace(CALL, may_have_run=True, earlier=ran)
    round_ = await called(world, call=call)
    await world.decide(round_.id, seen=Seen(unseen=frozenset(Unseen)))
    await world.turn(CREW)
    await end(world)
    world.clock.advance(90 * DAY)
    assert await remove(world) == Removed(executions=1)
    assert SECRET not in await everything(world)
    bare = replace(call, earlier=CallResult(CallState.RAN))
    assert (await world.round(round_.id)).subject == bare


@both
async def test_an_unanswered_kickoff_is_kept_as_long_as_it_may_turn_up(world: World) -> None:
    named = (("inputs.manager", SECRET),)
    async with world.uow.begin() as tx:
        await tx.executions.record_kickoff("k-1", "research", None, named=named, at=world.clock())
    world.clock.advance(UNCLEAR)
    await remove(world, before=world.clock())
    assert SECRET in await everything(world)
    world.clock.advance(DAY)
    await remove(world, before=world.clock() - 30 * DAY)
    assert SECRET in await everything(world)
    await remove(world, before=world.clock())
    assert SECRET not in await everything(world)
