"""Lessons: reviewers propose, keep, drop, retire and replace the lessons of a crew."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from crewgate.domain.audit import Code, Entry, digest_of
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import LessonProblem, LessonRefused, OwnLesson, SelfApproval
from crewgate.domain.lessons import Lesson, LessonState, parse_lesson
from crewgate.domain.people import Role
from crewgate.domain.review import Round
from crewgate.domain.verdict import Person, Via, Vote
from crewgate.usecases.access import Access, ReviewContext, Starter, crew_for
from crewgate.usecases.decide import approve
from crewgate.usecases.ports.base import NewId
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import CrewLessons, LessonView
from crewgate.usecases.stats import permitted
from crewgate.usecases.teaching import lessons_of_crew

COMPARED: Final = timedelta(days=90)
"""The span of the figures in a list of lessons."""


async def propose(
    by: Person, round_id: str, text: str, *, context: ReviewContext, new_id: NewId
) -> Lesson:
    """Propose a lesson from a round that was approved after a revision, for its reviewers.

    Raises LessonRefused, NotPermitted, UnknownCrew and RoundNotFound.
    """
    view = (await context.uow.read.posting(round_id, as_it_came=True)).view
    asked = view.answers
    if asked is None or asked.wisher is None or not view.round.may_teach:
        raise LessonRefused(LessonProblem.NOT_TAUGHT)
    return await _add(by, text, view.round, asked.id, context=context, new_id=new_id)


async def replace_lesson(
    by: Person, lesson_id: str, text: str, *, context: ReviewContext, new_id: NewId
) -> Lesson:
    """Propose another text for a kept lesson, which holds until the new one is kept."""
    old, round_ = await _lesson_and_round(lesson_id, context)
    old.require(LessonState.KEPT, context.clock())
    wish = old.wish_id
    return await _add(by, text, round_, wish, replaces=old.id, context=context, new_id=new_id)


async def _add(
    by: Person,
    text: str,
    round_: Round,
    wish_id: str,
    *,
    replaces: str | None = None,
    context: ReviewContext,
    new_id: NewId,
) -> Lesson:
    await context.ensure(by.id, Role.REVIEWER, round_)
    crew, now = context.crews[round_.review.crew], context.clock()
    lesson = Lesson(
        id=new_id(),
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
        _record(Code.LESSON_PROPOSED, lesson, by, tx)
        await tx.enqueue([_effect(EffectKind.POST_LESSON, lesson, round_)], at=now)
    return lesson


async def keep(by: Person, lesson_id: str, *, context: ReviewContext) -> Lesson:
    """Count a person's approval by the rule that decided the lesson's round.

    A second approval by one person is a no-op. Raises LessonEnded, NotPermitted, UnknownCrew,
    OwnLesson or another VoteRefused.
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
            votes = [
                Vote(by=by, at=access.at, via=Via.BUTTON, on_behalf_of=right, groups=groups)
                for right in rights
                for groups in (access.groups_of((right or by).id, ballot),)
            ]
            ballot, _ = access.drop_lapsed_votes(ballot)
            counted = approve(ballot, votes, _author_of(lesson, ballot, access), None).round
            kept = lesson.after(counted, lasts=context.crews[lesson.crew].lessons_expire)
            await tx.lessons.save(kept)
            is_kept = kept.state is LessonState.KEPT
            _record(Code.LESSON_KEPT if is_kept else Code.LESSON_APPROVED, kept, by, tx)
            changed = [kept]
            if is_kept and kept.replaces is not None:
                old = await tx.lessons.lock(kept.replaces)
                if old.is_in_force(access.at):
                    changed.append(old.end(LessonState.REPLACED, by, access.at))
                    await tx.lessons.save(changed[-1])
            effects = [_effect(EffectKind.REFRESH_LESSON, one, round_) for one in changed]
            await tx.enqueue(effects, at=access.at)
        return kept

    try:
        return await context.asking(record)
    except SelfApproval as error:
        raise OwnLesson(error.others) from error


def _author_of(lesson: Lesson, ballot: Round, access: Access) -> Starter:
    """Return the author as a starter, so that one rule holds for both."""
    permitted = crew_for(ballot, access.crews).permitted(Role.REVIEWER)
    others = tuple(ref for ref in permitted if str(ref) != lesson.author.id)
    return Starter(frozenset((lesson.author.id,)), others)


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
        _record(Code.LESSON_RETIRED if is_retired else Code.LESSON_DROPPED, ended, by, tx)
        effects = [_effect(EffectKind.REFRESH_LESSON, ended, round_)]
        if is_retired and by.id != ended.author.id:
            tell = _effect(EffectKind.TELL_AUTHOR, ended, round_)
            effects.append(replace(tell, user=ended.author.id))
        await tx.enqueue(effects, at=now)
    return ended


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
    here = [one for one in others if channels.get(rules[one.id]) == round_.other_channel]
    return LessonView(
        lesson=lesson,
        round=round_,
        wish="" if asked is None else asked.human_feedback,
        from_card=posting.card,
        card=card,
        beside=tuple(here),
        beside_elsewhere=len(others) - len(here),
    )


async def lesson(by: str, lesson_id: str, *, context: ReviewContext) -> LessonView:
    """Return a lesson for somebody who may read its round. Raises NotAReader and LessonNotFound."""
    view = await view_of(lesson_id, context=context)
    await context.ensure(by, Role.READER, view.round)
    return view


async def lessons_given(by: str, round_id: str, *, context: ReviewContext) -> tuple[Lesson, ...]:
    """Return the lessons with which a round's execution was started, in their present state."""
    round_ = await context.uow.read.round(round_id)
    await context.ensure(by, Role.READER, round_)
    review = round_.review
    execution = await context.uow.read.executions.find(review.crew, review.execution_id)
    given = execution and execution.lessons
    return await context.uow.read.lessons.of_ids(given.ids) if given else ()


async def lessons_of(
    by: str, crew: str | None, *, context: ReviewContext
) -> tuple[CrewLessons, ...]:
    """Return the lessons that a person may read: of one crew, or of all of theirs.

    Raises UnknownCrew and NotAReader.
    """
    rules, _ = await permitted(by, crew, context)
    at, read = context.clock(), context.uow.read
    return tuple(
        [
            await lessons_of_crew(name, theirs, since=at - COMPARED, at=at, read=read)
            for name, theirs in rules.items()
        ]
    )


async def _lesson_and_round(lesson_id: str, context: ReviewContext) -> tuple[Lesson, Round]:
    found, _ = await context.uow.read.lessons.find(lesson_id)
    return found, await context.uow.read.round(found.round_id)


def _effect(kind: EffectKind, about: Lesson, round_: Round) -> Effect:
    return replace(round_.effect(kind), target=about.id)


def _record(code: Code, about: Lesson, by: Person, tx: Tx) -> None:
    data: dict[str, Any] = {"lesson": about.id, "text": digest_of(about.text, about.id)}
    data |= {"round": about.round_id, "replaces": about.replaces}
    tx.audit.acts(by)
    tx.audit.add(Entry(code, by.id, data), crew=about.crew)
