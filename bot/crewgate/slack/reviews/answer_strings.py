"""What cards of flows say: what is asked, what was answered, and what the flow made of it.

As in `strings`, what ends in `_plain` is for notifications.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crewgate.domain.answering import approves
from crewgate.domain.people import ReviewerRef
from crewgate.domain.question import Question
from crewgate.domain.reason import (
    AnsweredElsewhere,
    AnswerLost,
    Dismissed,
    PerhapsTaken,
    Reason,
    RefusedByCrew,
    RequestGone,
    RetriesExhausted,
    TakenAs,
)
from crewgate.domain.review import Round
from crewgate.domain.verdict import Answer
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import one_line, plain
from crewgate.slack.reasons import because
from crewgate.slack.reviews.presentation import Closed, OnItsWay, Stuck, Taken
from crewgate.slack.strings import person

LABEL_SHOWN: Final = 100
#: How much of a label the list of outcomes shows, in characters.
LABEL_LISTED: Final = 200
MESSAGE_SHOWN: Final = 900
#: How many people a card names as assigned.
_ASSIGNED_SHOWN: Final = 3

IN_WORDS: Final = "Answer in words"
CHOOSE: Final = "Choose an outcome"
_WHAT_BUTTONS_DO: Final = (
    "A button sends that outcome to the flow. Of an answer in words a model on the flow's side"
    " makes one."
)
_WHAT_BUTTONS_DO_OF_SEVERAL: Final = (
    "An outcome that rejects or asks for changes is sent to the flow at once, any other once enough"
    " people have chosen it. So are words, once enough people have written the same; a model on the"
    " flow's side makes an outcome of them."
)
_WHAT_WORDS_DO: Final = "The flow asks for words: it gets exactly what you write."
_WHAT_WORDS_DO_OF_SEVERAL: Final = (
    "The flow asks for words: it gets exactly what you write, once enough people have written the"
    " same."
)


HOST_REFUSED: Final = (
    "When this came, no answer could have been sent: the request's address is neither"
    " at crewai.com nor in `flow_callback_hosts`. If the address is right, name its host there and"
    " start the bot again before somebody answers."
)


def is_waiting(name: str) -> str:
    """A waiting card's first line."""
    return f"{name} asks for an answer"


WAITING_PLAIN: Final = "Waiting for an answer"


def what_buttons_do(round_: Round, question: Question) -> str:
    """What comes of an outcome's button, and of words."""
    one_is_enough = round_.approvals == 1
    if not question.outcomes:
        return _WHAT_WORDS_DO if one_is_enough else _WHAT_WORDS_DO_OF_SEVERAL
    return _WHAT_BUTTONS_DO if one_is_enough else _WHAT_BUTTONS_DO_OF_SEVERAL


def left_off(count: int) -> str:
    """Outcomes that no button has."""
    return f"{shared.counted(count, 'more outcome')} can only be answered in words."


def escalated(round_: Round, people: Sequence[ReviewerRef]) -> str:
    """The flow has waited for long, and whom it names is called."""
    asks = f"{shared.bold(shared.task(round_))} still waits for an answer"
    if not people:
        return f":exclamation: CrewAI has escalated this: {asks}."
    return f":exclamation: {shared.named(people)}: {asks}. CrewAI has escalated it."


def escalated_plain(round_: Round) -> str:
    """The same for notifications."""
    return f"Still waiting for an answer: {shared.subject_plain(round_)}"


def assigned(question: Question) -> str:
    """Whom the request names."""
    if not question.assigned:
        return ""
    return f"assigned to {shared.named(question.assigned, most=_ASSIGNED_SHOWN)}"


def label(text: str) -> str:
    """An outcome in a sentence."""
    return f"“{one_line(text, LABEL_SHOWN)}”"


def label_plain(text: str) -> str:
    """The same for notifications."""
    return f"“{plain(text, LABEL_SHOWN)}”"


def did(who: str, verdict: Answer, *, several: bool) -> str:
    """Who answered what, as the beginning of a sentence.

    `several` approved, perhaps each with another outcome; the last one's is the answer.
    """
    return _did(who, verdict, label(verdict.text), several=several)


def did_plain(who: str, verdict: Answer, *, several: bool) -> str:
    """The same for notifications."""
    return _did(who, verdict, label_plain(verdict.text), several=several)


def _did(who: str, verdict: Answer, named: str, *, several: bool) -> str:
    if not verdict.is_label:
        return f"{who} answered in words"
    if several and approves(verdict):
        return f"{who} approved, so the answer is {named}"
    return f"{who} answered {named}"


# --- what the flow made of it --------------------------------------------------------------------


def answer(shown: OnItsWay | Taken | Stuck | Closed, verdict: Answer) -> str:
    """What the flow made of an answer, or why it could not be told and what to do."""
    match shown:
        case OnItsWay(reason=reason):
            return _on_its_way(reason)
        case Taken(reason=reason):
            return _taken(verdict, reason)
        case Stuck(reason=reason, may_be_taken=may_be_taken):
            return _why_stuck(reason, may_be_taken=may_be_taken)
        case Closed():  # pragma: no branch  # there is no fifth
            return _closed(shown)


def _on_its_way(reason: Reason | None) -> str:
    match reason:
        case None:
            return "Being sent to the flow…"
        case AnswerLost():
            return (
                f"The flow did not say whether it took this ({because(reason)}). This is sent"
                " again by itself; the flow takes one answer only."
            )
        case _:
            return f"The flow cannot be reached ({because(reason)}). This is sent again by itself."


def _taken(verdict: Answer, reason: Reason | None) -> str:
    outcome = reason.outcome if isinstance(reason, TakenAs) else ""
    if not outcome:
        return "The flow goes on."
    if not verdict.is_label:
        return f"The flow goes on with the outcome {label(outcome)}, made of these words."
    if outcome != verdict.text:
        return (
            f":exclamation: The flow goes on with the outcome {label(outcome)}, although"
            f" {label(verdict.text)} was answered."
        )
    return f"The flow goes on with the outcome {label(outcome)}."


def _closed(shown: Closed) -> str:
    match shown.reason:
        case Dismissed(by, why):
            became = "may not have reached the flow" if shown.may_be_taken else "was not sent"
            return f"{person(by)} dismissed it: “{one_line(why, _WHY_SHOWN)}”. The answer {became}."
        case AnsweredElsewhere():
            return f"{_says(shown.reason)} Somebody was faster, so this one does not count."
        case PerhapsTaken():
            return f"{_says(shown.reason)} What came of sending this one was lost."
        case RequestGone():
            became = "What came of sending this one was lost." if shown.may_be_taken else _NOT_TAKEN
            return f"{_says(shown.reason)} {became}"
        case reason:
            became = "may not have reached the flow" if shown.may_be_taken else "was not sent"
            return f"The answer {became}: {because(reason) or 'there is nothing left to answer'}."


def _says(reason: AnsweredElsewhere | PerhapsTaken | RequestGone) -> str:
    sentence = because(reason)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _why_stuck(reason: Reason | None, *, may_be_taken: bool) -> str:
    """Why an answer is stuck, and what a person can do; the flow's own words where it refused."""
    says = because(reason)
    perhaps = " It may have this already: look at the flow before you press Retry."
    match reason:
        case RetriesExhausted() if may_be_taken:
            return f"The flow did not answer for a day ({says}).{perhaps}"
        case RetriesExhausted():
            return f"The flow could not be reached for a day ({says}). Press Retry when it is back."
        case RefusedByCrew(code, _):
            told = f"It was not sent: {says}" if code in _OURS else f"The flow says “{says}”"
            told = f"{told} ({one_line(code, shared.CREW_LIMIT)})."
            if may_be_taken:
                return f"What came of sending this was lost before. {told}{perhaps}"
            return f"{told} {_WHAT_TO_DO.get(code, _WHAT_ELSE_TO_DO)}"
        case _:
            return perhaps.strip() if may_be_taken else _WHAT_ELSE_TO_DO


_NOT_TAKEN: Final = "It did not take this one."
_WHY_SHOWN: Final = 1_500
"""A reason of 300 characters once escaped."""
_WHAT_ELSE_TO_DO: Final = "Look at the flow's log, then press Retry."
_OURS: Final = frozenset({"host_not_allowed", "private_address", "bad_url", "empty"})
"""Codes of what the bot itself refuses to send."""
_WHAT_TO_DO: Final = {
    "401": "The request's own token is not accepted: it may have been used elsewhere. Look at the "
    "flow; press Retry if it still waits.",
    "host_not_allowed": "If the address is right, name its host in `flow_callback_hosts`, start "
    "the bot again, then press Retry.",
    "private_address": "If the address is right, name its host in `flow_callback_hosts`, start "
    "the bot again, then press Retry.",
    "bad_url": "The request named no address that can be called: answer it in CrewAI, and dismiss "
    "this.",
}
