"""Lessons: statements that write and read them, and count where they were used."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.errors import LessonNotFound
from crewgate.domain.lessons import Lesson, LessonsGiven, LessonState
from crewgate.store.codec import Columns, codec
from crewgate.store.engine import Connection, Held, Reading
from crewgate.store.statements import insert_once
from crewgate.store.tables import Bytewise, Instant, index_where, metadata, reviews, rounds
from crewgate.usecases.read_models import MessageRef

#: `digest` is of the text without regard to case: no crew has a lesson twice at a time. The wish is
#: the feedback of the round `wish_id`, with which it is removed.
lessons = sa.Table(
    "lessons",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("crew", Bytewise, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("author", sa.JSON, nullable=False),
    sa.Column("round_id", sa.ForeignKey("rounds.id"), nullable=False),
    sa.Column("wish_id", sa.Text, nullable=False),
    sa.Column("proposed_at", Instant, nullable=False),
    sa.Column("replaces", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("votes", sa.JSON(none_as_null=True)),
    sa.Column("kept_at", Instant),
    sa.Column("expires_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.JSON(none_as_null=True)),
    sa.Column("card_channel", sa.Text),
    sa.Column("card_ts", sa.Text),
    sa.Column("card_thread_ts", sa.Text),
    sa.Index(None, "crew", "state", "proposed_at"),
    index_where("ended_at IS NULL", "uq_lessons_digest", "crew", "digest", unique=True),
)

#: The executions whose kickoff carried a lesson.
lesson_uses = sa.Table(
    "lesson_uses",
    metadata,
    sa.Column("lesson_id", sa.ForeignKey("lessons.id"), primary_key=True),
    sa.Column("execution_id", Bytewise, primary_key=True),
)

_LESSON: Final = Columns(Lesson, lessons, apart=())
#: The most lessons of a crew that are read at once: no kickoff has room for so many.
MOST: Final = 200


def to_given(stored: Any) -> LessonsGiven | None:
    given: LessonsGiven | None = codec(LessonsGiven | None).load(stored)
    return given


def _to_lesson(row: sa.Row[Any]) -> Lesson:
    return Lesson(**_LESSON.read(row))


class LessonQueries(Reading):
    """Reads lessons."""

    async def find(self, lesson_id: str) -> tuple[Lesson, MessageRef | None]:
        """Return a lesson, not locked, and its card. Raises LessonNotFound."""
        found = await self._rows(sa.select(lessons).where(lessons.c.id == lesson_id))
        if not found:
            raise LessonNotFound(lesson_id)
        [row] = found
        place = row.card_channel, row.card_ts, row.card_thread_ts
        return _to_lesson(row), None if row.card_ts is None else MessageRef(*place)

    async def in_force(self, crew: str, at: datetime) -> tuple[Lesson, ...]:
        """Return a crew's kept lessons whose time is not over, the newest first."""
        found = await self._rows(
            sa.select(lessons)
            .where(lessons.c.crew == crew, lessons.c.state == LessonState.KEPT.value)
            .where(sa.or_(lessons.c.expires_at.is_(None), lessons.c.expires_at > at))
            .order_by(lessons.c.kept_at.desc(), lessons.c.id.desc())
            .limit(MOST)
        )
        return tuple(map(_to_lesson, found))

    async def of_ids(self, ids: Collection[str]) -> tuple[Lesson, ...]:
        """Return these lessons, in their order, in any state."""
        found = {
            row.id: _to_lesson(row)
            for row in await self._rows(sa.select(lessons).where(lessons.c.id.in_(ids)))
        }
        return tuple(found[one] for one in ids if one in found)


class Lessons(LessonQueries):
    """Changes lessons on a transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(Held(connection))
        self._connection = connection

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

    async def lock(self, lesson_id: str) -> Lesson:
        """Lock a lesson until the transaction ends; lock a newer lesson before an older one."""
        [row] = await self._rows(
            sa.select(lessons).where(lessons.c.id == lesson_id).with_for_update()
        )
        return _to_lesson(row)

    async def save(self, lesson: Lesson) -> None:
        await self._connection.execute(
            sa.update(lessons).where(lessons.c.id == lesson.id).values(_LESSON.write(lesson))
        )

    async def place_card(self, lesson_id: str, ref: MessageRef) -> None:
        place = {"card_channel": ref.channel, "card_ts": ref.ts, "card_thread_ts": ref.thread_ts}
        await self._connection.execute(
            sa.update(lessons).where(lessons.c.id == lesson_id).values(place)
        )

    async def record_use(self, crew: str, execution_id: str, given: LessonsGiven) -> None:
        """Store the lessons of an execution, also for rounds that were announced before."""
        uses = [{"lesson_id": one, "execution_id": execution_id} for one in given.ids]
        if uses:
            await self._connection.execute(sa.insert(lesson_uses), uses)
        theirs = sa.select(reviews.c.id).where(
            reviews.c.crew == crew, reviews.c.execution_id == execution_id
        )
        await self._connection.execute(
            sa.update(rounds)
            .where(rounds.c.review_id.in_(theirs), rounds.c.lessons.is_(None))
            .values(lessons=given.counted)
        )
