"""How a round's state reads: in full on its card, in a list, and plain in a notification."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.domain.reason import (
    AnswerLost,
    Dismissed,
    Inferred,
    NeverSent,
    Reason,
    RefusedByCrew,
    RetriesExhausted,
)
from bot.domain.review import Round
from bot.domain.verdict import Approve, Decision, Revise
from bot.slack.blockkit.text import ago, duration, escape_mrkdwn, one_line
from bot.slack.reviews.presentation import (
    Closed,
    OnItsWay,
    Presentation,
    Stuck,
    Superseded,
    Taken,
    Waiting,
)
from bot.slack.strings import (
    CREW_LIMIT,
    because,
    person,
    person_plain,
    quoted,
    reason_text,
    subject_plain,
    task,
)

FEEDBACK_SHOWN: Final = 700
_WHERE_LIMIT: Final = 1_000
_REASON_LIMIT: Final = 120
_WHY_SHOWN: Final = 1_500
"""A reason of 300 characters once escaped."""
_NOTHING_LEFT: Final = "there is nothing left to decide"


def decided(decision: Decision) -> str:
    """Who decided what, as the beginning of a sentence."""
    match decision.verdict:
        case Approve(None):
            return f"Approved by {person(decision.by)}"
        case Approve():
            return f"Approved by {person(decision.by)} with a comment"
        case Revise():
            return f"{person(decision.by)} asked for changes"


def dismissed(reason: Dismissed) -> str:
    """Who gave it up, as the beginning of a sentence."""
    return f"{person(reason.by)} dismissed it"


def written(decision: Decision) -> str:
    """What the reviewer wrote."""
    match decision.verdict:
        case Approve(comment):
            return comment or ""
        case Revise(feedback):
            return feedback


# --- in full -------------------------------------------------------------------------------------


def in_full(shown: Presentation) -> str:
    """Everything that is true about a round now, on its card and above a page of it."""
    match shown:
        case Waiting():
            return "Waiting for a decision"
        case OnItsWay():
            return _on_its_way(shown)
        case Taken():
            return _taken(shown)
        case Stuck():
            return _stuck(shown)
        case Superseded(by):
            return f"A newer output came; round {by} takes its place."
        case Closed():
            return _closed(shown)


def _said(decision: Decision) -> str:
    text = written(decision)
    return "\n" + quoted(text, FEEDBACK_SHOWN) if text else ""


def _on_its_way(shown: OnItsWay) -> str:
    sentence = f"{decided(shown.decision)}, telling the crew…{_said(shown.decision)}"
    why = because(shown.reason)
    match shown.reason:
        case None:
            return sentence
        case AnswerLost():
            return (
                f"{sentence}\n:hourglass: The crew did not answer: {why}. Looking for a sign that "
                "it took the decision, then trying again by itself."
            )
        case _:
            return (
                f"{sentence}\n:hourglass: The crew can't be reached: {why}. Trying again by itself."
            )


def _taken(shown: Taken) -> str:
    sentence = f":white_check_mark: {decided(shown.decision)}. Sent"
    why = because(shown.reason)
    if isinstance(shown.reason, Inferred):
        return f"{sentence}: {why}.{_said(shown.decision)}"
    says = f": the crew says “{why}”" if why else ""
    return f"{sentence}{says}.{_said(shown.decision)}"


def _stuck(shown: Stuck) -> str:
    who, said, why = decided(shown.decision), _said(shown.decision), _why_stuck(shown.reason)
    if shown.may_be_taken:
        lost = "It may have been taken: the answer to a try was lost."
        return f":grey_question: {who}. {lost}{said}\n{why} {_UNTIL_A_SIGN}"
    return f":x: {who}, but the crew did not take it.{said}\n{why}"


def _closed(shown: Closed) -> str:
    if isinstance(shown.reason, Dismissed):
        return _dismissed(shown, shown.reason)
    why = because(shown.reason) or _NOTHING_LEFT
    if shown.decision is None:
        return f"Closed: {why}.{_REOPEN if shown.can_reopen else ''}"
    then = _REOPEN if shown.can_reopen else _successor(shown)
    return f"{decided(shown.decision)}, but {why}. {_sent(shown)}{then}{_said(shown.decision)}"


def _dismissed(shown: Closed, reason: Dismissed) -> str:
    why = f"{dismissed(reason)}: “{one_line(reason.why, _WHY_SHOWN)}”."
    if shown.decision is None:
        return why
    return f"{decided(shown.decision)}. {why} {_sent(shown)}{_said(shown.decision)}"


def _sent(shown: Closed) -> str:
    return "It may not have been taken." if shown.may_be_taken else "It was not sent."


def _successor(shown: Closed) -> str:
    """Which round people should look at instead, or nothing."""
    if isinstance(shown.reason, NeverSent):
        return f" Round {shown.next_number} takes its place."
    return ""


def _why_stuck(reason: Reason | None) -> str:
    """The crew's own words and what a person can do about them."""
    says = because(reason)
    match reason:
        case RetriesExhausted():
            return f"It was not reachable for a day: {says}. Press Retry when the crew is back."
        case RefusedByCrew(code, _):
            number = one_line(code, CREW_LIMIT)
            told = (
                f"The crew says “{says}” ({number})."
                if says
                else f"The crew refused it ({number}) and did not say why."
            )
            return f"{told} {_WHAT_TO_DO.get(code, _WHAT_ELSE_TO_DO)}"
        case _:
            return _WHAT_ELSE_TO_DO


_NOT_ACCEPTED: Final = (
    "The crew does not accept the token in the bot's settings (the one crews.toml names, or "
    "`CREW_TOKEN`). Correct it, start the bot again, then press Retry."
)
_WHAT_TO_DO: Final = {
    "400": "The crew is not waiting for this decision (somebody may have answered elsewhere, or "
    "the execution has moved on), or something else in the request is wrong. Look at the crew; "
    "press Retry if it still waits.",
    "401": _NOT_ACCEPTED,
    "403": _NOT_ACCEPTED,
    "404": "The crew does not know this execution any more, perhaps because it was deployed "
    "again. If it is gone for good, kick it off again; Retry helps only if it is back.",
    "422": "The crew could not read the decision. Its version may expect something else: look at "
    "its log, then press Retry.",
}
_UNTIL_A_SIGN: Final = (
    "If the crew has gone on, there is nothing to do: this card says so at its next sign."
)
_REOPEN: Final = " If the crew knows it after all, press Reopen; a sign of it reopens this, too."
_WHAT_ELSE_TO_DO: Final = "Look at the crew's log, then press Retry."


def stuck_notice(shown: Stuck | Closed, decision: Decision, round_: Round) -> str:
    """Told to the reviewer in the thread, once."""
    who = person(decision.by)
    what = f"your decision on round {round_.number} of {task(round_)}"
    match shown:
        case Stuck(reason=reason, may_be_taken=may_be_taken):
            became = "may have been taken, or not" if may_be_taken else "did not reach the crew"
            return f"{who}, {what} {became}. {_why_stuck(reason)} The Retry button is on the card."
        case Closed(reason=Dismissed() as reason):
            why = one_line(reason.why, _WHY_SHOWN)
            return f"{who}, {person(reason.by)} dismissed {what}: “{why}”. {_sent(shown)}"
        case Closed(reason=reason):
            sent = "may not have been taken" if shown.may_be_taken else "was not sent"
            return f"{who}, {what} {sent}: {because(reason) or _NOTHING_LEFT}.{_successor(shown)}"


def refresh_failed(shown: Presentation, round_: Round) -> str:
    """Where a round stands, in one line, in place of its card. It mentions nobody."""
    where = escape_mrkdwn(card_plain(round_, shown), _WHERE_LIMIT)
    return (
        ":warning: Slack does not let me change this round's card, so its buttons no longer count. "
        f"{where}."
    )


# --- in a list -----------------------------------------------------------------------------------


def in_list(shown: Presentation, now: datetime) -> str:
    """A round's state in a list, with how long it has been so."""
    match shown:
        case Waiting(since):
            return f"waiting for {duration(now - since)}"
        case OnItsWay(decision, _):
            return f"{_did(decision, now)}, being sent to the crew"
        case Taken(decision, _):
            return _did(decision, now)
        case Stuck(decision, reason, may_be_taken):
            became = "may not have reached the crew" if may_be_taken else "not delivered"
            return f"{_did(decision, now)}, *{became}*{_colon(reason)}"
        case Superseded():
            return "replaced by a newer output"
        case Closed(decision, reason):
            closed = f"closed{_colon(reason)}"
            return closed if decision is None else f"{_did(decision, now)}, {closed}"


def _did(decision: Decision, now: datetime) -> str:
    who = person(decision.by)
    did = f"approved by {who}" if decision.is_approve else f"{who} asked for changes"
    return f"{did} {ago(decision.at, now)}"


def _colon(reason: Reason | None) -> str:
    why = one_line(reason_text(reason), _REASON_LIMIT)
    return f": {why}" if why else ""


def outcome(shown: OnItsWay | Taken | Stuck | Closed) -> str:
    """What came of a decision, with the crew's words: a line of the history."""
    match shown:
        case OnItsWay(_, reason):
            what = "Being sent to the crew"
        case Taken(_, reason):
            what = "The crew has it"
        case Stuck(_, reason, may_be_taken):
            became = "may not have reached" if may_be_taken else "did not reach"
            what = f"It {became} the crew"
        case Closed(_, Dismissed() as reason):
            return f"{dismissed(reason)}: “{one_line(reason.why, _WHY_SHOWN)}”"
        case Closed(_, reason):
            what = "Closed"
    why = because(reason)
    return f"{what}: “{why}”" if why else what


# --- plain ---------------------------------------------------------------------------------------


def card_plain(round_: Round, shown: Presentation) -> str:
    """A card in one sentence, for notifications."""
    return f"{subject_plain(round_)} {_plain(shown)}"


def _plain(shown: Presentation) -> str:
    match shown:
        case Waiting():
            return "is waiting for a decision"
        case OnItsWay(decision, _):
            return f"{_did_plain(decision)}, telling the crew"
        case Taken(decision, _):
            return f"{_did_plain(decision)} and the crew has been told"
        case Stuck(decision, _, may_be_taken):
            maybe = "and may have been taken" if may_be_taken else "but the crew did not take it"
            return f"{_did_plain(decision)}, {maybe}"
        case Superseded():
            return "was replaced by a newer output"
        case Closed():
            return _closed_plain(shown)


def _closed_plain(shown: Closed) -> str:
    if isinstance(shown.reason, Dismissed):
        return f"was dismissed by {person_plain(shown.reason.by)}"
    decision = shown.decision
    return "is closed" if decision is None else f"{_did_plain(decision)}, but is closed"


def _did_plain(decision: Decision) -> str:
    verdict = "approved" if decision.is_approve else "sent back for changes"
    return f"was {verdict} by {person_plain(decision.by)}"


def stuck_notice_plain(round_: Round) -> str:
    """The notice to the reviewer, for notifications."""
    became = "may not have been taken" if round_.in_doubt else "did not reach the crew"
    return f"The decision on {subject_plain(round_)} {became}"
