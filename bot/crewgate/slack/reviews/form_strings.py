"""Sentences and labels of a review's forms."""

from dataclasses import dataclass
from typing import Final

COMMENT_MISSING: Final = "Write the comment, or press Approve on the card to approve without one."
DISMISS_MISSING: Final = "Write why; it stays on the card and in its history."
EDIT_EMPTY: Final = "Nothing is left of the text. To have it done again, use Revise."
EDIT_OUTDATED: Final = "This form is of an earlier version. Copy your text and open it again."
NOTE_DOES_NOT_FIT: Final = (
    "That note does not fit: the box holds 3,000 characters. Shorten what is there, then add it."
)
NOTES_CAME: Final = (
    ":exclamation: *The notes in the thread have changed since you were shown them.* "
    "Nothing is sent yet. Those that are not in the box stand below."
)
CONFIRMATION_NOT_OPENED: Final = (
    "There is something to look at before you decide, but Slack did not open it in time. Nothing "
    "is decided yet: press the button again."
)


@dataclass(frozen=True, slots=True)
class EditWords:
    """What becomes of an edited text, and the button that sends it."""

    means: str
    submit: str


ASKS_FOR_EDITS: Final = EditWords(
    "The crew is asked to make exactly these edits and to change nothing else. It does the task "
    "again, and the next card says which edits are in.",
    "Send edits",
)
APPROVES_EDITED: Final = EditWords(
    "Your text takes the place of the crew's output, in your name, and you approve it.",
    "Approve my text",
)


def edit_label(number: int, total: int) -> str:
    return "The text" if total == 1 else part(number + 1, total)


def part(number: int, total: int) -> str:
    return f"Part {number} of {total}"
