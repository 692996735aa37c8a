"""Lessons: who may propose, keep, drop and retire them, and what becomes of them meanwhile."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.domain.audit import Code, digest_of
from crewgate.domain.effects import SLACK, UPDATES, EffectKind
from crewgate.domain.errors import (
    AlreadyVoted,
    GroupsComplete,
    LessonNotFound,
    LessonProblem,
    LessonRefused,
    NotAReader,
    NotAReviewer,
    OwnLesson,
    UnknownCrew,
)
from crewgate.domain.lessons import Lesson, LessonEnded, LessonsGiven, LessonState
from crewgate.domain.outcome import NotSent
from crewgate.domain.people import User, UserGroup
from crewgate.domain.review import Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Person
from crewgate.settings.parsers import parse_redact
from crewgate.store.tables import outbox
from crewgate.usecases import lessons
from crewgate.usecases.removal import remove_texts
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.taught import TEXT, WISH, approved, in_force, keep, kept, propose
from tests.usecases.world import CREW, POSTS, World

DAY = timedelta(days=1)


def under(world: World, **changes: Any) -> Rule:
    """Have Ana, Ben and Cai decide by a rule."""
    rule = a_rule(reviewers=(User(ANA.id), User(BEN.id), User(CAI.id)), **changes)
    world.crews["research"] = a_crew(rules=(rule,))
    return rule


@both
async def test_a_lesson_is_proposed_then_kept_and_recorded(world: World) -> None:
    lesson = await propose(world, "  Add a source\nfor every figure. ")
    assert (lesson.text, lesson.author, lesson.state) == (TEXT, ANA, LessonState.PROPOSED)
    assert await in_force(world) == []
    assert EffectKind.POST_LESSON in await world.effects()

    world.clock.advance(DAY)
    done = await keep(world, lesson)

    assert (done.state, done.kept_at) == (LessonState.KEPT, world.clock())
    assert done.expires_at == world.clock() + 90 * DAY
    assert [one.by for one in done.votes] == [BEN]
    assert await in_force(world) == [TEXT]
    assert (await world.uow.read.lessons.find(lesson.id))[0] == done
    assert EffectKind.REFRESH_LESSON in await world.effects()
    [entry] = await world.entries(Code.LESSON_PROPOSED)
    assert (entry["actor"], entry["crew"]) == (ANA.id, "research")
    assert entry["data"]["text"] == digest_of(TEXT, lesson.id)
    [entry] = await world.entries(Code.LESSON_KEPT)
    assert (entry["actor"], entry["data"]["lesson"]) == (BEN.id, lesson.id)


async def test_a_lesson_ends_by_time_and_may_be_taught_again(world: World) -> None:
    world.crews["research"] = a_crew(lessons_expire=30 * DAY)
    lesson = await kept(world)
    world.clock.advance(30 * DAY)
    assert await in_force(world) == []
    with pytest.raises(LessonEnded):
        await lessons.retire(BEN, lesson.id, context=world.reviews)

    world.crews["research"] = a_crew(lessons_expire=None)
    again = await kept(world, execution="e-2")
    world.clock.advance(9_999 * DAY)
    assert (again.expires_at, await in_force(world)) == (None, [TEXT])
    old, _ = await world.uow.read.lessons.find(lesson.id)
    assert (old.state, old.ended_at) == (LessonState.RETIRED, lesson.expires_at)


@both
async def test_one_text_is_not_taught_twice_at_a_time(world: World) -> None:
    first, second = await approved(world), await approved(world, "e-2", by=BEN)

    async def proposed(by: Person, round_: Round, text: str) -> Lesson | LessonProblem:
        try:
            return await lessons.propose(by, round_.id, text, context=world.reviews)
        except LessonRefused as refused:
            return refused.why

    found = await asyncio.gather(proposed(ANA, first, TEXT), proposed(BEN, second, TEXT.upper()))
    [lesson] = (one for one in found if isinstance(one, Lesson))
    assert LessonProblem.KNOWN in found
    await keep(world, lesson)
    assert await proposed(ANA, first, TEXT) is LessonProblem.KNOWN
    await lessons.retire(ANA, lesson.id, context=world.reviews)
    assert isinstance(await proposed(ANA, first, TEXT), Lesson)


async def test_a_lesson_comes_only_from_an_output_approved_after_a_revision(world: World) -> None:
    once = (await world.notify()).round
    await world.decide(once.id)
    world.clock.advance(DAY)
    for round_ in (once, (await world.notify(execution_id="e-2")).round):
        with pytest.raises(LessonRefused) as refused:
            await lessons.propose(ANA, round_.id, TEXT, context=world.reviews)
        assert refused.value.why is LessonProblem.NOT_TAUGHT


async def test_only_reviewers_propose_keep_drop_and_retire(world: World) -> None:
    round_ = await approved(world)
    with pytest.raises(NotAReviewer):
        await lessons.propose(EVE, round_.id, TEXT, context=world.reviews)
    lesson = await propose(world, execution="e-2")
    for act in (lessons.keep, lessons.drop, lessons.retire):
        with pytest.raises(NotAReviewer):
            await act(EVE, lesson.id, context=world.reviews)
    with pytest.raises(LessonNotFound):
        await lessons.keep(ANA, "l-0", context=world.reviews)


async def test_personal_data_is_refused(world: World) -> None:
    round_ = await approved(world)
    world.crews["research"] = a_crew(redact=parse_redact(["email"]))
    for text in ("Send it to ann@example.com.", "ann＠example.com gets it."):
        with pytest.raises(LessonRefused) as refused:
            await lessons.propose(ANA, round_.id, text, context=world.reviews)
        assert refused.value.why is LessonProblem.PERSONAL


@both
async def test_as_many_keep_it_as_the_rule_asks_for(world: World) -> None:
    under(world, approvals=2)
    lesson = await propose(world)
    assert (await keep(world, lesson, BEN)).state is LessonState.PROPOSED
    again = await keep(world, lesson, BEN)
    assert ([one.by for one in again.votes], again.state) == ([BEN], LessonState.PROPOSED)
    done = await keep(world, lesson, CAI)
    assert (done.state, [one.by for one in done.votes]) == (LessonState.KEPT, [BEN, CAI])
    assert len(await world.entries(Code.LESSON_APPROVED)) == 1


@both
async def test_two_who_keep_it_at_once_are_both_counted(world: World) -> None:
    under(world, approvals=2)
    lesson = await propose(world)
    done = await asyncio.gather(keep(world, lesson, BEN), keep(world, lesson, CAI))
    assert sorted(one.state for one in done) == [LessonState.KEPT, LessonState.PROPOSED]
    assert await in_force(world) == [TEXT]


@both
async def test_who_keeps_and_who_drops_at_once_do_not_both_win(world: World) -> None:
    lesson = await propose(world)
    done = await asyncio.gather(
        keep(world, lesson),
        lessons.drop(ANA, lesson.id, context=world.reviews),
        return_exceptions=True,
    )
    [won] = (one for one in done if isinstance(one, Lesson))
    [lost] = (one for one in done if isinstance(one, LessonEnded))
    assert lost.lesson == won
    assert await in_force(world) == ([TEXT] if won.state is LessonState.KEPT else [])


async def test_a_vote_lapses_once_its_giver_may_not_decide(world: World) -> None:
    under(world, approvals=2)
    lesson = await propose(world)
    await keep(world, lesson, BEN)
    world.directory.gone.add(BEN.id)
    assert [one.by for one in (await keep(world, lesson, CAI)).votes] == [CAI]
    assert (await keep(world, lesson, ANA)).state is LessonState.KEPT


async def test_nobody_approves_their_own_where_the_rule_forbids_it(world: World) -> None:
    under(world, self_approval=False)
    lesson = await propose(world)
    with pytest.raises(OwnLesson) as refused:
        await keep(world, lesson, ANA)
    assert refused.value.others == (User(BEN.id), User(CAI.id))
    assert (await keep(world, lesson, BEN)).state is LessonState.KEPT


async def test_nor_does_a_delegate_for_the_author_and_a_right_counts_once(world: World) -> None:
    under(world, self_approval=False, approvals=2)
    lesson = await propose(world)
    until = world.clock() + DAY
    async with world.uow.begin() as tx:
        absence = Absence(away=ANA, delegate=EVE, since=world.clock(), until=until)
        await tx.absences.put(absence, at=world.clock())
    with pytest.raises(OwnLesson):
        await keep(world, lesson, EVE)
    await keep(world, lesson, BEN)
    async with world.uow.begin() as tx:
        await tx.absences.remove(ANA.id, at=world.clock())
        absence = Absence(away=BEN, delegate=EVE, since=world.clock(), until=until)
        await tx.absences.put(absence, at=world.clock())
    with pytest.raises(AlreadyVoted):
        await keep(world, lesson, EVE)


async def test_each_group_keeps_it_that_must_approve(world: World) -> None:
    legal, finance = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
    world.directory.people |= {
        legal: frozenset({ANA.id, BEN.id}),
        finance: frozenset({CAI.id}),
    }
    rule = a_rule(
        approvals=2, reviewers=(legal, finance), approvals_from=((legal, 1), (finance, 1))
    )
    world.crews["research"] = a_crew(rules=(rule,))
    lesson = await propose(world)
    await keep(world, lesson, BEN)
    with pytest.raises(GroupsComplete):
        await keep(world, lesson, ANA)
    assert (await keep(world, lesson, CAI)).state is LessonState.KEPT


async def test_a_dropped_lesson_is_never_kept(world: World) -> None:
    lesson = await propose(world)
    gone = await lessons.drop(BEN, lesson.id, context=world.reviews)
    assert (gone.state, gone.ended_by, gone.ended_at) == (LessonState.DROPPED, BEN, world.clock())
    for act in (lessons.keep, lessons.drop, lessons.retire):
        with pytest.raises(LessonEnded) as ended:
            await act(ANA, lesson.id, context=world.reviews)
        assert ended.value.lesson == gone
    assert [one["actor"] for one in await world.entries(Code.LESSON_DROPPED)] == [BEN.id]


@pytest.mark.parametrize("by", [ANA, BEN])
async def test_a_retired_lesson_is_over_and_its_author_is_told(world: World, by: Person) -> None:
    lesson = await kept(world)
    gone = await lessons.retire(by, lesson.id, context=world.reviews)
    assert (gone.state, gone.ended_by) == (LessonState.RETIRED, by)
    assert await in_force(world) == []
    assert (EffectKind.TELL_AUTHOR in await world.effects()) is (by is BEN)
    assert len(await world.entries(Code.LESSON_RETIRED)) == 1


async def test_a_reviewer_of_the_crew_retires_a_lesson_of_a_rule(world: World) -> None:
    under(world)
    lesson = await kept(world)
    world.crews["research"] = a_crew(rules=world.crews["research"].rules, reviewers=(User(EVE.id),))
    with pytest.raises(NotAReviewer):
        await lessons.drop(EVE, lesson.id, context=world.reviews)
    assert (await lessons.retire(EVE, lesson.id, context=world.reviews)).ended_by == EVE


@both
async def test_an_edited_lesson_replaces_the_old_one_once_it_is_kept(world: World) -> None:
    old = await kept(world)
    new = await lessons.replace_lesson(BEN, old.id, "Add two sources.", context=world.reviews)
    assert (new.replaces, new.round_id, new.wish_id) == (old.id, old.round_id, old.wish_id)
    assert await in_force(world) == [TEXT]
    await keep(world, new, ANA)
    assert await in_force(world) == ["Add two sources."]
    gone, _ = await world.uow.read.lessons.find(old.id)
    assert (gone.state, gone.ended_by) == (LessonState.REPLACED, ANA)
    with pytest.raises(LessonEnded):
        await lessons.replace_lesson(BEN, old.id, "Add three.", context=world.reviews)


async def test_a_lesson_that_replaces_one_that_was_retired_is_kept_alone(world: World) -> None:
    old = await kept(world)
    new = await lessons.replace_lesson(BEN, old.id, "Add two sources.", context=world.reviews)
    retired = await lessons.retire(ANA, old.id, context=world.reviews)
    await keep(world, new)
    assert await in_force(world) == ["Add two sources."]
    assert (await world.uow.read.lessons.find(old.id))[0] == retired


async def test_lessons_of_a_crew_that_the_settings_no_longer_name_are_kept_for_it(
    world: World,
) -> None:
    lesson = await kept(world)
    crew = world.crews.pop("research")
    world.crews["renamed"] = replace(crew, name="renamed")
    assert await in_force(world, "renamed") == []
    for act in (lessons.keep, lessons.drop, lessons.retire):
        with pytest.raises(UnknownCrew):
            await act(ANA, lesson.id, context=world.reviews)
    world.crews["research"] = crew
    assert await in_force(world) == [TEXT]


async def test_its_card_shows_where_it_comes_from_and_what_it_stands_beside(world: World) -> None:
    other = await kept(world, "Shorter.")
    lesson = await propose(world, execution="e-2")
    view = await lessons.lesson(ANA.id, lesson.id, context=world.reviews)
    assert (view.lesson, view.wish, view.beside) == (lesson, WISH, (other,))
    assert (view.round.id, view.ballot.rule.approvals, view.card) == (lesson.round_id, 1, None)
    with pytest.raises(NotAReader):
        await lessons.lesson(EVE.id, lesson.id, context=world.reviews)


@both
async def test_a_card_shows_no_lessons_of_other_rules_channels(world: World) -> None:
    rule = a_rule(channel="C-legal")
    world.crews["research"] = a_crew(rules=(rule,))
    hidden = await kept(world, "Never name Omega.")
    world.crews["research"] = a_crew()
    shown = await kept(world, "Shorter.", "e-2")
    elsewhere = await propose(world, TEXT, "e-3")

    view = await lessons.view_of(elsewhere.id, context=world.reviews)
    assert (view.beside, view.beside_elsewhere) == ((shown,), 1)
    view = await lessons.view_of(hidden.id, context=world.reviews)
    assert (view.beside, view.beside_elsewhere) == ((), 1)


async def test_a_removed_wish_does_not_live_on_in_its_lesson(world: World) -> None:
    lesson = await kept(world)
    await world.settle_slack()
    world.crew.pause("A draft [1].")
    await world.turn(CREW)
    await world.record_update(ended="the execution has ended")
    await world.settle_slack()
    world.clock.advance(DAY)
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox).where(outbox.c.kind == "poll_status"))
    removed = remove_texts(
        "research", before=world.clock(), begin=world.uow.begin, clock=world.clock
    )
    assert [one.total() async for one in removed][-1] == 1

    view = await lessons.lesson(ANA.id, lesson.id, context=world.reviews)
    assert (view.wish, view.lesson.text) == ("", TEXT)
    assert await in_force(world) == [TEXT]


@both
async def test_a_proposal_goes_with_the_texts_that_it_comes_from(world: World) -> None:
    world.crews["research"] = a_crew(lessons_expire=None)
    lesson, old = await propose(world), await kept(world, "Shorter.", "e-2")

    async def remove() -> None:
        await world.settle_slack()
        async with world.engines.write.begin() as connection:
            await connection.execute(sa.delete(outbox).where(outbox.c.kind == "poll_status"))
        before = world.clock() - 90 * DAY
        removed = remove_texts("research", before=before, begin=world.uow.begin, clock=world.clock)
        assert [one async for one in removed]

    for execution in ("e-1", "e-2"):
        world.crew.pause("A draft [1].", execution=execution)
        await world.turn(CREW)
        await world.record_update(execution, ended="the execution has ended")
    await world.settle_slack()
    world.clock.advance(400 * DAY)
    await remove()
    gone, _ = await world.uow.read.lessons.find(lesson.id)
    assert (gone.text, gone.state, gone.ended_at) == ("", LessonState.DROPPED, world.clock())

    late = await lessons.replace_lesson(BEN, old.id, "Shorter yet.", context=world.reviews)
    world.clock.advance(91 * DAY)
    await remove()
    assert (await world.uow.read.lessons.find(late.id))[0].text == ""


async def test_a_reader_is_shown_the_given_lessons_that_they_may_read(world: World) -> None:
    under(world, channel="C-legal")
    theirs = await kept(world)
    world.crews["research"] = a_crew()
    world.directory.channels = {"C0REVIEWS": {EVE.id}, "C-legal": set()}
    shared = await kept(world, "Shorter.", "e-2")
    round_ = (await world.notify(execution_id="e-3")).round
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", "e-3", at=world.clock())
        given = LessonsGiven((theirs.id, shared.id))
        await tx.executions.save(replace(execution, lessons=given))
    assert await lessons.lessons_given(EVE.id, round_.id, context=world.reviews) == (shared,)
    given_to = await lessons.lessons_given(ANA.id, round_.id, context=world.reviews)
    assert given_to == (theirs, shared)


async def test_a_lesson_older_than_the_masks_is_shown_masked(world: World) -> None:
    lesson = await kept(world, "Ask ann@x.example.")
    world.crews["research"] = a_crew(redact=parse_redact(["email"]))
    [found] = await lessons.lessons_of(ANA.id, None, context=world.reviews)
    view = await lessons.view_of(lesson.id, context=world.reviews)
    assert [(one.lesson.text, one.is_masked) for one in found.lines] == [(view.lesson.text, True)]
    assert "ann@" not in view.lesson.text
    assert await in_force(world) == ["Ask ann@x.example."]


@both
async def test_of_several_edits_of_one_lesson_one_is_in_force(world: World) -> None:
    old = await kept(world)

    async def edit(of: Lesson, text: str) -> Lesson:
        return await lessons.replace_lesson(BEN, of.id, text, context=world.reviews)

    first, second, third = [await edit(old, text) for text in ("One.", "Two.", "Three.")]
    await asyncio.gather(keep(world, first), keep(world, second))
    [text] = await in_force(world)
    newest = first if text == "One." else second
    await keep(world, await edit(newest, "Four."))
    assert await in_force(world) == ["Four."]
    await keep(world, third)
    assert await in_force(world) == ["Three."]


async def test_the_author_is_told_once_when_a_lesson_ends_by_its_time(world: World) -> None:
    lesson = await kept(world)
    retired = await kept(world, "Shorter.", "e-2")
    await lessons.retire(ANA, retired.id, context=world.reviews)
    await world.settle_slack()
    assert (await world.effects()).count(EffectKind.END_LESSON) == 1
    world.clock.advance(90 * DAY)
    await world.settle_slack()
    ended, _ = await world.uow.read.lessons.find(lesson.id)
    assert (ended.state, ended.ended_by) == (LessonState.RETIRED, None)
    assert ended.ended_at == lesson.expires_at
    assert [call for call in lesson_cards(world) if call[0] == f"D{ANA.id}"]
    before = len(world.slack.messages)
    await lessons.end_by_time(lesson.id, context=world.reviews)
    await world.settle_slack()
    assert len(world.slack.messages) == before


async def test_an_execution_says_which_lessons_it_was_given(world: World) -> None:
    lesson = await kept(world)
    round_ = (await world.notify(execution_id="e-2")).round
    assert await lessons.lessons_given(ANA.id, round_.id, context=world.reviews) == ()
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", "e-2", at=world.clock())
        given = LessonsGiven((lesson.id, "l-0"), left_out=1)
        await tx.executions.save(replace(execution, lessons=given))
    gone = await lessons.retire(BEN, lesson.id, context=world.reviews)
    assert await lessons.lessons_given(ANA.id, round_.id, context=world.reviews) == (gone,)
    assert (await world.uow.read.posting(round_.id)).view.lessons == given
    with pytest.raises(NotAReader):
        await lessons.lessons_given(EVE.id, round_.id, context=world.reviews)


# --- deliveries -----------------------------------------------------------------------------------


def lesson_cards(world: World) -> list[tuple[str, str, str]]:
    """Channel, thread and state of each lesson's card and message."""
    return [
        (one.ref.channel, one.ref.thread_ts, one.shows.state)
        for one in world.slack.messages
        if isinstance(one.shows, Lesson)
    ]


async def test_its_card_is_in_the_rounds_thread_and_kept_true(world: World) -> None:
    lesson = await propose(world)
    await world.settle_slack()
    card = world.slack.card(lesson.round_id)
    thread = (card.ref.channel, card.ref.thread_ts)
    assert lesson_cards(world) == [(*thread, "proposed")]
    view = await lessons.lesson(ANA.id, lesson.id, context=world.reviews)
    assert view.card is not None
    assert (view.card.thread_ts, view.from_card) == (card.ref.thread_ts, card.ref)

    await keep(world, lesson)
    await world.settle_slack()
    assert lesson_cards(world) == [(*thread, "kept")]
    await lessons.retire(BEN, lesson.id, context=world.reviews)
    await world.settle_slack()
    told = (f"D{ANA.id}", world.slack.messages[-1].ref.ts, "retired")
    assert lesson_cards(world) == [(*thread, "retired"), told]


async def test_a_card_that_cannot_be_posted_is_not_updated(world: World) -> None:
    lesson = await propose(world)
    await keep(world, lesson)
    await world.turn(UPDATES)
    assert lesson_cards(world) == []
    while jobs := await world.lease(POSTS):
        if jobs[0].effect.kind is EffectKind.POST_LESSON:
            world.slack.faults.append(Fault(LOST))
        await world.deliver(*jobs)
    assert (await lessons.lesson(ANA.id, lesson.id, context=world.reviews)).card is None


async def test_a_card_whose_thread_is_gone_begins_one(world: World) -> None:
    lesson = await propose(world)
    while lesson_cards(world) == []:
        for message in world.slack.messages:
            message.deleted = True
        await world.turn()
    assert lesson_cards(world)[0][0] == "C0REVIEWS"
    view = await lessons.lesson(ANA.id, lesson.id, context=world.reviews)
    assert view.card is not None


async def test_two_bots_post_one_card_where_the_thread_is_gone(world: World) -> None:
    await propose(world)
    while (jobs := await world.lease(POSTS))[0].effect.kind is not EffectKind.POST_LESSON:
        await world.deliver(*jobs)
    for message in world.slack.messages:
        message.deleted = True
    await world.lapse()
    await world.turn(POSTS)
    await world.deliver(*jobs)  # by the bot whose lease has ended
    assert len(lesson_cards(world)) == 1


def offers(world: World) -> list[str]:
    return [call for call in world.slack.calls if call.startswith("offer lesson")]


async def test_the_writer_is_offered_to_keep_it_once(world: World) -> None:
    world.crew.takes = ("topic", "lessons")
    round_ = await approved(world)
    [*_, offer] = await world.lease(SLACK)
    world.slack.faults.append(Fault(NotSent("connection refused")))
    assert await world.deliver(offer) == [NotSent("connection refused")]
    await world.settle_slack()
    assert set(offers(world)) == {f"offer lesson {round_.id} {ANA.id}"}
    assert EffectKind.OFFER_LESSON not in await world.effects()


async def test_what_is_offered_is_in_the_menu_of_the_card(world: World) -> None:
    world.crew.takes = ("topic", "lessons")
    round_ = await approved(world)
    assert (await world.uow.read.posting(round_.id)).view.lessons is None  # started elsewhere
    await world.settle_slack()
    assert (await world.uow.read.posting(round_.id)).view.lessons == LessonsGiven()


async def test_nobody_is_offered_a_lesson_that_the_crew_does_not_take(world: World) -> None:
    for execution, takes in (("e-1", ("topic",)), ("e-2", ("topic", "lessons"))):
        world.crew.takes = takes
        await approved(world, execution)  # asked once in ten minutes
        await world.settle_slack()
    assert offers(world) == []
    assert world.crew.inputs_asked == 1
    world.clock.advance(timedelta(minutes=10))
    await approved(world, "e-3", by=BEN)
    world.crews["research"] = a_crew(reviewers=(User(ANA.id),))
    await world.settle_slack()
    assert (offers(world), world.crew.inputs_asked) == ([], 2)


async def test_nobody_is_offered_what_nobody_asked_for(world: World) -> None:
    world.crew.takes = ("lessons",)
    first = (await world.notify()).round
    await world.decide(first.id)
    await world.turn(CREW)
    second = (await world.notify("Again.")).round
    await world.decide(second.id)
    await world.settle_slack()
    assert (offers(world), world.crew.inputs_asked) == ([], 0)
