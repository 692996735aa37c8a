"""How a round's state reads: in full on its card, in a list, and plain in a notification."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import (
    Answered,
    AnsweredElsewhere,
    AnswerLost,
    Dismissed,
    ExecutionGone,
    NeverSent,
    Reason,
    RefusedByCrew,
    RequestGone,
    RetriesExhausted,
)
from crewgate.domain.review import Round
from crewgate.domain.verdict import FEEDBACK_LIMIT, Answer, Approve, Decision, Revise, TimedOut
from crewgate.slack import decisions
from crewgate.slack.blockkit.text import ago, duration, escape_mrkdwn, one_line
from crewgate.slack.reasons import because, reason_text
from crewgate.slack.reviews import answer_strings, card_strings
from crewgate.slack.reviews.presentation import (
    Closed,
    OnItsWay,
    Presentation,
    Stuck,
    Superseded,
    Taken,
    Waiting,
    sign,
)
from crewgate.slack.strings import (
    CREW_LIMIT,
    person,
    quoted,
    subject_plain,
    task,
    told,
)

FEEDBACK_SHOWN: Final = 700
_WHERE_LIMIT: Final = 1_000
_REASON_LIMIT: Final = 120
_WHY_SHOWN: Final = 1_500
"""A reason of 300 characters once escaped."""
_NOTHING_LEFT: Final = "there is nothing left to decide"


def decided(decision: Decision) -> str:
    """Who decided what, as the beginning of a sentence."""
    if isinstance(decision.by, TimedOut):
        return decisions.timed_out(decision.by, decision)
    who = decisions.by_whom(decision)
    match decision.verdict:
        case Answer() as verdict:
            return answer_strings.did(who, verdict, several=bool(decision.votes))
        case Approve(None):
            return f"Approved by {who}"
        case Approve():
            return f"Approved by {who} with a comment"
        case Revise():  # pragma: no branch  # there is no third
            return f"{who} asked for changes"


def dismissed(reason: Dismissed) -> str:
    """Who gave it up, as the beginning of a sentence."""
    return f"{person(reason.by)} dismissed it"


def dismissed_with_why(reason: Dismissed) -> str:
    """Who gave it up, and why."""
    return f"{dismissed(reason)}: “{one_line(reason.why, _WHY_SHOWN)}”."


def written(decision: Decision) -> str:
    """What the reviewer wrote."""
    match decision.verdict:
        case Approve(comment):
            return comment or ""
        case Revise(feedback):
            return feedback
        case Answer(text, is_label):
            return "" if is_label else text


def count_so_far(approved: int, needed: int) -> str:
    """How far the count is, where several approvals are needed."""
    return f"{approved:,} of {needed:,} approved"


# --- in full -------------------------------------------------------------------------------------


def in_full(shown: Presentation) -> str:
    """Everything that is true about a round now, above a page of it."""
    match shown:
        case Waiting(approved=approved, needed=needed):
            so_far = f", {count_so_far(approved, needed)}" if approved else ""
            return f"{sign(shown)} Waiting for a decision{so_far}"
        case Superseded(by):
            return f"{sign(shown)} A newer output came; round {by:,} takes its place."
        case OnItsWay() | Taken() | Stuck() | Closed():  # pragma: no branch  # there is no seventh
            return _decided_in_full(shown)


def _decided_in_full(shown: OnItsWay | Taken | Stuck | Closed) -> str:
    decision = shown.decision
    if decision is None:
        return f"{sign(shown)} {answer(shown)}"
    words = said(decision)
    unsent = (
        isinstance(shown, Closed)
        and not isinstance(shown.reason, Dismissed)
        and not isinstance(decision.verdict, Answer)
    )
    sent = f" {_sent(shown, decision)}" if isinstance(shown, Closed) and unsent else ""
    sentence = f"{sign(shown)} {decided(decision)}.{sent} {answer(shown)}"
    return f"{sentence}\n{words}" if words else sentence


def said(decision: Decision) -> str:
    """What the reviewer wrote, quoted; empty where nothing was written."""
    text = written(decision)
    return quoted(text, FEEDBACK_SHOWN) if text else ""


def is_cut(decision: Decision) -> bool:
    """Whether `said` leaves out some of it."""
    text = written(decision)
    return bool(text) and quoted(text, FEEDBACK_SHOWN) != quoted(text, 2 * FEEDBACK_LIMIT)


def answer(shown: OnItsWay | Taken | Stuck | Closed) -> str:
    """What the crew answered, in plain words, or why it could not be told and what to do."""
    if shown.decision is not None and isinstance(shown.decision.verdict, Answer):
        return answer_strings.answer(shown, shown.decision.verdict)
    match shown:
        case OnItsWay(reason=reason):
            return _on_its_way(reason)
        case Taken(decision, reason):
            return _taken(decision, reason)
        case Stuck(reason=reason, may_be_taken=may_be_taken):
            return _why_stuck(reason, may_be_taken=may_be_taken)
        case Closed():  # pragma: no branch  # there is no fifth
            return _closed(shown)


def _on_its_way(reason: Reason | None) -> str:
    why = because(reason)
    match reason:
        case None:
            return "Being sent to the crew…"
        case AnswerLost():
            return (
                f"The crew did not answer ({why}). It is asked whether it has this; if not, it is "
                "sent again by itself."
            )
        case _:
            return f"The crew cannot be reached ({why}). This is sent again by itself."


def _taken(decision: Decision, reason: Reason | None) -> str:
    match reason, decision.is_approve:
        case Answered(status=ResumeStatus.COMPLETED), True:
            return "The crew is done."
        case Answered(status=ResumeStatus.COMPLETED), False:
            return "The crew is done, although changes were asked for."
        case Answered(status=ResumeStatus.RETRYING), True:
            return "The crew is doing it again, although it was approved."
        case Answered(status=ResumeStatus.RESUMED), False:
            return "The crew goes on with these words."
        case _, True:
            return "The crew goes on."
        case _:
            return "The crew is doing it again."


def is_done_again(shown: Presentation) -> bool:
    """Whether the crew has been asked to do it again, and does."""
    return isinstance(shown, Taken) and isinstance(shown.decision.verdict, Revise)


def _closed(shown: Closed) -> str:
    if isinstance(shown.reason, Dismissed):
        why = dismissed_with_why(shown.reason)
        return f"{why} {_sent(shown, shown.decision)}" if shown.decision is not None else why
    then = _successor(shown)
    if shown.can_reopen:
        then = _REOPEN if isinstance(shown.reason, ExecutionGone) else _REOPEN_WAITING
    return f"{_capital(because(shown.reason) or _NOTHING_LEFT)}.{then}"


def _sent(shown: Closed, decision: Decision) -> str:
    what = "approval" if decision.is_approve else "request for changes"
    became = "may not have reached the crew" if shown.may_be_taken else "was not sent"
    if isinstance(decision.by, TimedOut):
        return f"Its {what} {became}."
    return f"{decisions.by_whom(decision, most=decisions.NAMED_SHORT)}'s {what} {became}."


def _successor(shown: Closed) -> str:
    """Which round people should look at instead, or nothing."""
    if isinstance(shown.reason, NeverSent):
        return f" Round {shown.next_number:,} takes its place."
    return ""


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _why_stuck(reason: Reason | None, *, may_be_taken: bool) -> str:
    """Why a decision is stuck, and what a person can do; the crew's own words where it refused."""
    says = because(reason)
    match reason:
        case RetriesExhausted() if may_be_taken:
            return f"The crew did not answer for a day ({says}). {_UNTIL_A_SIGN}"
        case RetriesExhausted():
            return f"The crew could not be reached for a day ({says}). Press Retry when it is back."
        case RefusedByCrew(code, _):
            told = _refused(says, one_line(code, CREW_LIMIT))
            if may_be_taken:
                return f"An answer of the crew was lost. {told} {_UNTIL_A_SIGN}"
            return f"{told} {_WHAT_TO_DO.get(code, _WHAT_ELSE_TO_DO)}"
        case _:
            return _UNTIL_A_SIGN if may_be_taken else _WHAT_ELSE_TO_DO


def _refused(says: str, code: str) -> str:
    if says:
        return f"The crew says “{says}” ({code})."
    return f"The crew refused it ({code}) and did not say why."


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
    "404": "The crew no longer knows this execution, perhaps because it was deployed again. If it "
    "is gone for good, start it again; Retry helps only if it is back.",
    "422": "The crew could not read the decision. Its version may expect something else: look at "
    "its log, then press Retry.",
}
_UNTIL_A_SIGN: Final = (
    "It may have this already: then this card says so by itself. If you know that the crew still "
    "waits, press Retry."
)
_REOPEN: Final = " If it does after all, press Reopen."
_REOPEN_WAITING: Final = " If it still waits after all, press Reopen."
_WHAT_ELSE_TO_DO: Final = "Look at the crew's log, then press Retry."


def stuck_notice(shown: Stuck | Closed, decision: Decision, round_: Round) -> str:
    """Told to the reviewer in the thread, once; why it is stuck is what `answer` says."""
    on = f"decision on round {round_.number} of {task(round_)}"
    if isinstance(decision.by, TimedOut):
        rule = decisions.rule_name(decision.by.rule)
        who, what = f"Nobody decided in time, so {rule} did:", f"its {on}"
    else:
        who, what = f"{decisions.addressed(decision)},", f"your {on}"
    match shown:
        case Stuck(may_be_taken=may_be_taken):
            became = "may not have reached" if may_be_taken else "did not reach"
            return f"{who} {what} {became} the {told(decision)}."
        case Closed(reason=Dismissed() as reason):
            why = one_line(reason.why, _WHY_SHOWN)
            became = "It was not sent"
            if shown.may_be_taken:
                became = f"It may not have reached the {told(decision)}"
            return f"{who} {person(reason.by)} dismissed {what}: “{why}”. {became}."
        case Closed(reason=reason):
            sent = "was not sent"
            if shown.may_be_taken:
                sent = f"may not have reached the {told(decision)}"
            elif isinstance(reason, RequestGone):
                sent = "was not taken"
            if isinstance(reason, AnsweredElsewhere):
                sent = "came too late"
            return f"{who} {what} {sent}: {because(reason) or _NOTHING_LEFT}.{_successor(shown)}"


def refresh_failed(shown: Presentation, round_: Round) -> str:
    """Where a round stands, in one line, in place of its card. It mentions nobody."""
    where = escape_mrkdwn(card_strings.push(round_, shown), _WHERE_LIMIT)
    return f"Slack does not let me change this card, so its buttons no longer count. {where}."


# --- in a list -----------------------------------------------------------------------------------


def in_list(shown: Presentation, now: datetime) -> str:
    """A round's state in a list, with how long it has been so."""
    match shown:
        case Waiting(since, approved, needed):
            so_far = f", {count_so_far(approved, needed)}" if approved else ""
            return f"waiting for {duration(now - since)}{so_far}"
        case OnItsWay(decision, _):
            return f"{_did(decision, now)}, being sent to the {told(decision)}"
        case Taken(decision, _):
            return _did(decision, now)
        case Stuck(decision, reason, may_be_taken):
            became = "not delivered"
            if may_be_taken:
                became = f"may not have reached the {told(decision)}"
            return f"{_did(decision, now)}, *{became}*{_colon(reason)}"
        case Superseded():
            return "replaced by a newer output"
        case Closed(decision, reason):
            closed = f"closed{_colon(reason)}"
            return closed if decision is None else f"{_did(decision, now)}, {closed}"


def _did(decision: Decision, now: datetime) -> str:
    if isinstance(decision.by, TimedOut):
        did = decisions.timed_out(decision.by, decision)
        return f"{did[:1].lower()}{did[1:]} {ago(decision.at, now)}"
    who = decisions.by_whom(decision, most=decisions.NAMED_SHORT)
    if isinstance(decision.verdict, Answer):
        several = bool(decision.votes)
        did = answer_strings.did(who, decision.verdict, several=several)
        return f"{did} {ago(decision.at, now)}"
    did = f"approved by {who}" if decision.is_approve else f"{who} asked for changes"
    return f"{did} {ago(decision.at, now)}"


def _colon(reason: Reason | None) -> str:
    why = one_line(reason_text(reason), _REASON_LIMIT)
    return f": {why}" if why else ""


def outcome(shown: OnItsWay | Taken | Stuck | Closed) -> str:
    """What came of a decision, with the crew's words: a line of the history."""
    other = "crew" if shown.decision is None else told(shown.decision)
    match shown:
        case OnItsWay(_, reason):
            what = f"Being sent to the {other}"
        case Taken(_, reason):
            what = f"The {other} has it"
        case Stuck(_, reason, may_be_taken):
            became = "may not have reached" if may_be_taken else "did not reach"
            what = f"It {became} the {other}"
        case Closed(_, Dismissed() as reason):
            return f"{dismissed(reason)}: “{one_line(reason.why, _WHY_SHOWN)}”"
        case Closed(_, reason):
            what = "Closed"
    why = because(reason)
    return f"{what}: “{why}”" if why else what


# --- plain ---------------------------------------------------------------------------------------


def stuck_notice_plain(round_: Round) -> str:
    """The notice to the reviewer, for notifications."""
    other = "crew" if round_.question is None else "flow"
    became = "may not have reached" if round_.in_doubt else "did not reach"
    return f"The decision on {subject_plain(round_)} {became} the {other}"
