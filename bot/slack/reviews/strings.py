"""Every sentence people read in Slack, in one place and one voice: short, active, no jargon.

All of it is mrkdwn unless the name ends in `_plain`: those are for notifications and for errors
inside a modal, which can neither mention people nor format. What comes from outside is escaped
and shortened here.
"""

from __future__ import annotations

from typing import Final

from bot.domain.review import Round
from bot.domain.verdict import Revise
from bot.slack import strings as shared
from bot.slack.blockkit.text import one_line, plain
from bot.slack.strings import (
    AGENT_LIMIT,
    bold,
    crew,
    person,
    quoted,
    subject_plain,
    task,
)
from bot.usecases.read_models import DeadLetter

EXPECTED_LIMIT: Final = 200
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
