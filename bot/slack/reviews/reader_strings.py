"""What reviewing says: the card's menu, pages, changes, notes, history, Home. See `words`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.domain.changes import Changes
from bot.domain.notes import Claim, Note
from bot.domain.review import Round, State
from bot.domain.verdict import Approve, Decision, Person, Revise
from bot.slack.blockkit.text import date, duration, one_line
from bot.slack.reviews import strings as words

APPROVE_WITH_NOTE: Final = "Approve with a note…"
READ: Final = "Read in full"
CHANGES: Final = "Changes"
ON_IT: Final = "I'm on it"
HISTORY: Final = "History"

NEXT: Final = "Next page"
PREVIOUS: Final = "Previous page"
CLOSE: Final = "Close"

NOTE_TITLE: Final = "Approve with a note"
NOTE_SUBMIT: Final = "Approve"
NOTE_LABEL: Final = "Your note"
NOTE_PLACEHOLDER: Final = "What should the crew keep in mind from here on?"
NOTE_MEANS: Final = (
    "The output is approved as it is. Your note becomes context for the crew's *next tasks*; it "
    "does not change this output. To have it changed, use Revise."
)
NOTE_MISSING: Final = "Write the note, or press Approve on the card to approve without one."

SEND_NOTES: Final = "Send as revision"
KEEP_COLLECTING: Final = "Keep collecting"
KEPT: Final = "Fine. Your notes wait on the card; Revise opens with them."
OFFER: Final = (
    "Noted. Nothing of it goes to the crew until somebody sends it. *Send as revision* shows "
    "you the text first."
)
OFFER_PLAIN: Final = "Noted. Send it as a revision, or keep collecting?"
NOTES_OFFERED: Final = "*Not in the box yet*"
ADD_NOTE: Final = "Add"
NOTE_DOES_NOT_FIT: Final = (
    "That note does not fit: the box holds 3,000 characters. Shorten what is there, then add it."
)
NOTES_DO_NOT_FIT: Final = (
    ":warning: Not every note fits: the box holds 3,000 characters. Those left out stand below."
)
MISHAP_TITLE: Final = "That did not work"
NOTHING_BEFORE: Final = "This is the first round, so there is nothing to compare it with."
CHANGED_NOTHING: Final = (
    ":warning: *Nothing changed.* Word for word the same as before, although changes were asked "
    "for."
)


def page_of(page: int, pages: int) -> str:
    """Where the reader is."""
    return f"Page {page + 1:,} of {pages:,}"


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
    named = [words.person(one) for one in authors[:_AUTHORS]]
    if len(authors) > _AUTHORS:
        named.append(f"{len(authors) - _AUTHORS} more")
    who = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    noun = "note" if count == 1 else "notes"
    return f":memo: {count:,} {noun} from {who} in the thread. Revise opens with them."


_AUTHORS: Final = 4


def on_it(claim: Claim) -> str:
    """The card's line on who looks at it."""
    return f":eyes: {words.person(claim.by)} is on it. Everybody may still decide."


def offered(note: Note) -> str:
    """A note that is not in the box."""
    return words.quoted(note.text, _NOTE_SHOWN)


def more_notes(count: int) -> str:
    """Notes that the form has no room for yet."""
    return f"{count:,} more in the thread; they move up as you add these."


def author(note: Note) -> str:
    """Whose it is, and how long if it can never fit."""
    return f"{words.person(note.by)} · {len(note.text):,} characters"


_NOTE_SHOWN: Final = 600


def state(round_: Round) -> str | None:
    """What is true about a round that does not wait."""
    decision = round_.decision
    match round_.state:
        case State.WAITING:
            return None
        case State.SUPERSEDED:
            return words.superseded(round_.number)
        case State.DECIDED if decision is not None:
            return words.on_its_way(round_, decision)
        case State.RESUMED if decision is not None:
            return words.taken(round_, decision)
        case State.STUCK if decision is not None:
            return words.stuck(round_, decision)
        case _:
            return words.closed(round_)


def folded_rounds(round_: Round, decision: Decision) -> str:
    """A decided card's one line on its rounds."""
    before = round_.number - 1
    earlier = f" · {before:,} earlier {'round' if before == 1 else 'rounds'}" if before else ""
    return f"Waited {waited(round_, decision)}{earlier} · *History* is in the menu above"


def chapter(round_: Round) -> str:
    """A round's heading in its history."""
    return f"*{words.number_of(round_)}* · {date(round_.opened_at)}"


def excerpt(shown: int, total: int) -> str:
    """How much of an output a list leaves out."""
    return f"The first {shown:,} of {total:,} characters"


def answered(round_: Round) -> str:
    """What became of a round: who, when, after how long, with which words, and the answer."""
    decision = round_.decision
    if decision is None:
        return state(round_) or "Waiting for a decision"
    lines = [f"{words.decided(decision)} {date(decision.at)}, after {waited(round_, decision)}"]
    written = said(decision)
    if written:
        lines.append(words.quoted(written, words.FEEDBACK_SHOWN))
    answer = words.answer(round_)
    lines.append(f"{_BECAME[round_.state]}: “{answer}”" if answer else _BECAME[round_.state])
    return "\n".join(lines)


_BECAME: Final = {
    State.DECIDED: "Telling the crew…",
    State.RESUMED: "The crew took it",
    State.STUCK: "The crew did not take it",
    State.CLOSED: "Closed",
}


def waited(round_: Round, decision: Decision) -> str:
    """How long a round waited for its decision."""
    return duration(decision.at - round_.opened_at)


def said(decision: Decision) -> str:
    """What the reviewer wrote."""
    match decision.verdict:
        case Approve(note):
            return note or ""
        case Revise(feedback):
            return feedback


def detail(round_: Round, output: str) -> str:
    """The same below a line of a list: output, feedback, how long it waited, the answer."""
    lines = [one_line(output, _LINE)] if output.strip() else []
    decision = round_.decision
    if decision is not None:
        lines.append(f"decided after {waited(round_, decision)}")
        if written := said(decision):
            lines.append(
                words.quoted(written, words.EARLIER_FEEDBACK_SHOWN).replace("> ", "“", 1) + "”"
            )
        answer = words.answer(round_)
        if answer and round_.state is State.RESUMED:
            lines.append(f"{_BECAME[round_.state]}: “{answer}”")
    return "".join(f"\n{line}" for line in lines)


# --- Home ----------------------------------------------------------------------------------------

HOME_EMPTY: Final = ":tada: *Nothing waits.* When a crew pauses, its output shows up here."


def home_mine(total: int) -> str:
    """The heading of what waits for the reader."""
    return f"Waiting for you: {total:,}"


def home_others(total: int) -> str:
    """The heading of what waits for others."""
    return f"Waiting for others: {total:,}"


def home_stuck(total: int) -> str:
    """The heading of what a crew did not take."""
    return f"Stuck: {total:,}"


def home_decided(total: int) -> str:
    """The heading of what was decided in the last 24 hours."""
    return f"Decided today: {total:,}"


def home_line(round_: Round, age: str) -> str:
    """One round in Home, without its link and its excerpt."""
    return f"{words.number_of(round_)} · {age}"


def home_excerpt(text: str) -> str:
    """One line of an output."""
    return one_line(text, _LINE)


_LINE: Final = 160
