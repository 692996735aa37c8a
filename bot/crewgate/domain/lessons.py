"""Lessons: sentences that reviewers teach a crew for its next executions; pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self
from unicodedata import category

from crewgate.domain.errors import CrewgateError, LessonProblem, LessonRefused
from crewgate.domain.notification import Source
from crewgate.domain.redaction import hide_credentials
from crewgate.domain.review import Round, State
from crewgate.domain.subjects import question_of
from crewgate.domain.verdict import Answer, Approve, Decision, Person, Revise, Via, Vote

INPUT: Final = "lessons"
"""The kickoff input for lessons: a crew takes them if one of its templates has `{lessons}`."""
NO_LESSONS: Final = "(none)"
"""The input's value without lessons: CrewAI refuses a kickoff that lacks an input."""
LESSON_CHARACTERS: Final = 300
#: The most lessons that one kickoff carries, and the most characters of their list, with its
#: numbers and line breaks.
MOST: Final = 12
GIVEN_CHARACTERS: Final = 2_500
#: A lesson counts as not followed once people asked this often for the same change again, in
#: executions that carried the lesson.
NOT_FOLLOWED: Final = 3


class LessonState(StrEnum):
    """The state of a lesson; a KEPT one whose time is over counts as ended at once."""

    PROPOSED = "proposed"
    KEPT = "kept"
    DROPPED = "dropped"
    RETIRED = "retired"
    """A person ended the lesson, or its time ran out; then `ended_by` is None."""
    REPLACED = "replaced"
    """Another lesson was kept in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A sentence for a crew, by the reviewer who proposed it, and the votes on it."""

    id: str
    crew: str
    text: str
    author: Person
    round_id: str
    """The approved round behind the lesson; that round's rule decides on the lesson too."""
    wish_id: str
    """The round whose request for changes, the wish, the lesson was made of."""
    proposed_at: datetime
    replaces: str | None = None
    state: LessonState = LessonState.PROPOSED
    votes: tuple[Vote, ...] = ()
    kept_at: datetime | None = None
    expires_at: datetime | None = None
    """The end of the lesson's time; None if it is kept for ever."""
    ended_at: datetime | None = None
    ended_by: Person | None = None
    of_flow: bool = False
    """The host gives the lesson to a flow under `crewgate host`; kickoffs do not carry it."""

    def is_in_force(self, at: datetime) -> bool:
        return self.state is LessonState.KEPT and (self.expires_at is None or at < self.expires_at)

    def require(self, state: LessonState, at: datetime) -> None:
        """Raise LessonEnded unless the lesson is in this state, and in force if kept."""
        if self.state is not state or not (state is not LessonState.KEPT or self.is_in_force(at)):
            raise LessonEnded(self)

    def ballot(self, round_: Round) -> Round:
        """Return the lesson's round as waiting, with the lesson's votes, for the rule to count."""
        return replace(round_, state=State.WAITING, decision=None, votes=self.votes)

    def after(self, ballot: Round, *, lasts: timedelta | None) -> Self:
        """Return the lesson after a vote; a decided ballot keeps it, for `lasts` or for ever."""
        decision = ballot.decision
        if decision is None:
            return replace(self, votes=ballot.votes)
        return replace(
            self,
            state=LessonState.KEPT,
            votes=decision.votes or (_only_vote(decision),),
            kept_at=decision.at,
            expires_at=None if lasts is None else decision.at + lasts,
        )

    def end(self, state: LessonState, by: Person | None, at: datetime) -> Self:
        return replace(self, state=state, ended_by=by, ended_at=at)


def _only_vote(decision: Decision) -> Vote:
    assert isinstance(decision.by, Person), "only people vote on lessons"
    return Vote(
        by=decision.by, at=decision.at, via=decision.via, on_behalf_of=decision.on_behalf_of
    )


class LessonEnded(CrewgateError):
    """The lesson is not, or no longer, in the state that an act needs; carries it as it is."""

    def __init__(self, lesson: Lesson) -> None:
        super().__init__(f"the lesson is {lesson.state}")
        self.lesson = lesson


#: A name of an input in braces. CrewAI replaces it by the input, in the text of a lesson too, so
#: `parse_lesson` puts spaces into the braces:
#: `interpolate_only` in crewai/utilities/string_utils.py, 1.15.30.
_INPUT: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_\-]*)\}")


def parse_lesson(text: str) -> str:
    """Return a lesson as one line, without characters that people do not see.

    Raises LessonRefused. Invisible characters could tell the crew things that no reviewer read.
    """
    line = " ".join("".join(filter(_shows, text.translate(_BLANK))).split())
    line = _INPUT.sub(r"{ \1 }", line)
    if not line:
        raise LessonRefused(LessonProblem.EMPTY)
    if len(line) > LESSON_CHARACTERS:
        raise LessonRefused(LessonProblem.TOO_LONG)
    if hide_credentials(line) != line:
        raise LessonRefused(LessonProblem.PERSONAL)
    return line


#: Letters and signs that look blank are replaced by spaces, as people read them.
_BLANK: Final = dict.fromkeys(map(ord, "\u115f\u1160\u2800\u3164\uffa0"), " ")


def _shows(char: str) -> bool:
    is_selector = "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef"
    is_selector |= char in "\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f"
    is_joiner = char in "\u200c\u200d"  # some scripts and emoji need joiners
    return char.isspace() or is_joiner or not (is_selector or category(char).startswith("C"))


@dataclass(frozen=True, slots=True)
class LessonsGiven:
    """The lessons that a kickoff through the bot carried."""

    ids: tuple[str, ...] = ()
    left_out: int = 0
    """The older lessons in force for which there was no room."""


def fill(in_force: Iterable[Lesson]) -> tuple[str, LessonsGiven]:
    """Return the text of the input, a numbered list with the newest last, and its lessons."""
    newest = sorted(in_force, key=lambda one: (one.kept_at or one.proposed_at, one.id))[::-1]
    room, given = GIVEN_CHARACTERS, list[Lesson]()
    for one in newest[:MOST]:
        room -= len(f"{MOST}. {one.text}\n")
        if room < 0:
            break
        given.insert(0, one)
    text = "\n".join(f"{number}. {one.text}" for number, one in enumerate(given, start=1))
    ids = tuple(one.id for one in given)
    return text or NO_LESSONS, LessonsGiven(ids, len(newest) - len(given))


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision in somebody's words, and the ids of the lessons that its execution carried."""

    words: str
    at: datetime
    given: tuple[str, ...] = ()

    def wishes_for(self, lesson: Lesson, wish: str) -> bool:
        return any(is_same_wish(one, self.words) for one in (lesson.text, wish))


_WORD: Final = re.compile(r"[^\W_]+")
#: Wishes are compared by the first letters (_STEM) of their words, because endings change. Words of
#: fewer letters than _SHORTEST say little of a wish, and are left out.
_SHORTEST: Final = 4
_STEM: Final = 5
_IN_COMMON: Final = 0.6


def is_same_wish(one: str, other: str) -> bool:
    """Return True if one text has most of the other's longer words.

    No model is asked. Texts without spaces between words, and other languages, match only if they
    share words.
    """
    first, second = _stems(one), _stems(other)
    if min(len(first), len(second)) < 2:  # noqa: PLR2004  # a single word occurs in many unlike wishes
        return first == second and bool(first)
    return len(first & second) >= _IN_COMMON * min(len(first), len(second))


@lru_cache(2_000)
def _stems(text: str) -> frozenset[str]:
    words = _WORD.findall(text[:3_000].casefold())
    return frozenset(word[:_STEM] for word in words if len(word) >= _SHORTEST)


#: The beginning of the id of a lesson from a flow's question; the round's id follows.
DRAWN: Final = "lesson-"


def id_of_drawn(round_id: str) -> str:
    return f"{DRAWN}{round_id}"


def drawn_lesson(round_: Round, *, lasts: timedelta | None) -> Lesson | None:
    """Return the lesson that people kept in a flow's question, without its text, or None."""
    question = question_of(round_.subject)
    match question and question.drawn_from, round_.decision:
        case (
            Source(keep=keep) as source,
            Decision(verdict=Answer(text=answer), by=Person() as by),
        ) if answer == keep:
            lesson = Lesson(
                id=id_of_drawn(round_.id),
                crew=round_.review.crew,
                text="",
                author=source.by or by,
                round_id=round_.id,
                wish_id=source.round_id or round_.id,
                proposed_at=round_.opened_at,
                of_flow=True,
            )
            return lesson.after(round_, lasts=lasts)
    return None


def wisher_of(round_: Round) -> Person | None:
    """Return the person whose own words sent a round back; None if nobody did."""
    match round_.decision:
        case Decision(verdict=Revise(), by=Person() as by, via=via) if via is not Via.EDIT:
            return by
    return None


def may_teach(round_: Round) -> bool:
    """Return True for an output that a person approved, after an earlier output of the crew."""
    first = 1 if round_.edited_by is None else 2
    match round_.decision:
        case Decision(verdict=Approve(), by=Person()):
            return round_.number > first and round_.subject.has_text
    return False
