"""Lessons at a kickoff: the crews that take lessons, and the lessons for each kickoff."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from crewgate.domain import lessons
from crewgate.domain.audit import BOT, Code, Entry, digest_of
from crewgate.domain.crew import Crew
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.execution import Execution
from crewgate.domain.review import Round
from crewgate.domain.verdict import Person
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.crew import CrewClients, KickoffAnswer, KickoffOutcome, KickoffRequest
from crewgate.usecases.ports.store import Queries, Tx, UnitOfWork
from crewgate.usecases.read_models import CrewLessons, CrewUnavailable, LessonLine

log = structlog.get_logger(__name__)

#: The time after which a crew is asked anew whether it takes lessons.
ASK_EVERY: Final = timedelta(minutes=10)


@dataclass(eq=False, repr=False)
class Teaching:
    """Knows which crews take lessons, and fills lessons into their kickoffs."""

    uow: UnitOfWork
    clients: CrewClients
    _: KW_ONLY
    clock: Clock
    _asked: dict[str, tuple[datetime, bool | None]] = field(default_factory=dict)
    _renewals: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _asking: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def is_for(self, crew: str) -> bool | None:
        """Return True if the crew takes lessons, by its last answer; None without an answer.

        An old answer is renewed meanwhile: no kickoff waits for a crew that is slow to answer.
        """
        if crew not in self._asked:
            await self._ask(crew)
        elif self._is_old(crew):
            self._renewals[crew] = asyncio.create_task(self._ask(crew))
        return self._asked[crew][1]

    def _is_old(self, crew: str) -> bool:
        at, _ = self._asked.get(crew, (None, None))
        return at is None or not at <= self.clock() < at + ASK_EVERY

    async def _ask(self, crew: str) -> None:
        async with self._asking[crew]:  # kickoffs at one time share one question to the crew
            if not self._is_old(crew):
                return
            client = self.clients.get(crew)
            answer = CrewUnavailable("no url") if client is None else await client.inputs()
            _, takes = self._asked.get(crew, (None, None))
            takes = takes if isinstance(answer, CrewUnavailable) else lessons.INPUT in answer
            self._asked[crew] = self.clock(), takes

    def learns_from(self, outcome: KickoffOutcome, request: KickoffRequest, crew: str) -> bool:
        """Return True if a crew started nothing for want of lessons; note that it takes them."""
        match outcome:
            case KickoffAnswer(missing=missing, is_in_doubt=False) if lessons.INPUT in missing:
                if not request.gives_lessons and request.lessons is None:
                    self._asked[crew] = self.clock(), True
                    return True
        return False

    async def fill(
        self, crew: Crew, request: KickoffRequest
    ) -> tuple[KickoffRequest, lessons.LessonsGiven | None]:
        """Fill in lessons, unless the crew takes none, or has none and never said what it takes."""
        takes = False if request.gives_lessons else await self.is_for(crew.name)
        current: tuple[lessons.Lesson, ...] = ()
        if takes is not False:
            try:
                current = await self.uow.read.lessons.in_force(crew.name, self.clock())
            except StoreUnavailable as error:
                log.warning("lessons_not_read", crew=crew.name, why=str(error))
        if not (takes or current):
            return request, None
        text, given = lessons.fill(current)
        return replace(request, lessons=text), given


async def record_given(tx: Tx, execution: Execution) -> None:
    """Record the lessons of an execution in the audit trail, and their uses."""
    given = execution.lessons
    if given is None or not given.ids:
        return
    data = {"lessons": list(given.ids), "left_out": given.left_out}
    entry = Entry(Code.LESSONS_GIVEN, BOT, data)
    tx.audit.add(entry, crew=execution.crew, execution_id=execution.execution_id)
    await tx.lessons.record_use(given)


async def offer_lesson(tx: Tx, round_: Round, _: Crew, *, at: datetime) -> None:
    """Enqueue the offer of a lesson after a decision that may teach."""
    if lessons.may_teach(round_):
        await tx.enqueue([round_.effect(EffectKind.OFFER_LESSON)], at=at)


async def keep_drawn(tx: Tx, round_: Round, crew: Crew, *, at: datetime) -> None:
    """Store the lesson that people kept in a flow's question: it ends by time, or once retired."""
    lesson = lessons.drawn_lesson(round_, lasts=crew.lessons_expire)
    if lesson is None:
        return
    lesson = replace(lesson, text=(await tx.output(round_.origin)).text)
    await tx.lessons.add_drawn(lesson)
    record_lesson(Code.LESSON_KEPT, lesson, lesson.votes[-1].by, tx)
    await enqueue_end(tx, lesson, round_, at=at)


async def end_unsent(tx: Tx, round_: Round, by: Person, *, at: datetime) -> None:
    """End the lesson of a dismissed question if its flow surely never heard of it."""
    if round_.in_doubt or lessons.drawn_lesson(round_, lasts=None) is None:
        return
    lesson = await tx.lessons.lock(lessons.id_of_drawn(round_.id))
    if lesson.state is not lessons.LessonState.KEPT:
        return
    ended = lesson.end(lessons.LessonState.RETIRED, by, at)
    await tx.lessons.save(ended)
    record_lesson(Code.LESSON_RETIRED, ended, by, tx)
    await tx.cancel(ended.id)


async def enqueue_end(tx: Tx, lesson: lessons.Lesson, round_: Round, *, at: datetime) -> None:
    """Enqueue the end of a kept lesson, due once its time is over."""
    if lesson.expires_at is not None:
        # The effect names no execution: an execution with a waiting job would keep its texts.
        effect = round_.effect(EffectKind.END_LESSON)
        end = replace(effect, target=lesson.id, execution_id="")
        await tx.enqueue([end], at=at, due_at=lesson.expires_at)


def record_lesson(code: Code, about: lessons.Lesson, by: Person, tx: Tx) -> None:
    data: dict[str, Any] = {"lesson": about.id, "text": digest_of(about.text, about.id)}
    data |= {"round": about.round_id, "replaces": about.replaces}
    tx.audit.acts(by)
    tx.audit.add(Entry(code, by.id, data), crew=about.crew)


async def lessons_of_crew(
    crew: str, rules: Collection[str], *, since: datetime, at: datetime, read: Queries
) -> CrewLessons:
    """Return a crew's lessons from rounds under these rules, with their wishes since `since`."""
    lines = await read.lessons.listed(crew, rules, at=at)
    if lines:
        revisions = await read.lessons.revisions(crew, rules, since=since)
        lines = tuple(_with_wishes(line, revisions) for line in lines)
    return CrewLessons(crew, lines)


def _with_wishes(line: LessonLine, revisions: Sequence[lessons.Revision]) -> LessonLine:
    lesson = line.lesson
    if lesson.kept_at is None:
        return line
    same = [one for one in revisions if one.wishes_for(lesson, line.wish)]
    before = sum(one.at <= lesson.kept_at for one in same)
    return replace(line, before=before, again=sum(lesson.id in one.given for one in same))
