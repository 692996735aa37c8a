"""The lessons that a kickoff carries, and what its execution says of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.audit import Code
from crewgate.domain.errors import (
    NotAReader,
    StoreUnavailable,
    UnknownCrew,
)
from crewgate.domain.lessons import NO_LESSONS, LessonsGiven, LessonState
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.domain.people import User
from crewgate.domain.redaction import Redactor
from crewgate.domain.verdict import Person, Revise
from crewgate.usecases import lessons
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome, KickoffRequest
from crewgate.usecases.read_models import CrewLessons, CrewUnavailable
from crewgate.usecases.teaching import ASK_EVERY
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.databases import both
from tests.usecases.crew_standins import FakeCrew
from tests.usecases.taught import TEXT, WISH, in_force, keep, kept, propose
from tests.usecases.world import World

DAY = timedelta(days=1)


@pytest.fixture
def kickoffs(world: World) -> Kickoffs:
    """Kickoffs of a crew that takes lessons."""
    own = WebhookUrls(human_input=HumanInputWebhook("https://ours.example"))
    world.crews["research"] = a_crew(own=own)
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
    world.crew.kickoff_outcome = KickoffAnswer(
        status=200, body=b"{}", content_type="", execution_id=execution
    )
    await kickoffs.start("research", KickoffRequest(body=b"{}", **more))
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


async def test_a_crew_is_asked_again_once_its_answer_is_ten_minutes_old(
    world: World, kickoffs: Kickoffs
) -> None:
    await start(kickoffs, world)
    world.clock.advance(ASK_EVERY - timedelta(microseconds=1))
    await start(kickoffs, world, "k-2")
    assert world.crew.inputs_asked == 1
    world.clock.advance(timedelta(microseconds=1))
    await start(kickoffs, world, "k-3")
    assert world.crew.inputs_asked == 2


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


async def test_kickoffs_at_once_ask_a_crew_once(
    world: World, kickoffs: Kickoffs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def inputs() -> tuple[str, ...]:
        world.crew.inputs_asked += 1
        await in_force(world)  # others come meanwhile
        return world.crew.takes

    monkeypatch.setattr(world.crew, "inputs", inputs)
    sent = await asyncio.gather(*(start(kickoffs, world) for _ in range(3)))
    assert sent == [NO_LESSONS] * 3
    assert world.crew.inputs_asked == 1


async def test_a_crew_that_has_come_to_take_lessons_is_started_at_once(
    world: World, kickoffs: Kickoffs, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = await kept(world)
    world.crew.takes = ("topic",)
    refusal = KickoffAnswer(status=400, body=b"", content_type="", missing=("lessons",))
    sent = []

    async def kickoff(request: KickoffRequest, _: WebhookUrls) -> KickoffOutcome:
        sent.append(request.lessons)
        is_filled = request.lessons is not None
        return (
            KickoffAnswer(status=200, body=b"{}", content_type="", execution_id="k-1")
            if is_filled
            else refusal
        )

    monkeypatch.setattr(world.crew, "kickoff", kickoff)
    outcome = await kickoffs.start("research", KickoffRequest(body=b"{}"))
    assert isinstance(outcome, KickoffAnswer)
    assert outcome.execution_id == "k-1"
    assert sent == [None, f"1. {TEXT}"]
    assert (await world.execution("k-1")).lessons == LessonsGiven((lesson.id,))
    await kickoffs.start("research", KickoffRequest(body=b"{}"))
    assert sent[2:] == [f"1. {TEXT}"]
    sent.clear()
    given = KickoffRequest(body=b"{}", gives_lessons=True)
    assert await kickoffs.start("research", given) == refusal
    assert sent == [None]


async def test_a_crew_is_started_while_its_lessons_cannot_be_read(
    world: World, kickoffs: Kickoffs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.uow.read.lessons, "in_force", away)
    assert await start(kickoffs, world) == NO_LESSONS


@both
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
        "research": Meanwhile(
            kickoff_outcome=KickoffAnswer(
                status=200, body=b"", content_type="", retry_after=None, execution_id="k-1"
            )
        )
    }
    await kickoffs.start("research", KickoffRequest(body=b"{}"))
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


# --- does it help? --------------------------------------------------------------------------------


async def review(
    world: World, execution: str, *wishes: str, task: str = "draft", by: Person = ANA
) -> None:
    """Outputs of an execution are revised with these wishes; the last one is approved."""
    for wish in wishes:
        round_ = (await world.notify(f"Not {wish}", execution_id=execution, task_id=task)).round
        world.clock.advance(timedelta(minutes=1))
        await world.decide(round_.id, Revise(wish), by=by)
    round_ = (await world.notify("Fine.", execution_id=execution, task_id=task)).round
    await world.decide(round_.id, by=by)


async def shown(world: World, by: Person = ANA) -> CrewLessons:
    [found] = await lessons.lessons_of(by.id, None, context=world.reviews)
    return found


@both
async def test_a_lessons_wish_is_counted_before_and_after_it_was_kept(
    world: World, kickoffs: Kickoffs
) -> None:
    await review(world, "e-9", "Add a source for each figure.")
    lesson = await kept(world)  # made of a wish of its own
    await review(world, "e-8", "Add a source for each figure.")  # it was given to others alone
    for number in range(2):
        await start(kickoffs, world, f"k-{number}")
        await review(world, f"k-{number}", "Please add a source for every figure", "Shorter.")
    await world.notify(execution_id="k-0", task_id="send", call=ToolCall("send"))
    [line] = (await shown(world)).lines
    assert (line.lesson, line.uses, line.wish) == (lesson, 2, WISH)
    assert (line.before, line.again, line.is_not_followed) == (2, 2, False)
    await start(kickoffs, world, "k-3")
    await review(world, "k-3", "Every figure: add a source!")
    [line] = (await shown(world)).lines
    assert (line.before, line.again, line.is_not_followed) == (2, 3, True)
    world.clock.advance(91 * DAY)
    assert await shown(world) == CrewLessons("research")


async def test_a_list_has_proposals_and_only_what_its_reader_may_read(
    world: World, kickoffs: Kickoffs
) -> None:
    world.directory.channels["C0LEGAL"] = set()
    first = await kept(world)
    world.clock.advance(DAY)
    second = await propose(world, "Shorter.", "e-2")
    dropped = await propose(world, "Longer.", "e-3")
    await lessons.drop(ANA, dropped.id, context=world.reviews)
    world.clock.advance(DAY)
    usual = world.crews["research"]
    rule = a_rule(channel="C0LEGAL", reviewers=(User(BEN.id),))
    world.crews["research"] = replace(usual, rules=(rule,))
    first_round = (await world.notify(execution_id="e-4")).round
    await world.decide(first_round.id, Revise("Cite the law."), by=BEN)
    second_round = (await world.notify("Law.", execution_id="e-4")).round
    await world.decide(second_round.id, by=BEN)
    third = await lessons.propose(BEN, second_round.id, "Cite the law.", context=world.reviews)

    assert [line.lesson for line in (await shown(world, BEN)).lines] == [third, second, first]
    world.directory.channels["C0REVIEWS"].add(CAI.id)
    assert [line.lesson for line in (await shown(world, CAI)).lines] == [second, first]
    assert await lessons.lessons_of(EVE.id, None, context=world.reviews) == ()
    with pytest.raises(NotAReader):
        await lessons.lessons_of(EVE.id, "research", context=world.reviews)
    with pytest.raises(UnknownCrew):
        await lessons.lessons_of(ANA.id, "nobody", context=world.reviews)


async def test_of_many_lessons_some_are_shown_and_few_are_given(
    world: World, kickoffs: Kickoffs
) -> None:
    lesson = await kept(world)
    at = world.clock()
    for number in range(210):
        other = replace(lesson, id=f"l-{number}", text=f"Lesson {number}.", kept_at=at + DAY)
        async with world.uow.begin() as tx:
            assert await tx.lessons.add(other, at=at)
    assert len((await shown(world)).lines) == 200
    sent = await start(kickoffs, world)
    assert sent is not None
    given = (await world.execution("k-1")).lessons
    assert given is not None
    assert (len(sent.splitlines()), len(given.ids), given.left_out) == (12, 12, 188)


async def test_a_crew_that_is_slow_to_say_what_it_takes_holds_no_kickoff_up(
    world: World, kickoffs: Kickoffs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kept(world)
    world.crew.takes = ("topic",)
    assert await start(kickoffs, world) is None
    answers = asyncio.Event()

    async def inputs() -> tuple[str, ...]:
        world.crew.inputs_asked += 1
        await answers.wait()
        return ("topic", "lessons")

    monkeypatch.setattr(world.crew, "inputs", inputs)
    world.clock.advance(ASK_EVERY)
    for number in (2, 3):
        assert await start(kickoffs, world, f"k-{number}") is None
    assert world.crew.inputs_asked == 2
    answers.set()
    assert await start(kickoffs, world, "k-4") == f"1. {TEXT}"


async def test_those_who_ask_at_once_share_the_first_question(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answers = asyncio.Event(), asyncio.Event()

    async def inputs() -> tuple[str, ...]:
        world.crew.inputs_asked += 1
        begun.set()
        await answers.wait()
        return ("topic", "lessons")

    monkeypatch.setattr(world.crew, "inputs", inputs)
    asked = [asyncio.create_task(world.teaching.is_for("research")) for _ in range(3)]
    await begun.wait()
    answers.set()
    assert await asyncio.gather(*asked) == [True] * 3
    assert world.crew.inputs_asked == 1
