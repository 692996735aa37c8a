"""Why a round is where it is, in words: a part of a sentence."""

from __future__ import annotations

from typing import Final

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
from crewgate.slack.blockkit.text import one_line

ANSWER_LIMIT: Final = 400
"""The longest words of a crew that are shown, in characters once escaped."""
EXECUTION_GONE: Final = "the crew does not know this execution"


def reason_text(reason: Reason | None) -> str:  # noqa: PLR0911  # a table
    """Raw, for what is inside is foreign."""
    match reason:
        case None:
            return ""
        case Answered(words=text) | RefusedByCrew(words=text):
            return text
        case NotReached(text) | AnswerLost(text) | RetriesExhausted(text):
            return text
        case ExecutionFailed(error):
            return f"the execution failed: {error}" if error else "the execution failed"
        case Dismissed(by, why):
            return f"{by.name or by.id} dismissed it: {why}"
        case TakenAs(outcome, words):
            return f"outcome: {outcome}" if outcome else words
        case AnsweredElsewhere(words) | PerhapsTaken(words) | RequestGone(words=words):
            return f"{_REASONS[type(reason)]}: {words}" if words else _REASONS[type(reason)]
        case Inferred() | NeverSent() | ExecutionEnded() | ExecutionGone():
            return _REASONS[type(reason)]


_REASONS: Final = {
    Inferred: "the crew has gone on, so it has this",
    NeverSent: "a newer output came before this could be sent",
    ExecutionEnded: "the execution has ended",
    ExecutionGone: EXECUTION_GONE,
    AnsweredElsewhere: "the flow has an answer from elsewhere",
    PerhapsTaken: "the flow has an answer, this one or one from elsewhere",
    RequestGone: "the flow does not know this request any more",
}


def because(reason: Reason | None) -> str:
    """The same, escaped, inside a sentence of ours, which brings its own full stop."""
    return one_line(reason_text(reason), ANSWER_LIMIT).rstrip(". ")
