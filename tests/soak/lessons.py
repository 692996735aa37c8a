"""Lessons: reviewers teach a crew, and each kickoff has what was kept until then, no more."""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Final

from typing_extensions import override

from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from tests.soak.beside import Beside
from tests.soak.database import BesideRound
from tests.soak.evidence import Card
from tests.soak.rules import EXCLUDED
from tests.standins.crew import Crew, Task
from tests.standins.workspace import Message

_EACH: Final = (1.0, 3.0)
_MOST_OPEN: Final = 6
#: Kickoffs carry twelve lessons at most: from so many in force on each is retired soon.
_ENOUGH: Final = 6
#: How long the last kickoff waits for a lesson, in seconds.
_LAST: Final = 180.0
_KEEP: Final = 0.75
_RETIRE: Final = 0.3
_AFTER: Final = (0.5, 6.0)
_NONE: Final = "(none)"
_ACCEPTED: Final = 202
_NUMBER: Final = re.compile(r"source ([0-9]+)\.")
_COURSE: Final = re.compile(r"course ([0-9]+)")
_VERSION: Final = re.compile(r"version ([0-9]+)")
_AGAIN: Final = 8.0
"""The seconds that somebody looks at a lesson's card before they press again."""
_NEVER: Final = float("inf")


@dataclass(slots=True)
class Lesson:
    """People's looks at a lesson and their acts; moments in seconds, infinite for never."""

    keep_sent: float = _NEVER
    """The time when somebody with the right pressed Keep."""
    kept_seen: float = _NEVER
    """The time when its card said so."""
    end_sent: float = _NEVER
    """The time when somebody pressed Drop or Retire."""
    ended_seen: float = _NEVER


@dataclass(frozen=True, slots=True)
class Given:
    """The lessons of one kickoff."""

    topic: str
    lessons: str
    """The input as the crew got it."""
    sent: float
    started: float


def wrong(lessons: dict[int, Lesson], kickoffs: Sequence[Given]) -> Iterator[str]:
    """All that is wrong with what kickoffs were given."""
    for one in kickoffs:
        where = f"the kickoff of {one.topic}"
        lines = [] if one.lessons == _NONE else one.lessons.splitlines()
        numbers = [int(found[1]) for line in lines if (found := _NUMBER.search(line))]
        if len(numbers) < len(lines) or len(set(numbers)) < len(numbers):
            yield f"{where} was given what nobody wrote, or something twice: {one.lessons!r}"
        for number in numbers:
            lesson = lessons.get(number)
            if lesson is None or lesson.keep_sent > one.started:
                yield f"{where} was given the lesson {number}, which nobody had kept"
            elif lesson.ended_seen < one.sent:
                yield f"{where} was given the lesson {number}, whose card said that it was over"
        for number, lesson in lessons.items():
            is_in_force = lesson.kept_seen < one.sent and one.started < lesson.end_sent
            if is_in_force and number not in numbers:
                yield f"{where} was not given the lesson {number}, whose card said “kept”"


class Lessons(Beside):
    """The crew that takes lessons, and its reviewers, who approve nothing of their own."""

    name: ClassVar = "taught"
    people: ClassVar = ("U0TEACH0", "U0TEACH1", "U0TEACH2", "U0TEACH3")
    rules: ClassVar = ("self_approval = false",)

    def __init__(self, seed: int) -> None:
        draft = Task(
            task_id="draft",
            name="Draft",
            description="Write a draft.",
            expected_output="Text",
            agent="Writer",
            needs_review=True,
            produce=lambda inputs, feedbacks, _: (
                f"A draft of {inputs['topic']}, version {len(feedbacks) + 1}."
            ),
        )
        crew = Crew(script=[draft], inputs=("topic", "lessons"), task_seconds=0.1)
        super().__init__(crew, seed)
        self.lessons: dict[int, Lesson] = {}
        self.refused = 0
        self._sent: dict[str, float] = {}
        self._cards: dict[str, int] = {}
        """The number of each lesson, by its card."""
        self._acted: set[str] = set()

    @override
    async def load(self) -> None:
        chance = self.chance("load")
        while True:
            await asyncio.sleep(chance.uniform(*_EACH))
            if len(self._running()) < _MOST_OPEN:
                await self._begin()

    @override
    async def last(self) -> None:
        """Kick off once more, with some lesson in force if people keep one by then."""
        until = time.monotonic() + _LAST
        while time.monotonic() < until:
            if self._in_force():
                break
            await asyncio.sleep(1)
        await self._begin()

    async def _begin(self) -> None:
        topic = f"course {len(self._sent) + 1}"
        self._sent[topic] = time.time()
        await self.kick_off({"topic": topic})

    def _in_force(self) -> list[Lesson]:
        return [one for one in self.lessons.values() if one.kept_seen < one.end_sent]

    def _running(self) -> list[str]:
        sent = [one for one in self.crew.webhooks_sent if one.kind == "human_input"]
        lost = {str(one.body["execution_id"]) for one in sent if one.status != _ACCEPTED}
        executions = self.crew.executions
        return [one.id for one in executions if one.ended_at is None and one.id not in lost]

    @override
    def person_for(self, card: Card, chance: Random) -> str:
        number, version = _place(card.message.shown)
        return self._author(number) if version == 1 else self.people[3]

    def _author(self, number: int) -> str:
        return self.people[number % 3]

    @override
    async def decide(self, person: str, card: Card, chance: Random) -> None:
        number, version = _place(card.message.shown)
        if version > 1:
            await self.approve(person, card)
            return
        await self.slack.click(person, card.message, buttons.REVISE.id)
        if (form := await self.form(person, ids.REVISE_MODAL)) is not None:
            await self.submit(person, form, {ids.FEEDBACK: _wish(number)})

    @override
    def look(self, message: Message, group: asyncio.TaskGroup) -> None:
        super().look(message, group)
        offers = {
            option["value"]
            for block in message.blocks
            for option in block.get("accessory", {}).get("options", ())
        }
        # A card whose execution is not known yet shows no topic: the next look will do.
        is_known = _COURSE.search(message.shown) is not None
        if is_known and buttons.KEEP_LESSON.id in {value.partition(" ")[0] for value in offers}:
            self._once(group, f"propose {message.ts}", self._propose, message)
        actions = _actions(message)
        if ids.LESSON_KEEP in actions and (found := _NUMBER.search(message.shown)):
            self._cards[message.ts] = int(found[1])
        if (number := self._cards.get(message.ts)) is None:
            return
        lesson = self.lessons.setdefault(number, Lesson())
        if ids.LESSON_KEEP in actions:
            self._once(group, f"keep {number}", self._keep, message)
        elif ids.LESSON_RETIRE in actions:
            lesson.kept_seen = min(lesson.kept_seen, time.time())
            self._once(group, f"retire {number}", self._retire, message)
        else:
            lesson.ended_seen = min(lesson.ended_seen, time.time())

    def _once(
        self,
        group: asyncio.TaskGroup,
        name: str,
        act: Callable[[Message], Coroutine[Any, Any, None]],
        message: Message,
    ) -> None:
        if name not in self._acted:
            self._acted.add(name)
            group.create_task(act(message))

    async def _propose(self, message: Message) -> None:
        number, _ = _place(message.shown)
        author = self._author(number)
        self.lessons.setdefault(number, Lesson())
        async with self.free[author]:
            await self.slack.overflow(author, message, buttons.KEEP_LESSON.label)
            if (form := await self.form(author, ids.LESSON_FORM)) is not None:
                await self.submit(author, form, {})
            await self.close(author)

    async def _keep(self, message: Message) -> None:
        """Have those try who may not, then keep or drop it, again while nothing happens."""
        number = self._cards[message.ts]
        lesson, author = self.lessons[number], self._author(number)
        chance = self.chance(f"keep {number}")
        keeps = chance.random() < _KEEP
        for person in (EXCLUDED, author):
            await self.slack.click(person, message, ids.LESSON_KEEP)
            self.refused += 1
        await asyncio.sleep(chance.uniform(*_AFTER))
        while ids.LESSON_KEEP in _actions(self.slack.fresh(message)):
            if keeps:
                lesson.keep_sent = min(lesson.keep_sent, time.time())
            else:
                lesson.end_sent = min(lesson.end_sent, time.time())
            action = ids.LESSON_KEEP if keeps else ids.LESSON_DROP
            await self.slack.click(self._author(number + 1), message, action)
            await asyncio.sleep(_AGAIN)

    async def _retire(self, message: Message) -> None:
        number = self._cards[message.ts]
        lesson, chance = self.lessons[number], self.chance(f"retire {number}")
        if len(self._in_force()) < _ENOUGH and chance.random() > _RETIRE:
            return
        await asyncio.sleep(chance.uniform(*_AFTER))
        if len(self._in_force()) == 1:
            return  # the last kickoff has one to carry
        while ids.LESSON_RETIRE in _actions(self.slack.fresh(message)):
            lesson.end_sent = min(lesson.end_sent, time.time())
            await self.slack.click(self._author(number + 1), message, ids.LESSON_RETIRE)
            await asyncio.sleep(_AGAIN)

    @override
    def is_settled(self, rounds: Sequence[BesideRound]) -> bool:
        return super().is_settled(rounds) and not self._running()

    @override
    def wrong(self, rounds: Sequence[BesideRound]) -> Iterator[str]:
        yield from super().wrong(rounds)
        yield from (f"taught: {execution} has not ended" for execution in self._running())
        yield from (f"taught: {one}" for one in wrong(self.lessons, self._given()))

    def _given(self) -> list[Given]:
        return [
            Given(
                topic=topic,
                lessons=str(one.inputs.get("lessons")),
                sent=self._sent[topic],
                started=one.started_at,
            )
            for one in self.crew.executions
            for topic in (str(one.inputs["topic"]),)
        ]

    @override
    def figures(self, rounds: Sequence[BesideRound]) -> Iterator[tuple[str, int]]:
        yield "lessons that were proposed", len(self.lessons)
        yield "  kept", sum(one.kept_seen < _NEVER for one in self.lessons.values())
        yield "  dropped or retired", sum(one.ended_seen < _NEVER for one in self.lessons.values())
        yield "  tries to keep one by people who may not", self.refused
        given = self._given()
        yield "kickoffs", len(given)
        yield "  with lessons", sum(one.lessons != _NONE for one in given)


def _wish(number: int) -> str:
    return f"Name the source {number}."


def _place(shown: str) -> tuple[int, int]:
    """Return the numbers of the execution and of the output on a card; 0 where none is shown."""
    number, version = _COURSE.search(shown), _VERSION.search(shown)
    return int(number[1]) if number else 0, int(version[1]) if version else 0


def _actions(message: Message) -> set[str]:
    return {
        element["action_id"]
        for block in message.blocks
        for element in block.get("elements", ())
        if "action_id" in element
    }
