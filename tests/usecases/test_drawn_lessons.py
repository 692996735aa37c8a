"""Lessons that CrewAI draws from answers to a flow: kept in a question, retired, ended by time."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.domain.audit import Code, digest_of
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import LessonProblem, LessonRefused, OwnLesson
from crewgate.domain.lessons import Lesson, LessonEnded, LessonState
from crewgate.domain.notification import RequestId, Source
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import User
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Person, Revise
from crewgate.store.tables import flow_requests, outbox
from crewgate.usecases import lessons
from crewgate.usecases.decide import dismiss
from crewgate.usecases.removal import remove_texts
from tests.builders import ANA, BEN, CAI, a_crew, a_flow_request, a_rule
from tests.databases import both
from tests.usecases.crew_standins import DROP, KEEP, RETIRE
from tests.usecases.faults import AWAY, LOST, Fault
from tests.usecases.taught import in_force
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
CITE = "Cite each source."
YES, NO = (Answer(label, is_label=True) for label in (KEEP, DROP))
SOURCE = Source(keep=KEEP, retire=RETIRE)
URL = a_flow_request(request_id="l-1").callback.url
REVIEWERS = tuple(User(one.id) for one in (ANA, BEN, CAI))


async def answered(world: World, by: Person = ANA) -> Round:
    """A flow's question that somebody answered in words."""
    asked = await world.ask()
    answer = await world.decide(asked.round.id, Revise("Cite each source, please."), by=by)
    await world.turn(CREW)
    return answer


async def drawn(world: World, **changes: Any) -> Round:
    """The question about a lesson that CrewAI drew from that answer."""
    about: dict[str, Any] = {"flow_id": "lesson-1", "request_id": "l-1", "outcomes": (KEEP, DROP)}
    about |= {"source_request": RequestId(flow_id="f-1", request_id="8412"), "drawn_from": SOURCE}
    return (await world.ask(CITE, **about | changes)).round


async def kept(world: World, by: Person = BEN) -> Lesson:
    await answered(world)
    round_ = await world.decide((await drawn(world)).id, YES, by=by)
    await world.turn(CREW)
    found, _ = await world.uow.read.lessons.find(f"lesson-{round_.id}")
    return found


async def address(world: World, round_id: str) -> str | None:
    async with world.engines.read.connect() as connection:
        one = sa.select(flow_requests.c.callback_url).where(flow_requests.c.round_id == round_id)
        return await connection.scalar(one)


@pytest.fixture(autouse=True)
def reviewers(world: World) -> None:
    """Ana, Ben and Cai decide."""
    world.crews["research"] = a_crew(reviewers=REVIEWERS, lessons_expire=30 * DAY)


@both
async def test_the_host_is_told_how_long_a_lesson_is_kept(world: World) -> None:
    lesson = await kept(world)

    assert (lesson.text, lesson.author, lesson.of_flow) == (CITE, ANA, True)
    assert (lesson.state, lesson.expires_at) == (LessonState.KEPT, world.clock() + 30 * DAY)
    assert [one.by for one in lesson.votes] == [BEN]
    assert world.flows.lessons == {URL: lesson.expires_at}
    assert (await world.round(lesson.round_id)).state is State.RESUMED
    [entry] = await world.entries(Code.LESSON_KEPT)
    assert (entry["actor"], entry["data"]["text"]) == (BEN.id, digest_of(CITE, lesson.id))
    # No kickoff carries it, and nobody edits what a model drew.
    assert await in_force(world) == []
    with pytest.raises(LessonRefused) as refused:
        await lessons.replace_lesson(BEN, lesson.id, "Cite it.", context=world.reviews)
    assert refused.value.why is LessonProblem.NOT_TAUGHT


@both
async def test_a_lesson_of_a_flow_is_listed_and_retired(world: World) -> None:
    lesson = await kept(world)
    [listed] = await lessons.lessons_of(CAI.id, "research", context=world.reviews)
    assert [line.lesson for line in listed.lines] == [lesson]
    assert await address(world, lesson.round_id) == URL

    await lessons.retire(CAI, lesson.id, context=world.reviews)
    effects = await world.effects()
    assert EffectKind.TELL_AUTHOR in effects
    assert not {EffectKind.END_LESSON, EffectKind.REFRESH_LESSON} & {*effects}
    await world.turn(CREW)

    assert world.flows.lessons == {}
    assert await address(world, lesson.round_id) is None
    [listed] = await lessons.lessons_of(CAI.id, "research", context=world.reviews)
    assert listed.lines == ()
    [entry] = await world.entries(Code.LESSON_RETIRED)
    assert (entry["actor"], entry["data"]["lesson"]) == (CAI.id, lesson.id)
    with pytest.raises(LessonEnded):
        await lessons.retire(BEN, lesson.id, context=world.reviews)


@both
async def test_a_keep_that_was_dismissed_is_no_lesson(world: World) -> None:
    await answered(world)
    world.flows.faults.append(Fault(Refused("401", "No.")))
    round_ = await world.decide((await drawn(world)).id, YES, by=BEN)
    await world.turn(CREW)
    assert (await world.round(round_.id)).state is State.STUCK
    await dismiss(round_.id, "Nobody needs it.", by=CAI, context=world.reviews)
    [listed] = await lessons.lessons_of(CAI.id, "research", context=world.reviews)
    assert listed.lines == ()
    [entry] = await world.entries(Code.LESSON_RETIRED)
    assert entry["actor"] == CAI.id
    assert await address(world, round_.id) is None
    world.clock.advance(31 * DAY)
    await world.settle_slack()
    assert world.flows.lessons == {}


async def test_a_lesson_that_was_retired_before_is_retired_once(world: World) -> None:
    await answered(world)
    world.flows.faults.append(Fault(Refused("401", "No.")))
    round_ = await world.decide((await drawn(world)).id, YES, by=BEN)
    await world.turn(CREW)
    await lessons.retire(BEN, f"lesson-{round_.id}", context=world.reviews)
    await dismiss(round_.id, "Nobody needs it.", by=CAI, context=world.reviews)
    [entry] = await world.entries(Code.LESSON_RETIRED)
    assert entry["actor"] == BEN.id


async def test_a_dismissed_keep_that_may_have_arrived_can_be_retired(world: World) -> None:
    await answered(world)
    world.flows.faults += [Fault(LOST), Fault(Refused("401", "No."))]
    round_ = await world.decide((await drawn(world)).id, YES, by=BEN)
    for _ in range(2):
        await world.turn(CREW)
        world.clock.advance(timedelta(minutes=1))
    assert (await world.round(round_.id)).in_doubt
    await dismiss(round_.id, "Nobody needs it.", by=CAI, context=world.reviews)
    [listed] = await lessons.lessons_of(CAI.id, "research", context=world.reviews)
    assert [line.lesson.text for line in listed.lines] == [CITE]
    await lessons.retire(CAI, f"lesson-{round_.id}", context=world.reviews)
    assert EffectKind.RETIRE_AT_HOST in await world.effects()


@both
async def test_a_lesson_of_a_flow_ends_by_time_and_its_author_is_told(world: World) -> None:
    lesson = await kept(world)
    await world.settle_slack()
    world.clock.advance(30 * DAY)
    await world.turn()

    ended, _ = await world.uow.read.lessons.find(lesson.id)
    assert (ended.state, ended.ended_at) == (LessonState.RETIRED, lesson.expires_at)
    assert EffectKind.TELL_AUTHOR in await world.effects()
    assert EffectKind.RETIRE_AT_HOST not in await world.effects()
    # The host goes by the time that it was given.
    assert world.flows.asked[-1] == (URL, KEEP)
    assert await address(world, lesson.round_id) is None


async def test_a_lesson_that_is_kept_for_ever_has_no_end(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=REVIEWERS, lessons_expire=None)
    lesson = await kept(world)
    assert (lesson.expires_at, world.flows.lessons) == (None, {URL: None})
    assert EffectKind.END_LESSON not in await world.effects()


async def test_a_dropped_lesson_is_none(world: World) -> None:
    await answered(world)
    round_ = await world.decide((await drawn(world)).id, NO)
    await world.turn(CREW)
    assert await world.uow.read.lessons.of_ids([f"lesson-{round_.id}"]) == ()
    assert await address(world, round_.id) is None


# --- nobody keeps a lesson from their own words, where the rule lets nobody approve their own


@both
async def test_a_lesson_from_own_words_is_kept_by_others_alone(world: World) -> None:
    rule = a_rule(approvals=2, self_approval=False, unknown_starter=False, reviewers=REVIEWERS)
    world.crews["research"] = a_crew(rules=(rule,), lessons_expire=30 * DAY)
    asked = (await world.ask()).round
    await world.kick_off(("started_by", "U0EVE"), execution="f-1")
    for one in (ANA, BEN):
        await world.decide(asked.id, Answer("approved", is_label=True), by=one)
    round_ = await drawn(world)

    with pytest.raises(OwnLesson) as refused:
        await world.decide(round_.id, YES, by=BEN)
    assert (refused.value.is_drawn, refused.value.others) == (
        True,
        (User(ANA.id), User(CAI.id)),
    )
    for one in (ANA, CAI):
        await world.decide(round_.id, YES, by=one)
    kept, _ = await world.uow.read.lessons.find(f"lesson-{round_.id}")
    assert (kept.author, [one.by for one in kept.votes]) == (BEN, [ANA, CAI])


async def test_its_author_may_drop_a_lesson(world: World) -> None:
    rule = a_rule(self_approval=False, unknown_starter=False, reviewers=REVIEWERS)
    world.crews["research"] = a_crew(reviewers=REVIEWERS)
    await answered(world)
    world.crews["research"] = a_crew(rules=(rule,))
    await world.decide((await drawn(world)).id, NO, by=ANA)
    await world.turn(CREW)
    assert world.flows.taken[URL] == DROP


async def test_a_lesson_from_an_unknown_answer_is_that_of_its_keeper(world: World) -> None:
    round_ = await world.decide((await drawn(world)).id, YES, by=BEN)
    lesson, _ = await world.uow.read.lessons.find(f"lesson-{round_.id}")
    assert (lesson.author, lesson.wish_id) == (BEN, round_.id)
    [listed] = await lessons.lessons_of(CAI.id, "research", context=world.reviews)
    assert [line.lesson for line in listed.lines] == [lesson]


async def test_a_lesson_from_words_that_nobody_wrote_has_no_author(world: World) -> None:
    await world.ask()
    round_ = await drawn(world)
    assert (round_.subject.author, round_.subject.drawn_from.by) == (None, None)  # type: ignore[union-attr]


# --- what the host answers to a retirement


@pytest.mark.parametrize("fault", [Fault(AWAY), Fault(LOST, after=True)])
async def test_a_host_that_is_away_is_told_later(world: World, fault: Fault) -> None:
    lesson = await kept(world)
    await lessons.retire(CAI, lesson.id, context=world.reviews)
    world.flows.faults.append(fault)
    await world.turn(CREW)
    assert await address(world, lesson.round_id) == URL

    for _ in range(3):
        world.clock.advance(DAY)
        world.flows.faults.append(Fault(AWAY))
        await world.turn(CREW)
    world.clock.advance(DAY)
    await world.turn(CREW)
    assert world.flows.lessons == {}
    assert EffectKind.RETIRE_AT_HOST not in await world.effects()


async def test_a_host_that_knows_no_such_lesson_has_nothing_to_end(world: World) -> None:
    lesson = await kept(world)
    world.flows.takes_retirements = False
    world.flows.refusal = Refused("404", "no such request", RefusalKind.REQUEST_GONE)
    await lessons.retire(CAI, lesson.id, context=world.reviews)
    await world.turn(CREW)
    assert EffectKind.RETIRE_AT_HOST not in await world.effects()
    assert await world.set_aside() == []


async def test_a_retirement_that_is_refused_for_a_day_is_set_aside(world: World) -> None:
    lesson = await kept(world)
    world.flows.takes_retirements = False
    await lessons.retire(CAI, lesson.id, context=world.reviews)
    for _ in range(3):
        await world.turn(CREW)
        world.clock.advance(DAY)
    assert await world.set_aside() == [(EffectKind.RETIRE_AT_HOST, "409")]


async def test_a_lesson_whose_address_is_lost_cannot_be_ended(world: World) -> None:
    lesson = await kept(world)
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.update(flow_requests).values(callback_url=None, token=None))
    await lessons.retire(CAI, lesson.id, context=world.reviews)
    for _ in range(3):
        await world.turn(CREW)
        world.clock.advance(DAY)
    assert await world.set_aside() == [(EffectKind.RETIRE_AT_HOST, "unreadable")]


async def test_a_keep_that_arrives_after_the_retirement_leaves_its_address(world: World) -> None:
    await answered(world)
    round_ = await world.decide((await drawn(world)).id, YES, by=BEN)
    await lessons.retire(CAI, f"lesson-{round_.id}", context=world.reviews)
    await world.turn(CREW, limit=1)
    assert (await world.round(round_.id)).state is State.RESUMED
    assert await address(world, round_.id) == URL
    await world.turn(CREW)
    assert world.flows.lessons == {}
    assert await address(world, round_.id) is None


async def test_a_keep_that_did_not_arrive_goes_before_the_retirement(world: World) -> None:
    """The other way round the host would refuse the Keep as answered elsewhere."""
    await answered(world)
    round_ = await world.decide((await drawn(world)).id, YES, by=BEN)
    world.flows.faults.append(Fault(AWAY))
    await world.turn(CREW)
    await lessons.retire(CAI, f"lesson-{round_.id}", context=world.reviews)
    await world.turn(CREW)
    assert await address(world, round_.id) == URL

    for _ in range(3):
        world.clock.advance(DAY)
        await world.turn(CREW)
    assert (await world.round(round_.id)).state is State.RESUMED
    assert world.flows.lessons == {}
    assert await address(world, round_.id) is None


async def test_a_lesson_whose_keep_is_stuck_is_retired_too(world: World) -> None:
    await answered(world)
    world.flows.faults.append(Fault(Refused("401", "No.")))
    round_ = await world.decide((await drawn(world)).id, YES, by=BEN)
    await world.turn(CREW)
    await lessons.retire(CAI, f"lesson-{round_.id}", context=world.reviews)
    await world.turn(CREW)
    assert (await world.round(round_.id)).state is State.STUCK
    assert world.flows.taken[URL] == RETIRE
    assert await address(world, round_.id) == URL  # its answer may still be sent


async def test_texts_that_are_removed_leave_the_address_of_a_lesson_in_force(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=REVIEWERS, lessons_expire=None)
    lesson = await kept(world)
    await world.record_update("lesson-1", ended="the execution has ended")
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox).where(outbox.c.kind == "poll_status"))
    world.clock.advance(400 * DAY)
    before = world.clock() - DAY
    removed = remove_texts("research", before=before, begin=world.uow.begin, clock=world.clock)
    assert [one.total() async for one in removed][-1] >= 1
    assert (await world.round(lesson.round_id)).removed_at is not None
    assert await address(world, lesson.round_id) == URL

    await lessons.retire(CAI, lesson.id, context=world.reviews)
    await world.turn(CREW)
    assert world.flows.lessons == {}
