"""Lessons: statements that write and read them, and count where they were used."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import LessonNotFound
from crewgate.domain.lessons import DRAWN, Lesson, LessonsGiven, LessonState, Revision
from crewgate.domain.notification import FlowRequest
from crewgate.domain.verdict import Person, Via
from crewgate.store import tables
from crewgate.store.codec import Columns, codec
from crewgate.store.column_types import Bytewise, Instant
from crewgate.store.engine import Changing, Reading, write
from crewgate.store.round_rows import EXECUTION_OF_REVIEW, ROUND, to_round
from crewgate.store.statements import OF_RULES, insert_once
from crewgate.store.tables import reviews, rounds
from crewgate.store.unreadable import each, reads
from crewgate.usecases.read_models import LessonLine, MessageRef

#: `digest`, of the case-folded text, is unique among a crew's lessons that have not ended; for a
#: flow's lesson, and once the text is removed, it is the lesson's id. `wish_id` is the round whose
#: feedback, the wish, became the lesson; the wish is removed with that round. `uses` is the number
#: of executions that were given the lesson.
lessons = tables.table(
    "lessons",
    *tables.keys(sa.Text, "id"),
    *tables.required(Bytewise, "crew"),
    *tables.required(sa.Text, "text", "digest", "state", "wish_id"),
    *tables.required(sa.JSON, "author"),
    sa.Column("round_id", sa.ForeignKey("rounds.id"), nullable=False),
    *tables.required(Instant, "proposed_at"),
    *tables.optional(Instant, "kept_at", "expires_at", "ended_at"),
    *tables.optional(tables.Json, "votes", "ended_by"),
    *tables.optional(sa.Text, "replaces", "card_channel", "card_ts", "card_thread_ts"),
    sa.Column("of_flow", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("uses", sa.Integer, nullable=False, server_default="0"),
    sa.Index(None, "crew", "state", "proposed_at"),
    sa.Index(None, "round_id"),
    tables.index_where("ended_at IS NULL", "uq_lessons_digest", "crew", "digest", unique=True),
)

_LESSON: Final = Columns(Lesson, lessons, apart=())
_is_to_be_told: Final = sa.exists().where(
    tables.outbox.c.subject == lessons.c.id,
    tables.outbox.c.kind == EffectKind.RETIRE_AT_HOST.value,
    tables.outbox.c.set_aside_at.is_(None),
)
#: True for a flow's request whose lesson is in force, or has ended, but the host has not yet been
#: told of the end.
TEACHES_A_FLOW: Final = sa.exists().where(
    # The lesson's id is made of the round's id, so that the primary key finds the lesson.
    lessons.c.id == sa.literal(DRAWN).concat(tables.flow_requests.c.round_id),
    lessons.c.of_flow,
    lessons.c.ended_at.is_(None) | _is_to_be_told,
)
#: Forgets the address and token of a flow's answer, unless a lesson of the round needs them.
_FORGET_CALLBACK: Final = (
    sa.update(tables.flow_requests)
    .where(tables.flow_requests.c.round_id == sa.bindparam("b_round"), ~TEACHES_A_FLOW)
    .values(callback_url=None, token=None)
)
#: The most lessons of a crew that are read at once: no kickoff has room for so many.
MOST: Final = 200
#: The most revisions that are compared with lessons: with MOST lessons that takes 0.1 s.
MOST_REVISIONS: Final = 500


def to_given(stored: Any) -> LessonsGiven | None:
    return codec(LessonsGiven | None).load(stored)  # type: ignore[no-any-return]


@reads("lessons")
def _to_lesson(row: sa.Row[Any]) -> Lesson:
    return Lesson(**_LESSON.read(row))


@reads("executions")
def _to_revision(row: sa.Row[Any]) -> Revision:
    given = to_given(row.given)
    return Revision(row.feedback, row.decided_at, () if given is None else given.ids)


def _to_line(row: sa.Row[Any]) -> LessonLine:
    return LessonLine(lesson=_to_lesson(row), card=_card_of(row), uses=row.uses, wish=row.wish)


def _card_of(row: sa.Row[Any]) -> MessageRef | None:
    if row.card_ts is None:
        return None
    return MessageRef(row.card_channel, row.card_ts, row.card_thread_ts)


_AT: Final = sa.bindparam("at", type_=Instant)
_HOLDS: Final = sa.or_(lessons.c.expires_at.is_(None), lessons.c.expires_at > _AT)
_USE: Final = (
    sa.update(lessons).where(lessons.c.id == sa.bindparam("b_id")).values(uses=lessons.c.uses + 1)
)
_wish = rounds.alias("wish")
_LISTED: Final = (
    sa.select(lessons, _wish.c.feedback.label("wish"))
    .join_from(lessons, rounds, rounds.c.id == lessons.c.round_id)
    .join(_wish, _wish.c.id == lessons.c.wish_id)
    .where(lessons.c.crew == sa.bindparam("crew"), lessons.c.ended_at.is_(None), _HOLDS, *OF_RULES)
    .order_by(sa.func.coalesce(lessons.c.kept_at, lessons.c.proposed_at).desc(), lessons.c.id)
    .limit(MOST)
)
_REVISIONS: Final = (
    sa.select(rounds.c.feedback, rounds.c.decided_at, tables.executions.c.lessons.label("given"))
    .join_from(rounds, reviews)
    .join(tables.executions, EXECUTION_OF_REVIEW)
    .where(
        *OF_RULES,
        rounds.c.is_act.is_(None),
        rounds.c.decided_at >= sa.bindparam("since", type_=Instant),
        rounds.c.decided_via != Via.RULE.value,
        sa.not_(rounds.c.is_approve),
    )
    .order_by(rounds.c.decided_at.desc())
    .limit(MOST_REVISIONS)
)


class LessonQueries(Reading):
    """Reads lessons."""

    async def find(self, lesson_id: str) -> tuple[Lesson, MessageRef | None]:
        """Return a lesson, not locked, and its card. Raises LessonNotFound."""
        found = await self._rows(sa.select(lessons).where(lessons.c.id == lesson_id))
        if not found:
            raise LessonNotFound(lesson_id)
        return _to_lesson(found[0]), _card_of(found[0])

    async def with_source(self, request: FlowRequest, crew: str) -> FlowRequest:
        """Return a flow's request; one about a lesson gets the round that the lesson is from."""
        source, of = request.question.drawn_from, request.source_request
        if source is None or of is None:
            return request
        requested = (
            tables.flow_requests.c.crew == crew,
            tables.flow_requests.c.execution_id == of.flow_id,
        )
        found = await self._rows(
            ROUND.join(tables.flow_requests, tables.flow_requests.c.round_id == rounds.c.id).where(
                *requested, tables.flow_requests.c.request_id == of.request_id
            )
        )
        for answered in each(to_round, found):
            by = None if answered.decision is None else answered.decision.by
            by = by if isinstance(by, Person) else None
            source = replace(source, round_id=answered.id, by=by)
        return replace(request, question=replace(request.question, drawn_from=source))

    async def in_force(self, crew: str, at: datetime) -> tuple[Lesson, ...]:
        """Return the lessons in force that a crew's kickoffs carry, the newest first."""
        found = await self._rows(
            sa.select(lessons)
            .where(lessons.c.crew == crew, lessons.c.state == LessonState.KEPT.value)
            .where(_HOLDS, lessons.c.of_flow.is_(False))
            .order_by(lessons.c.kept_at.desc(), lessons.c.id.desc())
            .limit(MOST),
            {"at": at},
        )
        return tuple(each(_to_lesson, found))

    async def rules_of(self, ids: Collection[str]) -> dict[str, str]:
        """Return, by lesson, the id of the rule of the round that the lesson comes from."""
        origin = sa.select(lessons.c.id, rounds.c.rule_id).join_from(lessons, rounds)
        found = await self._rows(origin.where(lessons.c.id.in_(ids)))
        return {row.id: row.rule_id for row in found}

    async def of_ids(self, ids: Collection[str]) -> tuple[Lesson, ...]:
        """Return the lessons of these ids, in the order of the ids, in any state."""
        rows = await self._rows(sa.select(lessons).where(lessons.c.id.in_(ids)))
        found = {one.id: one for one in each(_to_lesson, rows)}
        return tuple(found[one] for one in ids if one in found)

    async def listed(
        self, crew: str, rules: Collection[str], *, at: datetime
    ) -> tuple[LessonLine, ...]:
        """Return the lessons from rounds under these rules, proposed or in force, newest first."""
        parameters = {"crew": crew, "rules": rules, "at": at}
        return tuple(each(_to_line, await self._rows(_LISTED, parameters)))

    async def revisions(
        self, crew: str, rules: Collection[str], *, since: datetime
    ) -> tuple[Revision, ...]:
        """Return the latest revisions of outputs by people from `since` on."""
        parameters = {"crew": crew, "rules": rules, "since": since}
        return tuple(each(_to_revision, await self._rows(_REVISIONS, parameters)))


class Lessons(Changing, LessonQueries):
    """Changes lessons on a transaction's connection."""

    async def add(self, lesson: Lesson, *, at: datetime) -> bool:
        """Store a proposed lesson; return False if the crew has its text, kept or proposed.

        An equal lesson whose time is over is retired first.
        """
        digest = sha256(lesson.text.casefold().encode()).hexdigest()
        await self._connection.execute(
            sa.update(lessons)
            .where(lessons.c.crew == lesson.crew, lessons.c.digest == digest)
            .where(lessons.c.state == LessonState.KEPT.value, lessons.c.expires_at <= at)
            .values(state=LessonState.RETIRED.value, ended_at=lessons.c.expires_at)
        )
        row = _LESSON.write(lesson) | {"digest": digest}
        return await insert_once(self._connection, lessons, row)

    async def add_drawn(self, lesson: Lesson) -> None:
        """Store a kept lesson of a flow.

        Its digest is its id: the host itself sees to it that no text is kept twice.
        """
        await self._connection.execute(
            sa.insert(lessons), _LESSON.write(lesson) | {"digest": lesson.id}
        )

    async def forget_callback(self, round_id: str) -> None:
        """Forget the address for a flow's answer, unless a lesson of the round still needs it."""
        await write(self._connection, _FORGET_CALLBACK, {"b_round": round_id})

    async def lock(self, lesson_id: str) -> Lesson:
        """Lock a lesson until the transaction ends: a proposal before the one that it replaces."""
        [row] = await self._rows(
            sa.select(lessons).where(lessons.c.id == lesson_id).with_for_update()
        )
        return _to_lesson(row)

    async def lock_in_place_of(self, lesson: Lesson) -> Lesson | None:
        """Lock the lesson whose place a kept lesson takes; None if it replaces no lesson.

        Another edit may have replaced the old lesson meanwhile: follow the edits to the latest.
        Locks go from older lessons to newer kept lessons, so none waits for a proposal's lock.
        """
        old = lesson.replaces and await self.lock(lesson.replaces)
        while old and old.state is LessonState.REPLACED:
            of = lessons.c.crew == lesson.crew, lessons.c.replaces == old.id
            newer = sa.select(lessons.c.id).where(*of, lessons.c.kept_at.is_not(None))
            found = await self._rows(newer)
            if not found:
                return None
            old = await self.lock(found[0].id)
        return old or None

    async def save(self, lesson: Lesson) -> None:
        await self._connection.execute(
            sa.update(lessons).where(lessons.c.id == lesson.id).values(_LESSON.write(lesson))
        )

    async def place_card(self, lesson_id: str, ref: MessageRef) -> None:
        place = {"card_channel": ref.channel, "card_ts": ref.ts, "card_thread_ts": ref.thread_ts}
        await self._connection.execute(
            sa.update(lessons).where(lessons.c.id == lesson_id).values(place)
        )

    async def record_use(self, given: LessonsGiven) -> None:
        """Count a use of these lessons."""
        # All kickoffs lock in one order, so that no two wait for each other.
        await write(self._connection, _USE, [{"b_id": one} for one in sorted(given.ids)])
