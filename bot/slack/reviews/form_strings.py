"""What the forms of a review say."""

from __future__ import annotations

from typing import Final

from bot.domain.notes import Note
from bot.slack import strings as shared

REVISE_TITLE: Final = "Ask for changes"
REVISE_SUBMIT: Final = "Send"
REVISE_CLOSE: Final = "Cancel"
FEEDBACK_LABEL: Final = "What should change?"
FEEDBACK_PLACEHOLDER: Final = "The crew gets exactly what you write here and does the task again."
OUTPUT_HEADING: Final = "*The output*"
COMMENT_TITLE: Final = "Approve with a comment"
COMMENT_SUBMIT: Final = "Approve"
COMMENT_LABEL: Final = "Your comment"
COMMENT_PLACEHOLDER: Final = "What should the crew keep in mind from here on?"
COMMENT_MEANS: Final = (
    "The output is approved as it is. Your comment becomes context for the crew's *next tasks*; it "
    "does not change this output. To have it changed, use Revise."
)
COMMENT_MISSING: Final = "Write the comment, or press Approve on the card to approve without one."
DISMISS_TITLE: Final = "Dismiss"
DISMISS_SUBMIT: Final = "Dismiss"
DISMISS_LABEL: Final = "Why?"
DISMISS_PLACEHOLDER: Final = "Started again as a new execution"
DISMISS_MEANS: Final = (
    "The card is closed for good and nothing more is sent to the crew. Your name and your reason "
    "stay on the card and in its history."
)
DISMISS_MISSING: Final = "Write why; it stays on the card and in its history."
NOTES_OFFERED: Final = "*Not in the box yet*"
ADD_NOTE: Final = "Add"
NOTE_DOES_NOT_FIT: Final = (
    "That note does not fit: the box holds 3,000 characters. Shorten what is there, then add it."
)
NOTES_DO_NOT_FIT: Final = (
    ":warning: Not every note fits: the box holds 3,000 characters. Those left out stand below."
)
_NOTE_SHOWN: Final = 600


def modal_excerpted(shown: int, total: int) -> str:
    """How much of the output a form shows, which is opened from the card."""
    return f"Showing the first {shown:,} of {total:,} characters; the card shows more."


def offered(note: Note) -> str:
    """A note that is not in the box."""
    return shared.quoted(note.text, _NOTE_SHOWN)


def more_notes(count: int) -> str:
    """Notes that the form has no room for yet."""
    return f"{count:,} more in the thread; they move up as you add these."


def author(note: Note) -> str:
    """Whose it is, and how long if it can never fit."""
    return f"{shared.person(note.by)} · {len(note.text):,} characters"
