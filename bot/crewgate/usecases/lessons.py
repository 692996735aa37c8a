"""Lessons: reviewers propose, keep, drop, retire and replace the lessons of a crew."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from crewgate.domain.audit import Code
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import LessonProblem, LessonRefused, OwnLesson, SelfApproval
from crewgate.domain.lessons import Lesson, LessonState, may_teach, parse_lesson, wisher_of
from crewgate.domain.people import Role
from crewgate.domain.review import Round
from crewgate.domain.verdict import Person, Via, Vote
from crewgate.usecases.access import Access, ReviewContext, author_of
from crewgate.usecases.decide import approve, by_each_right
from crewgate.usecases.read_models import CrewLessons, LessonView
from crewgate.usecases.stats import permitted
from crewgate.usecases.teaching import enqueue_end, lessons_of_crew, record_lesson

COMPARED: Final = timedelta(days=90)
"""The span of the figures in a list of lessons."""


async def propose(by: Person, round_id: str, text: str, *, context: ReviewContext) -> Lesson:
    """Propose a lesson from a round that was approved after a revision, for its reviewers.

    Raises LessonRefused, NotPermitted, UnknownCrew and RoundNotFound.
    """
    view = (await context.uow.read.posting(round_id, as_it_came=True)).view
    asked = view.answers
    if asked is None or wisher_of(asked) is None or not may_teach(view.round):
        raise LessonRefused(LessonProblem.NOT_TAUGHT)
    return await _add(by, text, view.round, asked.id, context=context)


async def replace_lesson(
    by: Person, lesson_id: str, text: str, *, context: ReviewContext
) -> Lesson:
    """Propose another text for a kept lesson, which holds until the new one is kept."""
    old, round_ = await _lesson_and_round(lesson_id, context)
    if old.of_flow:
        raise LessonRefused(LessonProblem.NOT_TAUGHT)
    old.require(LessonState.KEPT, context.clock())
    wish = old.wish_id
    return await _add(by, text, round_, wish, replaces=old.id, context=context)


async def _add(
    by: Person,
    text: str,
    round_: Round,
    wish_id: str,
    *,
    replaces: str | None = None,
    context: ReviewContext,
) -> Lesson:
    await context.ensure(by.id, Role.REVIEWER, round_)
    crew, now = context.crews[round_.review.crew], context.clock()
    lesson = Lesson(
        id=context.new_id(),
        crew=crew.name,
        text=parse_lesson(text),
        author=by,
        round_id=round_.id,
        wish_id=wish_id,
        proposed_at=now,
        replaces=replaces,
    )
    if crew.redact.counted(lesson.text)[1]:
        raise LessonRefused(LessonProblem.PERSONAL)
    async with context.uow.begin() as tx:
        if not await tx.lessons.add(lesson, at=now):
            raise LessonRefused(LessonProblem.KNOWN)
        record_lesson(Code.LESSON_PROPOSED, lesson, by, tx)
        await tx.enqueue([_effect(EffectKind.POST_LESSON, lesson, round_)], at=now)
    return lesson


async def keep(by: Person, lesson_id: str, *, context: ReviewContext) -> Lesson:
    """Count a person's approval of a lesson, and keep the lesson once the approvals suffice.

    The rule of the lesson's round says how many approvals it needs, and whose. A second approval by
    one person is a no-op. Raises LessonEnded, NotPermitted, UnknownCrew, OwnLesson or another
    VoteRefused.
    """
    _, round_ = await _lesson_and_round(lesson_id, context)

    async def record(access: Access) -> Lesson:
        async with context.uow.begin() as tx:
            lesson = await tx.lessons.lock(lesson_id)
            ballot = lesson.ballot(round_)
            rights = await access.rights_of(by.id, Role.REVIEWER, ballot, tx)
            lesson.require(LessonState.PROPOSED, access.at)
            if ballot.vote_of(by.id) is not None:
                return lesson
            vote = Vote(by=by, at=access.at, via=Via.BUTTON)
            votes = by_each_right(vote, rights, ballot, access)
            ballot, _ = access.drop_lapsed_votes(ballot)
            counted = approve(ballot, votes, author_of(lesson.author, ballot, access), None).round
            new = lesson.after(counted, lasts=context.crews[lesson.crew].lessons_expire)
            changed = [new]
            is_kept = new.state is LessonState.KEPT
            old = await tx.lessons.lock_in_place_of(new) if is_kept else None
            if old is not None:
                changed = [replace(new, replaces=old.id)]
                if old.is_in_force(access.at):
                    changed.append(old.end(LessonState.REPLACED, by, access.at))
                    await tx.cancel(old.id)
            for one in changed:
                await tx.lessons.save(one)
            new = changed[0]
            record_lesson(Code.LESSON_KEPT if is_kept else Code.LESSON_APPROVED, new, by, tx)
            effects = [_effect(EffectKind.REFRESH_LESSON, one, round_) for one in changed]
            await tx.enqueue(effects, at=access.at)
            await enqueue_end(tx, new, round_, at=access.at)
        return new

    try:
        return await context.asking(record)
    except SelfApproval as error:
        raise OwnLesson(error.others) from error


async def drop(by: Person, lesson_id: str, *, context: ReviewContext) -> Lesson:
    lesson, round_ = await _lesson_and_round(lesson_id, context)
    await context.ensure(by.id, Role.REVIEWER, round_)
    return await _end(by, lesson, LessonState.DROPPED, round_, context)


async def retire(by: Person, lesson_id: str, *, context: ReviewContext) -> Lesson:
    """End a kept lesson, for any reviewer of its crew or of its round; its author is told."""
    lesson, round_ = await _lesson_and_round(lesson_id, context)
    if not await context.may(by.id, Role.REVIEWER, round_):
        await context.ensure(by.id, Role.REVIEWER, lesson.crew)
    return await _end(by, lesson, LessonState.RETIRED, round_, context)


async def _end(
    by: Person, lesson: Lesson, state: LessonState, round_: Round, context: ReviewContext
) -> Lesson:
    now, is_retired = context.clock(), state is LessonState.RETIRED
    async with context.uow.begin() as tx:
        lesson = await tx.lessons.lock(lesson.id)
        lesson.require(LessonState.KEPT if is_retired else LessonState.PROPOSED, now)
        ended = lesson.end(state, by, now)
        await tx.lessons.save(ended)
        record_lesson(Code.LESSON_RETIRED if is_retired else Code.LESSON_DROPPED, ended, by, tx)
        await tx.cancel(ended.id)
        is_told = is_retired and by.id != ended.author.id
        await tx.enqueue(_of_end(ended, round_, is_told=is_told), at=now)
    return ended


async def end_by_time(lesson_id: str, *, context: ReviewContext) -> None:
    """Retire a kept lesson whose time is over, and tell its author."""
    _, round_ = await _lesson_and_round(lesson_id, context)
    now = context.clock()
    async with context.uow.begin() as tx:
        lesson = await tx.lessons.lock(lesson_id)
        if lesson.state is LessonState.KEPT and not lesson.is_in_force(now):
            ended = lesson.end(LessonState.RETIRED, None, lesson.expires_at or now)
            await tx.lessons.save(ended)
            await tx.enqueue(_of_end(ended, round_, is_told=True), at=now)
            if ended.of_flow:  # its host ends it by its own clock, so nobody calls the host
                await tx.lessons.forget_callback(round_.id)


def _of_end(ended: Lesson, round_: Round, *, is_told: bool) -> list[Effect]:
    tell = replace(_effect(EffectKind.TELL_AUTHOR, ended, round_), user=ended.author.id)
    by_host = EffectKind.RETIRE_AT_HOST if ended.ended_by else None
    first = by_host if ended.of_flow else EffectKind.REFRESH_LESSON
    return [*([_effect(first, ended, round_)] if first else []), *([tell] if is_told else [])]


async def view_of(lesson_id: str, *, context: ReviewContext) -> LessonView:
    """Return a lesson as its card shows it. Raises LessonNotFound."""
    read = context.uow.read
    lesson, card = await read.lessons.find(lesson_id)
    posting = await read.posting(lesson.round_id)
    asked = (await read.round(lesson.wish_id)).decision
    round_ = posting.view.round
    in_force = await read.lessons.in_force(lesson.crew, context.clock())
    others = [one for one in in_force if one.id != lesson.id]
    rules = await read.lessons.rules_of([one.id for one in others])
    channels = {one.id: one.rule.channel for one in await read.rules((lesson.crew,))}
    here = [one for one in others if channels.get(rules[one.id]) == round_.rule.channel]
    return LessonView(
        lesson=_masked(lesson, context),
        round=round_,
        wish="" if asked is None else asked.human_feedback,
        from_card=posting.card,
        card=card,
        beside=tuple(_masked(one, context) for one in here),
        beside_elsewhere=len(others) - len(here),
    )


async def lesson(by: str, lesson_id: str, *, context: ReviewContext) -> LessonView:
    """Return a lesson for somebody who may read its round. Raises NotAReader and LessonNotFound."""
    view = await view_of(lesson_id, context=context)
    await context.ensure(by, Role.READER, view.round)
    return view


async def lessons_given(by: str, round_id: str, *, context: ReviewContext) -> tuple[Lesson, ...]:
    """Return the lessons of a round's kickoff that a person may read, in their present state."""
    round_ = await context.uow.read.round(round_id)
    await context.ensure(by, Role.READER, round_)
    read, review = context.uow.read, round_.review
    execution = await read.executions.find(review.crew, review.execution_id)
    ids = () if execution is None or execution.lessons is None else execution.lessons.ids
    rules, _ = await permitted(by, review.crew, context)
    of = await read.lessons.rules_of(ids)
    readable = [one for one in ids if of.get(one) in rules.get(review.crew, ())]
    return tuple(_masked(one, context) for one in await read.lessons.of_ids(readable))


async def lessons_of(
    by: str, crew: str | None, *, context: ReviewContext
) -> tuple[CrewLessons, ...]:
    """Return the lessons that a person may read: of one crew, or of all crews of that person.

    Raises UnknownCrew and NotAReader.
    """
    rules, _ = await permitted(by, crew, context)
    at, read = context.clock(), context.uow.read
    every: list[CrewLessons] = []
    for name, theirs in rules.items():
        found = await lessons_of_crew(name, theirs, since=at - COMPARED, at=at, read=read)
        shown = [_masked(line.lesson, context) for line in found.lines]
        lines = (
            replace(line, lesson=one, is_masked=one != line.lesson)
            for line, one in zip(found.lines, shown, strict=True)
        )
        every.append(replace(found, lines=tuple(lines)))
    return tuple(every)


def _masked(lesson: Lesson, context: ReviewContext) -> Lesson:
    """Return a lesson masked for people: it may have been kept before `redact` was set."""
    crew = context.crews.get(lesson.crew)
    return lesson if crew is None else replace(lesson, text=crew.redact.text(lesson.text))


async def _lesson_and_round(lesson_id: str, context: ReviewContext) -> tuple[Lesson, Round]:
    found, _ = await context.uow.read.lessons.find(lesson_id)
    return found, await context.uow.read.round(found.round_id)


def _effect(kind: EffectKind, about: Lesson, round_: Round) -> Effect:
    return replace(round_.effect(kind), target=about.id)
