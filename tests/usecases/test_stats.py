"""Numbers about decisions: they are exact, and shown to permitted people alone."""

from datetime import timedelta

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.audit import Code
from crewgate.domain.caveats import Seen, Unseen
from crewgate.domain.caveats import Share as Whole
from crewgate.domain.errors import NotAReader, UnknownCrew
from crewgate.domain.people import User
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.domain.stats import Decided, Share, Stats
from crewgate.domain.verdict import Answer, Approve, Revise, Verdict
from crewgate.usecases.decide import edit
from crewgate.usecases.read_models import NO_RULE_ID
from crewgate.usecases.stats import decisions, stats
from tests.builders import ANA, BEN, EVE, SECOND, a_crew, a_rule
from tests.databases import both
from tests.store.plans import insert_many
from tests.usecases.world import CREW, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def ask(world: World, by: str = ANA.id, crew: str | None = None, days: int = 7) -> Stats:
    return await stats(by, crew=crew, days=days, context=world.reviews)


async def decide_after(world: World, wait: timedelta, execution: str, text: str = "A.") -> None:
    round_ = (await world.notify(text, execution_id=execution)).round
    world.clock.advance(wait)
    await world.decide(round_.id)


@both
async def test_what_was_decided_is_counted_beside_the_span_before(world: World) -> None:
    rule = a_rule(
        target=Duration.parse("2h"),
        working_hours=WorkingHours.parse("Mon-Fri 09:00-10:00 UTC"),
        timeout=TimeOut(Duration.parse("3d"), TimeoutAction.REVISE, "Stop."),
    )
    await decide_after(world, 2 * HOUR, "e-0")
    world.clock.advance(7 * DAY)
    world.crews["research"] = a_crew(rules=(rule,))
    first = (await world.notify("A draft.", execution_id="e-1")).round  # at 11:00 on a Monday
    world.clock.advance(DAY)
    await world.decide(first.id, Revise("Shorter."), by=BEN)
    world.clock.advance(HOUR)
    await decide_after(world, timedelta(seconds=9), "e-1", "B" * 1_000)
    await world.notify(execution_id="e-2")
    await world.settle_slack()
    world.clock.advance(4 * DAY)
    await world.settle_slack()
    waits = (await world.notify(execution_id="e-3")).round

    found = await ask(world)

    now, before = found.team.now, found.team.before
    assert (now.decided, now.by_rule, now.approved, now.revised) == (2, 1, 1, 1)
    assert (now.at_once, now.rounds) == (Share(0, 1), 2.0)
    assert (now.median, now.most) == (timedelta(), HOUR)
    assert now.on_target == Share(1, 2)
    assert now.hasty == Share(1, 1)
    assert now.made_in == HOUR
    assert (before.decided, before.at_once, before.median) == (1, Share(1, 1), 2 * HOUR)
    assert found.waiting is not None
    assert (found.waiting.count, found.waiting.since) == (1, waits.opened_at)
    assert found.mine is not None
    assert (found.mine.now.decided, found.mine.before.decided) == (1, 1)
    assert found.people == ()


@both
async def test_a_persons_own_text_is_no_wait_and_no_haste(world: World) -> None:
    draft = "A long draft. " * 99
    round_ = (await world.notify(draft, takes_edits=True)).round
    world.clock.advance(HOUR)
    await edit(
        round_.id,
        draft + "And more.",
        by=ANA,
        context=world.reviews,
        seen=Seen(share=Whole(len(draft), len(draft))),
    )
    now = (await ask(world)).team.now
    assert (now.approved, now.at_once, now.rounds) == (1, Share(0, 1), 2.0)
    assert (now.median, now.hasty) == (None, Share(0, 1))


@both
async def test_a_colleagues_text_is_read_from_when_it_was_there(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    draft = "A long draft. " * 700
    round_ = (await world.notify(draft, takes_edits=True)).round
    world.clock.advance(HOUR)
    theirs = await edit(
        round_.id,
        draft + "And more.",
        by=ANA,
        context=world.reviews,
        seen=Seen(share=Whole(len(draft), len(draft))),
    )
    world.clock.advance(SECOND)
    await world.decide(theirs.id, by=BEN, seen=Seen(unseen=frozenset(Unseen)))
    now = (await ask(world)).team.now
    assert (now.hasty, now.median) == (Share(1, 1), HOUR)


@both
async def test_a_clock_that_jumps_back_makes_no_haste(world: World) -> None:
    await decide_after(world, -HOUR, "e-1", "B" * 1_000)
    now = (await ask(world)).team.now
    assert (now.approved, now.median, now.hasty) == (1, timedelta(), Share(0, 1))


async def test_nothing_was_decided(world: World) -> None:
    found = await ask(world)
    assert [one.crew for one in found.crews] == ["research"]
    assert (found.team.now.decided, found.mine, found.waiting) == (0, None, None)


async def test_only_crews_that_a_person_may_read_are_counted(world: World) -> None:
    world.directory.channels["C0SECRET"] = set()
    world.crews["secret"] = a_crew("secret", channel="C0SECRET", reviewers=(User(EVE.id),))
    round_ = (await world.notify(crew="secret", execution_id="e-9")).round
    await world.decide(round_.id, by=EVE)
    assert [one.crew for one in (await ask(world)).crews] == ["research"]
    assert (await ask(world)).team.now.decided == 0
    assert (await ask(world, EVE.id, "secret")).team.now.decided == 1
    with pytest.raises(NotAReader):
        await ask(world, crew="secret")


async def test_a_crew_that_the_settings_no_longer_name_is_not_counted(world: World) -> None:
    await decide_after(world, HOUR, "e-1")
    del world.crews["research"]
    assert (await ask(world)).crews == ()
    with pytest.raises(UnknownCrew):
        await ask(world, crew="research")


async def test_operators_see_who_decided_what(world: World) -> None:
    world.crews["research"] = a_crew(operators=(User(EVE.id),))
    await decide_after(world, HOUR, "e-1")
    found = await ask(world, EVE.id)
    assert [(who, figures.decided) for who, figures in found.people] == [(ANA.id, 1)]
    assert (await ask(world)).people == ()


async def listed(world: World, by: str, crew: str | None = None) -> list[Decided]:
    found = decisions(by, crew=crew, days=7, context=world.reviews)
    return sorted([one async for one in found], key=lambda one: one.decided_at)


@both
async def test_each_decision_is_listed_with_names_only_for_those_who_may_see_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crewgate.store.stats.PAGE", 2)
    await decide_after(world, HOUR, "e-0")
    world.clock.advance(8 * DAY)
    world.crews["research"] = a_crew(operators=(User(EVE.id),))
    world.crews["other"] = a_crew("other")
    for number in range(1, 4):
        await decide_after(world, HOUR, f"e-{number}")
    round_ = (await world.notify(crew="other", execution_id="e-9")).round
    await world.decide(round_.id, Revise("Shorter."), by=BEN)
    world.clock.advance(HOUR)
    asked = (await world.ask()).round
    await world.decide(asked.id, Answer("approved", is_label=True))

    found = await listed(world, BEN.id)

    assert [one.execution for one in found] == ["e-1", "e-2", "e-3", "e-9", "f-1"]
    assert [one.verdict for one in found] == [*["approve"] * 3, "revise", "answer"]
    assert {one.name for one in found[:3]} == {""}
    assert (found[3].name, found[3].crew) == (BEN.name, "other")
    assert (found[0].waited_seconds, found[0].within_target, found[0].round) == (3600, None, 1)
    assert [one.decided_by for one in await listed(world, EVE.id, "research")] == [ANA.id] * 4
    first, second = await world.entries(Code.LISTED)
    assert (first["actor"], first["data"]["crews"]) == (BEN.id, ["other", "research"])
    assert (second["actor"], second["data"]["names_of"]) == (EVE.id, ["research"])
    with pytest.raises(UnknownCrew):
        await listed(world, ANA.id, "nobody")


@both
async def test_calls_of_tools_are_counted_apart(world: World) -> None:
    await decide_after(world, HOUR, "e-1")
    verdicts: tuple[Verdict, ...] = (Approve(), Revise("No."), Revise("Never."))
    for number, verdict in enumerate(verdicts):
        received = await world.notify(task_id=f"send-{number}", call=ToolCall("send"))
        await world.decide(received.round.id, verdict)
    now = (await ask(world)).team.now
    assert (now.decided, now.approved, now.revised) == (1, 1, 0)
    assert (now.acts_allowed, now.acts_refused) == (1, 2)
    assert (now.median, now.at_once) == (HOUR, Share(1, 1))
    assert [one.is_call for one in await listed(world, ANA.id)] == [False, True, True, True]


@both
async def test_a_crew_with_fifty_decisions_has_a_sample(world: World) -> None:
    now = int(world.clock().timestamp() * 1_000_000)
    await insert_many(world.engines, 450, first=1, at=now - 10_000, bare=True)
    assert (await ask(world)).sampled is None
    await insert_many(world.engines, 1_800, first=451, at=now - 10_000, bare=True)
    found = (await ask(world)).sampled
    assert found is not None
    assert (found.rounds, found.sent_back.part) == (60, 0)
    assert 30 <= found.read < 50


async def rewrite(world: World, execution: str = "e-1") -> str:
    """Ana gives a text of her own; its round's id."""
    first = (await world.notify(execution_id=execution, takes_edits=True, takes_key=True)).round
    edited = await edit(
        first.id,
        "Another draft.",
        by=ANA,
        context=world.reviews,
        seen=Seen(share=Whole(8, 8)),
    )
    return edited.id


@both
async def test_a_rewritten_output_counts_as_sent_back_however_many_approve(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(name="two", approvals=2),))
    world.crew.pause()
    await world.decide(await rewrite(world), by=BEN)
    await world.turn(CREW)
    rules = [NO_RULE_ID, *(one.id for one in await world.uow.read.rules(("research",)))]
    found = await world.uow.read.stats.verdicted({"research": rules}, since=world.clock() - DAY)
    assert [one.sent_back for one in found] == [True]


@both
async def test_a_rewritten_first_output_was_not_approved_at_once(world: World) -> None:
    await rewrite(world)
    await world.decide((await world.notify(execution_id="e-2")).round.id)
    now = (await ask(world)).team.now
    assert (now.at_once.part, now.at_once.whole) == (1, 2)
