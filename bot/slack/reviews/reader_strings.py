"""What reviewing says: the card's menu, pages, changes, notes, history, Home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.domain.changes import Changes
from bot.domain.notes import Claim, Note
from bot.domain.review import Round
from bot.domain.verdict import Decision, Person
from bot.slack import strings as shared
from bot.slack.blockkit.text import date
from bot.slack.reviews.summary import waited

APPROVE_WITH_COMMENT: Final = "Approve with a comment…"
READ: Final = "Read in full"
CHANGES: Final = "Changes"
ON_IT: Final = "I'm on it"
HISTORY: Final = "History"


COMMENT_TITLE: Final = "Approve with a comment"
COMMENT_SUBMIT: Final = "Approve"
COMMENT_LABEL: Final = "Your comment"
COMMENT_PLACEHOLDER: Final = "What should the crew keep in mind from here on?"
COMMENT_MEANS: Final = (
    "The output is approved as it is. Your comment becomes context for the crew's *next tasks*; it "
    "does not change this output. To have it changed, use Revise."
)
COMMENT_MISSING: Final = "Write the comment, or press Approve on the card to approve without one."

NOTES_OFFERED: Final = "*Not in the box yet*"
ADD_NOTE: Final = "Add"
NOTE_DOES_NOT_FIT: Final = (
    "That note does not fit: the box holds 3,000 characters. Shorten what is there, then add it."
)
NOTES_DO_NOT_FIT: Final = (
    ":warning: Not every note fits: the box holds 3,000 characters. Those left out stand below."
)
NOTHING_BEFORE: Final = "This is the first round, so there is nothing to compare it with."
CHANGED_NOTHING: Final = (
    ":warning: *Nothing changed.* Word for word the same as before, although changes were asked "
    "for."
)


def amount(changes: Changes) -> str:
    """How much changed: `+12 −4 lines`."""
    unit = "keys" if changes.by_key else "lines"
    return f"+{changes.added:,} −{changes.removed:,} {unit}"


def changed(changes: Changes, previous: Round) -> str:
    """The card's line on what changed."""
    if not changes:
        return f"Nothing changed since round {previous.number}"
    return f"*{amount(changes)}* since round {previous.number} · *Changes* is in the menu above"


def folded(count: int, *, by_key: bool) -> str:
    """A stretch that did not change."""
    unit = "key" if by_key else "line"
    return f"… {count:,} unchanged {unit if count == 1 else f'{unit}s'} …"


def notes(count: int, authors: Sequence[Person]) -> str:
    """The card's line on notes: `3 notes from Ana and Ben`."""
    named = [shared.person(one) for one in authors[:_AUTHORS]]
    if len(authors) > _AUTHORS:
        named.append(f"{len(authors) - _AUTHORS} more")
    who = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    noun = "note" if count == 1 else "notes"
    return f":memo: {count:,} {noun} from {who} in the thread. Revise opens with them."


_AUTHORS: Final = 4


def on_it(claim: Claim) -> str:
    """The card's line on who looks at it."""
    return f":eyes: {shared.person(claim.by)} is on it. Everybody may still decide."


def offered(note: Note) -> str:
    """A note that is not in the box."""
    return shared.quoted(note.text, _NOTE_SHOWN)


def more_notes(count: int) -> str:
    """Notes that the form has no room for yet."""
    return f"{count:,} more in the thread; they move up as you add these."


def author(note: Note) -> str:
    """Whose it is, and how long if it can never fit."""
    return f"{shared.person(note.by)} · {len(note.text):,} characters"


_NOTE_SHOWN: Final = 600


def folded_rounds(round_: Round, decision: Decision) -> str:
    """A decided card's one line on its rounds."""
    before = round_.number - 1
    earlier = f" · {before:,} earlier {'round' if before == 1 else 'rounds'}" if before else ""
    return f"Waited {waited(round_, decision)}{earlier} · *History* is in the menu above"


def history_entry(round_: Round) -> str:
    """A round's heading in its history."""
    return f"*{shared.number_of(round_)}* · {date(round_.opened_at)}"


def excerpt(shown: int, total: int) -> str:
    """How much of an output a list leaves out."""
    return f"The first {shown:,} of {total:,} characters"


# --- Home ----------------------------------------------------------------------------------------
