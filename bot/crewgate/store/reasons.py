"""Why a round is where it is, as three columns: its kind, a code, and words from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import (
    Answered,
    AnsweredElsewhere,
    AnswerLost,
    Dismissed,
    ExecutionEnded,
    ExecutionFailed,
    ExecutionGone,
    Inferred,
    NeverSent,
    NotReached,
    PerhapsTaken,
    Reason,
    RefusedByCrew,
    RequestGone,
    RetriesExhausted,
    TakenAs,
)
from crewgate.domain.verdict import Person

WHILE_WAITING: Final = "while_waiting"
"""The code of an end that only the status told of."""
_FROM_COLUMNS: Final[Mapping[str, Callable[[str, str], Reason]]] = {
    "not_reached": lambda _code, words: NotReached(words),
    "answer_lost": lambda _code, words: AnswerLost(words),
    "answered": lambda code, words: Answered(words, ResumeStatus(code) if code else None),
    "inferred": lambda _code, _words: Inferred(),
    "taken_as": TakenAs,
    "answered_elsewhere": lambda _code, words: AnsweredElsewhere(words),
    "perhaps_taken": lambda _code, words: PerhapsTaken(words),
    "request_gone": RequestGone,
    "refused_by_crew": RefusedByCrew,
    "retries_exhausted": lambda _code, words: RetriesExhausted(words),
    "never_sent": lambda _code, _words: NeverSent(),
    "dismissed": lambda code, words: Dismissed(_person(code), words),
    "execution_ended": lambda code, _words: ExecutionEnded(code == WHILE_WAITING),
    "execution_failed": lambda code, words: ExecutionFailed(words, code == WHILE_WAITING),
    "execution_gone": lambda _code, _words: ExecutionGone(),
}


def _person(code: str) -> Person:
    """Id and name: an id has no space."""
    user, _, name = code.partition(" ")
    return Person(user, name)


_KINDS: Final = {type(build("", "")): kind for kind, build in _FROM_COLUMNS.items()}


def to_reason(kind: str | None, code: str, words: str) -> Reason | None:
    """The columns `reason`, `reason_code` and `reason_words` of `rounds`."""
    return None if kind is None else _FROM_COLUMNS[kind](code, words)


def from_reason(reason: Reason | None) -> dict[str, str | None]:
    """The same, to be written."""
    code, words = _code_and_words(reason)
    kind = None if reason is None else _KINDS[type(reason)]
    return {"reason": kind, "reason_code": code, "reason_words": words}


def _code_and_words(reason: Reason | None) -> tuple[str, str]:  # noqa: PLR0911  # a table
    match reason:
        case Answered(words, status):
            return status or "", words
        case RefusedByCrew(code, words) | RequestGone(code, words) | TakenAs(code, words):
            return code, words
        case ExecutionEnded(while_waiting=True):
            return WHILE_WAITING, ""
        case ExecutionFailed(words, while_waiting=True):
            return WHILE_WAITING, words
        case Dismissed(by, why):
            return f"{by.id} {by.name}", why
        case (
            AnsweredElsewhere(words)
            | AnswerLost(words)
            | ExecutionFailed(words)
            | NotReached(words)
            | PerhapsTaken(words)
            | RetriesExhausted(words)
        ):
            return "", words
        case _:
            return "", ""
