"""Lessons: reviewers propose, keep, drop, retire and replace the lessons of a crew."""

from dataclasses import replace
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
from crewgate.usecases.read_models import LessonView


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
    lesson = Lesson(
        id=new_id(),
        crew=view.round.review.crew,
        text=parse_lesson(text),
        author=by,
        round_id=round_id,
        wish_id=asked.id,
        proposed_at=context.clock(),
    )
    return await _add(lesson, view.round, context)


async def replace_lesson(
    by: Person, lesson_id: str, text: str, *, context: ReviewContext, new_id: NewId
) -> Lesson:
    """Propose another text for a kept lesson, which stays in force until then."""
    old, round_ = await _of(lesson_id, context)
    old.require(LessonState.KEPT, context.clock())
    new = Lesson(
        id=new_id(),
        crew=old.crew,
        text=parse_lesson(text),
        author=by,
        round_id=old.round_id,
        wish_id=old.wish_id,
        proposed_at=context.clock(),
        replaces=old.id,
    )
    return await _add(new, round_, context)


async def _add(lesson: Lesson, round_: Round, context: ReviewContext) -> Lesson:
    await context.ensure(lesson.author.id, Role.REVIEWER, round_)
    if context.crews[lesson.crew].redact.counted(lesson.text)[1]:
        raise LessonRefused(LessonProblem.PERSONAL)
    async with context.uow.begin() as tx:
        if not await tx.lessons.add(lesson, at=lesson.proposed_at):
            raise LessonRefused(LessonProblem.KNOWN)
        _record(Code.LESSON_PROPOSED, lesson, lesson.author, tx)
        effect = _effect(EffectKind.POST_LESSON, lesson, round_)
        await tx.enqueue([effect], at=lesson.proposed_at)
    return lesson


async def keep(by: Person, lesson_id: str, *, context: ReviewContext) -> Lesson:
    """Count a person's approval by the rule that decided the lesson's round.

    A second approval by one person is a no-op. Raises LessonEnded, NotPermitted, UnknownCrew,
    OwnLesson or another VoteRefused.
    """
    _, round_ = await _of(lesson_id, context)

    async def record(access: Access) -> Lesson:
        async with context.uow.begin() as tx:
            lesson = await tx.lessons.lock(lesson_id)
            ballot = lesson.ballot(round_)
            rights = await access.rights_of(by.id, Role.REVIEWER, ballot, tx)
            lesson.require(LessonState.PROPOSED, access.at)
            if ballot.vote_of(by.id) is not None:
                return lesson
            votes = [
                Vote(by, access.at, Via.BUTTON, on_behalf_of=right, groups=groups)
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
    lesson, round_ = await _of(lesson_id, context)
    await context.ensure(by.id, Role.REVIEWER, round_)
    return await _end(by, lesson.id, LessonState.DROPPED, round_, context)


async def retire(by: Person, lesson_id: str, *, context: ReviewContext) -> Lesson:
    """End a kept lesson, for any reviewer of its crew or of its round; its author is told."""
    lesson, round_ = await _of(lesson_id, context)
    if not await context.may(by.id, Role.REVIEWER, round_):
        await context.ensure(by.id, Role.REVIEWER, lesson.crew)
    return await _end(by, lesson.id, LessonState.RETIRED, round_, context)


_ENDS: Final = {
    LessonState.DROPPED: (LessonState.PROPOSED, Code.LESSON_DROPPED),
    LessonState.RETIRED: (LessonState.KEPT, Code.LESSON_RETIRED),
}


async def _end(
    by: Person, lesson_id: str, state: LessonState, round_: Round, context: ReviewContext
) -> Lesson:
    now = context.clock()
    before, code = _ENDS[state]
    async with context.uow.begin() as tx:
        lesson = await tx.lessons.lock(lesson_id)
        lesson.require(before, now)
        ended = lesson.end(state, by, now)
        await tx.lessons.save(ended)
        _record(code, ended, by, tx)
        effects = [_effect(EffectKind.REFRESH_LESSON, ended, round_)]
        if state is LessonState.RETIRED and by.id != ended.author.id:
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
    beside = await read.lessons.in_force(lesson.crew, context.clock())
    return LessonView(
        lesson=lesson,
        round=posting.view.round,
        wish="" if asked is None else asked.human_feedback,
        from_card=posting.card,
        card=card,
        beside=tuple(one for one in beside if one.id != lesson.id),
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


async def _of(lesson_id: str, context: ReviewContext) -> tuple[Lesson, Round]:
    found, _ = await context.uow.read.lessons.find(lesson_id)
    return found, await context.uow.read.round(found.round_id)


def _effect(kind: EffectKind, about: Lesson, round_: Round) -> Effect:
    return replace(round_.effect(kind), subject=about.id)


def _record(code: Code, about: Lesson, by: Person, tx: Tx) -> None:
    data: dict[str, Any] = {"lesson": about.id, "text": digest_of(about.text, about.id)}
    data |= {"round": about.round_id, "replaces": about.replaces}
    tx.audit.acts(by)
    tx.audit.add(Entry(code, by.id, data), crew=about.crew)
