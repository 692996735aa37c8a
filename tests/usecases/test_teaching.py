"""The lessons that a kickoff carries, and what its execution says of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.audit import Code
from crewgate.domain.errors import (
    StoreUnavailable,
)
from crewgate.domain.lessons import NO_LESSONS, LessonsGiven, LessonState
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.domain.redaction import Redactor
from crewgate.usecases import lessons
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome, KickoffRequest
from crewgate.usecases.read_models import CrewUnavailable
from tests.builders import ANA, BEN, a_crew
from tests.databases import both
from tests.usecases.crew_standins import FakeCrew
from tests.usecases.taught import TEXT, in_force, keep, kept, propose
from tests.usecases.world import World

DAY = timedelta(days=1)


@pytest.fixture
def kickoffs(world: World) -> Kickoffs:
    """Kickoffs of a crew that takes lessons; none goes without them by lot."""
    own = WebhookUrls(human_input=HumanInputWebhook("https://ours.example"))
    world.crews["research"] = a_crew(own=own, lessons_without=0)
    world.crew.takes = ("topic", "lessons")
    return Kickoffs(
        uow=world.uow,
        crews=world.crews,
        clients={"research": world.crew},
        clock=world.clock,
        new_id=world.new_id,
        redactors={"research": Redactor()},
        teaching=world.teaching,
    )


async def start(
    kickoffs: Kickoffs, world: World, execution: str = "k-1", **more: Any
) -> str | None:
    """Start an execution; return the lessons that it was sent."""
    world.crew.kickoff_outcome = KickoffAnswer(200, b"{}", "", execution_id=execution)
    await kickoffs.start("research", KickoffRequest(b"{}", **more))
    return world.crew.kickoffs[-1][0].lessons


@both
async def test_a_kickoff_carries_the_kept_lessons_and_its_execution_says_which(
    world: World, kickoffs: Kickoffs
) -> None:
    first = await kept(world)
    world.clock.advance(DAY)
    second = await kept(world, "Shorter.", "e-2")
    await propose(world, "Never proposed to the end.", "e-3")

    assert await start(kickoffs, world) == f"1. {TEXT}\n2. Shorter."

    execution = await world.execution("k-1")
    assert execution.lessons == LessonsGiven((first.id, second.id))
    [entry] = await world.entries(Code.LESSONS_GIVEN)
    assert (entry["execution"], entry["data"]["lessons"]) == ("k-1", [first.id, second.id])
    await lessons.retire(ANA, first.id, context=world.reviews)
    assert await start(kickoffs, world, "k-2") == "1. Shorter."
    round_ = (await world.notify(execution_id="k-1")).round
    given = await lessons.lessons_given(ANA.id, round_.id, context=world.reviews)
    assert [one.state for one in given] == [LessonState.RETIRED, LessonState.KEPT]


async def test_a_crew_that_takes_lessons_is_told_if_there_are_none(
    world: World, kickoffs: Kickoffs
) -> None:
    assert await start(kickoffs, world) == NO_LESSONS
    assert (await world.execution("k-1")).lessons == LessonsGiven()
    assert await world.entries(Code.LESSONS_GIVEN) == []


async def test_what_a_caller_gives_itself_is_not_touched(world: World, kickoffs: Kickoffs) -> None:
    await kept(world)
    assert await start(kickoffs, world, gives_lessons=True) is None
    assert (await world.execution("k-1")).lessons is None
    assert world.crew.inputs_asked == 0


async def test_a_crew_that_takes_no_lessons_gets_none(world: World, kickoffs: Kickoffs) -> None:
    world.crew.takes = ("topic",)
    await kept(world)
    assert await start(kickoffs, world) is None
    assert (await world.execution("k-1")).lessons is None


async def test_a_crew_that_never_answered_gets_lessons_only_if_it_has_some(
    world: World, kickoffs: Kickoffs
) -> None:
    world.crew.says = CrewUnavailable("no answer")
    assert await start(kickoffs, world) is None
    await kept(world)
    assert await start(kickoffs, world, "k-2") == f"1. {TEXT}"
    assert await world.teaching.is_for("no-url") is None


async def test_what_a_crew_answered_last_counts_while_it_is_away(
    world: World, kickoffs: Kickoffs
) -> None:
    assert await start(kickoffs, world) == NO_LESSONS
    world.crew.says = CrewUnavailable("no answer")
    world.clock.advance(DAY)
    assert await start(kickoffs, world, "k-2") == NO_LESSONS
    assert world.crew.inputs_asked == 2


async def test_a_crew_is_started_while_its_lessons_cannot_be_read(
    world: World, kickoffs: Kickoffs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.uow.read.lessons, "in_force", away)
    assert await start(kickoffs, world) == NO_LESSONS


async def test_a_share_of_kickoffs_carries_no_lessons_by_lot(
    world: World, kickoffs: Kickoffs
) -> None:
    world.crews["research"] = replace(world.crews["research"], lessons_without=1)
    await kept(world)
    assert await start(kickoffs, world) == NO_LESSONS
    assert (await world.execution("k-1")).lessons == LessonsGiven(without=True)
    [entry] = await world.entries(Code.LESSONS_GIVEN)
    assert (entry["data"]["lessons"], entry["data"]["without"]) == ([], True)


async def test_a_kickoff_has_the_lessons_that_were_kept_when_it_was_sent(
    world: World, kickoffs: Kickoffs
) -> None:
    first, second = await kept(world), await propose(world, "Shorter.", "e-2")

    class Meanwhile(FakeCrew):
        async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome:
            await lessons.retire(ANA, first.id, context=world.reviews)
            await keep(world, second)
            await world.notify(execution_id="k-1")
            return await super().kickoff(request, webhooks)

    kickoffs.clients = {
        "research": Meanwhile(kickoff_outcome=KickoffAnswer(200, b"", "", None, "k-1"))
    }
    await kickoffs.start("research", KickoffRequest(b"{}"))
    assert (await world.execution("k-1")).lessons == LessonsGiven((first.id,))
    assert await in_force(world) == ["Shorter."]


async def test_the_lessons_of_an_execution_stay_those_of_its_first_kickoff(
    world: World, kickoffs: Kickoffs
) -> None:
    lesson = await kept(world)
    await start(kickoffs, world)
    await lessons.retire(BEN, lesson.id, context=world.reviews)
    await start(kickoffs, world)
    assert (await world.execution("k-1")).lessons == LessonsGiven((lesson.id,))
    assert len(await world.entries(Code.LESSONS_GIVEN)) == 1
