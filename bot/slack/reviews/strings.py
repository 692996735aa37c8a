"""Every sentence people read in Slack, in one place and one voice: short, active, no jargon.

All of it is mrkdwn unless the name ends in `_plain`: those are for notifications and for errors
inside a modal, which can neither mention people nor format. What comes from outside is escaped
and shortened here.
"""

from __future__ import annotations

from typing import Final

from bot.domain.review import NEWER_OUTPUT, RETRIES_EXHAUSTED, TOOK_EFFECT, Round, State
from bot.domain.verdict import Approve, Decision, Revise
from bot.slack import strings as shared
from bot.slack.blockkit.text import one_line, plain
from bot.slack.strings import (
    AGENT_LIMIT,
    CREW_LIMIT,
    answer,
    bold,
    crew,
    person,
    person_plain,
    quoted,
    subject_plain,
    task,
)
from bot.usecases.read_models import DeadLetter

EXPECTED_LIMIT: Final = 200
FEEDBACK_SHOWN: Final = 700
EARLIER_FEEDBACK_SHOWN: Final = 250

APPROVE: Final = "Approve"
REVISE: Final = "Revise"
RETRY: Final = "Retry"
REVISE_TITLE: Final = "Ask for changes"
REVISE_SUBMIT: Final = "Send"
REVISE_CLOSE: Final = "Cancel"
FEEDBACK_LABEL: Final = "What should change?"
FEEDBACK_PLACEHOLDER: Final = "The crew gets exactly what you write here and does the task again."
OUTPUT_HEADING: Final = "*The output*"


# --- names ---------------------------------------------------------------------------------------


# --- a card --------------------------------------------------------------------------------------


def file_title(round_: Round) -> str:
    """The title of the file that holds a whole output; plain."""
    return subject_plain(round_)


def headline(round_: Round) -> str:
    """A card's first line."""
    return bold(f"{crew(round_.review.crew)}: {task(round_)}")


def agent(round_: Round) -> str:
    """Who of the crew wrote the output."""
    return one_line(round_.review.agent or "", AGENT_LIMIT)


def expected(text: str) -> str:
    """What the task asked for."""
    return f"Expected: {one_line(text, EXPECTED_LIMIT)}"


def earlier_feedback(previous: Round) -> str | None:
    """What was asked for in the round before, or nothing if no changes were."""
    if previous.decision is None or not isinstance(previous.decision.verdict, Revise):
        return None
    asked = quoted(previous.decision.verdict.feedback, EARLIER_FEEDBACK_SHOWN)
    return f"In round {previous.number} {person(previous.decision.by)} asked for changes:\n{asked}"


def unchanged(round_: Round) -> str:
    """The crew did the task again and came back with the same."""
    return (
        f":warning: *Nothing changed.* This output is the same as in round {round_.number - 1}, "
        "although changes were asked for."
    )


NOT_SHOWABLE: Final = "Slack could not show this output; it is attached as a file."


def modal_excerpted(shown: int, total: int) -> str:
    """The same in the form, which is opened from the card."""
    return f"Showing the first {shown:,} of {total:,} characters; the card shows more."


def decided(decision: Decision) -> str:
    """Who decided what, as the beginning of a sentence."""
    match decision.verdict:
        case Approve(None):
            return f"Approved by {person(decision.by)}"
        case Approve():
            return f"Approved by {person(decision.by)} with a comment"
        case Revise():
            return f"{person(decision.by)} asked for changes"


def said(decision: Decision) -> str:
    """What the reviewer wrote, quoted on its own lines, or nothing."""
    verdict = decision.verdict
    written = verdict.comment if isinstance(verdict, Approve) else verdict.feedback
    return "\n" + quoted(written, FEEDBACK_SHOWN) if written else ""


def on_its_way(round_: Round, decision: Decision) -> str:
    """Decided, and the crew does not know yet."""
    sentence = f"{decided(decision)}, telling the crew…{said(decision)}"
    why = answer(round_)
    match round_.answer_code:
        case "":
            return sentence
        case "unknown":
            return (
                f"{sentence}\n:hourglass: The crew did not answer: {why}. Looking for a sign that "
                "it took the decision, then trying again by itself."
            )
        case _:
            return (
                f"{sentence}\n:hourglass: The crew can't be reached: {why}. Trying again by itself."
            )


def taken(round_: Round, decision: Decision) -> str:
    """The crew has taken the decision."""
    sentence = f":white_check_mark: {decided(decision)}. Sent"
    if round_.answer == TOOK_EFFECT:
        return f"{sentence}: {TOOK_EFFECT}.{said(decision)}"
    says = f": the crew says “{answer(round_)}”" if round_.answer else ""
    return f"{sentence}{says}.{said(decision)}"


def stuck(round_: Round, decision: Decision) -> str:
    """The crew could not be told; what it said, and what to do."""
    return (
        f":x: {decided(decision)}, but the crew did not take it.{said(decision)}\n"
        f"{why_stuck(round_)}"
    )


def why_stuck(round_: Round) -> str:
    """The crew's own words and what a person can do about them."""
    says, number = answer(round_), one_line(round_.answer_code, CREW_LIMIT)
    if round_.answer_code == RETRIES_EXHAUSTED:
        told = f"It was not reachable for a day: {says}."
    elif says:
        told = f"The crew says “{says}” ({number})."
    else:
        told = f"The crew refused it ({number}) and did not say why."
    return f"{told} {_WHAT_TO_DO.get(round_.answer_code, _WHAT_ELSE_TO_DO)}"


_NOT_ACCEPTED: Final = (
    "The crew does not accept the token in the bot's settings (the one crews.toml names, or "
    "`CREW_TOKEN`). Correct it, start the bot again, then press Retry."
)
_WHAT_TO_DO: Final = {
    "400": "The crew is not waiting for this decision: somebody may have answered elsewhere, or "
    "the execution has moved on. Look at the crew; press Retry if it still waits.",
    "401": _NOT_ACCEPTED,
    "403": _NOT_ACCEPTED,
    "404": "The crew does not know this execution any more, perhaps because it was deployed "
    "again. If it is gone for good, kick it off again; Retry helps only if it is back.",
    "422": "The crew could not read the decision. Its version may expect something else: look at "
    "its log, then press Retry.",
    RETRIES_EXHAUSTED: "Press Retry when the crew is back.",
}
_WHAT_ELSE_TO_DO: Final = "Look at the crew's log, then press Retry."


def superseded(number: int) -> str:
    """The round ended because a newer one came."""
    return f"A newer output came; round {number + 1} takes its place."


def closed(round_: Round) -> str:
    """There is nothing left to decide or to send."""
    reason = answer(round_) or "there is nothing left to decide"
    if round_.decision is None:
        return f"Closed: {reason}."
    sent = "It was not sent." if round_.in_doubt_since is None else "It may not have been taken."
    return (
        f"{decided(round_.decision)}, but {reason}. {sent}{successor(round_)}"
        f"{said(round_.decision)}"
    )


def successor(round_: Round) -> str:
    """Which round people should look at instead, or nothing."""
    return f" Round {round_.number + 1} takes its place." if round_.answer == NEWER_OUTPUT else ""


def card_plain(round_: Round) -> str:
    """A card in one sentence, for notifications."""
    return f"{subject_plain(round_)} {_state_plain(round_)}"


def _state_plain(round_: Round) -> str:
    match round_.state, round_.decision:
        case State.WAITING, _:
            return "is waiting for a decision"
        case State.SUPERSEDED, _:
            return "was replaced by a newer output"
        case _, None:
            return "is closed"
        case state, decision:
            verdict = "approved" if decision.is_approve else "sent back for changes"
            return f"was {verdict} by {person_plain(decision.by)}{_THEN_PLAIN[state]}"


_THEN_PLAIN: Final = {
    State.DECIDED: ", telling the crew",
    State.RESUMED: " and the crew has been told",
    State.STUCK: ", but the crew did not take it",
    State.CLOSED: ", but is closed",
}


def stuck_notice(round_: Round, decision: Decision) -> str:
    """Told to the reviewer in the thread, once."""
    who = shared.person(decision.by)
    what = f"your decision on round {round_.number} of {shared.task(round_)}"
    if round_.state is State.STUCK:
        return (
            f"{who}, {what} did not reach the crew. {why_stuck(round_)} "
            "The Retry button is on the card."
        )
    sent = "was not sent" if round_.in_doubt_since is None else "may not have been taken"
    why = shared.answer(round_) or "there is nothing left to decide"
    return f"{who}, {what} {sent}: {why}.{successor(round_)}"


def stuck_notice_plain(round_: Round) -> str:
    """The same for notifications."""
    return f"The decision on {shared.subject_plain(round_)} did not reach the crew"


def dead_letter(written: DeadLetter) -> str:
    """A webhook came that nobody could read."""
    why = one_line(written.reason, shared.ANSWER_LIMIT).rstrip(". ")
    return (
        f":warning: A webhook of {shared.bold(shared.crew(written.crew))} could not be understood: "
        f"{why}. It may have been a request for a review. The crew will not repeat it, so it is "
        "kept as it came."
    )


def dead_letter_plain(written: DeadLetter) -> str:
    """The same for notifications."""
    return f"A webhook of {plain(written.crew, shared.CREW_LIMIT)} could not be understood"


def dead_letter_cut(size: int) -> str:
    """Only the beginning of a letter of so many bytes is shown."""
    return f"This is the beginning; {size:,} bytes came."
