"""Sentences and labels of a review's forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crewgate.domain.caveats import Caveats, is_empty
from crewgate.domain.notes import Note
from crewgate.domain.question import Question
from crewgate.domain.verdict import Decision
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import ELLIPSIS, date, one_line
from crewgate.slack.phrases import ANSWER_LIMIT
from crewgate.usecases.read_models import DeadLetter

OUTPUT_HEADING: Final = "*The output*"
QUESTION_HEADING: Final = "*The question*"
COMMENT_TITLE: Final = "Approve with a comment"
COMMENT_LABEL: Final = "Your comment"
COMMENT_PLACEHOLDER: Final = "What should the crew keep in mind from here on?"
COMMENT_MEANS: Final = (
    "The output is approved as it is. Your comment becomes context for the crew's *next tasks*; it "
    "does not change this output. To have it changed, use Revise."
)
COMMENT_MISSING: Final = "Write the comment, or press Approve on the card to approve without one."
DISMISS_LABEL: Final = "Why?"
DISMISS_PLACEHOLDER: Final = "Started again as a new execution"
DISMISS_MEANS: Final = (
    "The card is closed for good and nothing more is sent to the crew. Your name and your reason "
    "stay on the card and in its history."
)
DISMISS_REPORT_MEANS: Final = (
    "*What to do.* If an execution waits at the crew, answer it with the crew's own "
    "`POST /resume`. If CrewAI sends this shape, report it as a bug; if a proxy or a setting of "
    "the crew made it, correct that. Then say below why this is done with and press Dismiss: your "
    "name and your words stay on the message in the channel."
)
DISMISS_MISSING: Final = "Write why; it stays on the card and in its history."
EDIT_EMPTY: Final = "Nothing is left of the text. To have it done again, use Revise."
EDIT_OUTDATED: Final = "This form is of an earlier version. Copy your text and open it again."
NOTES_OFFERED: Final = "*Not in the box yet*"
ADD_NOTE: Final = "Add"
NOTE_DOES_NOT_FIT: Final = (
    "That note does not fit: the box holds 3,000 characters. Shorten what is there, then add it."
)
NOTES_CAME: Final = (
    ":exclamation: *The notes in the thread have changed since you were shown them.* "
    "Nothing is sent yet. Those that are not in the box stand below."
)
NOTES_DO_NOT_FIT: Final = (
    ":exclamation: Not every note fits: the box holds 3,000 characters. Those left out stand below."
)
CONFIRM_TITLE: Final = "Before you approve"
APPROVE_ANYWAY: Final = "Approve anyway"
CONFIRMATION_NOT_OPENED: Final = (
    "There is something to look at before you decide, but Slack did not open it in time. Nothing "
    "is decided yet: press the button again."
)
ASKED_AGAIN: Final = "*Something has changed since you were asked.* Nothing is decided yet."
_READ_TO_END: Final = "and have not read it to its end"
ADD_PART: Final = "Add this part"
_NOTE_LINE: Final = 150
_NOTES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class WordsForm:
    """The labels of the form for words, for a crew's task or the question of a flow."""

    submit: str
    label: str
    placeholder: str


REVISING: Final = WordsForm(
    "Send revision",
    "What should change?",
    "The crew gets exactly what you write here and does the task again.",
)
ANSWERING: Final = WordsForm(
    "Send answer", "Your answer", "The flow gets exactly what you write here."
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
_OUTCOMES_SHOWN: Final = 10
_OUTCOME: Final = 60


def what_words_become(question: Question) -> str:
    """Below a flow's question: who reads the answer."""
    if not question.outcomes:
        return "The flow gets exactly what you write."
    known = [f"“{one_line(label, _OUTCOME)}”" for label in question.outcomes[:_OUTCOMES_SHOWN]]
    more = len(question.outcomes) - len(known) + question.left_off
    listed = f"{', '.join(known)}{f' and {more:,} more' if more else ''}"
    return (
        "A model on the flow's side will read this and choose one of its outcomes, perhaps not the"
        f" one you mean: {listed}. To be sure, press the outcome's own button."
    )


def edit_label(number: int, total: int) -> str:
    return "The text" if total == 1 else part(number + 1, total)


ANSWER_TITLE: Final = "Before you answer"
ANSWER_ANYWAY: Final = "Answer anyway"


def will_answer(label: str) -> str:
    return f"The answer will be “{one_line(label, _OUTCOME)}”."


def unsent(count: int, notes: Sequence[Note]) -> str:
    """The notes that an approval does not send, the latest by their authors and first lines."""
    one = count == 1
    waits = "waits in the thread. It" if one else "wait in the thread. They"
    lines = [f":memo: *{shared.counted(count, 'note')} {waits} will not be sent.*"]
    if count > _NOTES_SHOWN:
        lines.append(f"The latest {_NOTES_SHOWN}:")
    lines += [_first_line(note) for note in notes[-_NOTES_SHOWN:]]
    return "\n".join(lines)


def _first_line(note: Note) -> str:
    written = note.text.strip()
    first = written.partition("\n")[0].rstrip()
    shown = first if first == written else f"{first} {ELLIPSIS}"
    return f"> {shared.person(note.by)}: {one_line(shown, _NOTE_LINE)}"


def not_all_shown(caveats: Caveats) -> str:
    """The share of the output that somebody was shown who has not read it to its end."""
    share = caveats.share
    if is_empty(share):
        return "*The output is empty.* There is nothing to approve."
    if share is not None and share.shown:
        return (
            f"*You have seen the first {share.shown:,} of {share.of:,} characters* of this output, "
            f"{_READ_TO_END}."
        )
    if share is not None or caveats.shown is None:
        return f"You were not shown all of this output, {_READ_TO_END}."
    return f"You were shown {caveats.shown} % of this output, {_READ_TO_END}."


def author(note: Note) -> str:
    return f"{shared.person(note.by)} · {shared.counted(len(note.text), 'character')}"


def too_long(note: Note, *, theirs: bool) -> str:
    """Above a note that the box cannot hold: who may add parts of it."""
    longer = f"{author(note)}, more than the box holds"
    return f"{longer}. Add the parts that matter." if theirs else f"{longer}: {ONLY_ITS_AUTHOR}"


ONLY_ITS_AUTHOR: Final = "who wrote it may add parts of it."


def received(decision: Decision) -> str:
    """Somebody's decision in their receipt, which may stay open for long."""
    return (
        f"{phrases.sentence(decision)}. The card shows what the {phrases.receiver(decision)} does."
    )


def part(number: int, total: int) -> str:
    return f"Part {number} of {total}"


def what_came(first: DeadLetter) -> str:
    came = "A webhook" if first.count == 1 else f"{shared.total(first.count)} webhooks"
    return (
        f"{came} of {shared.bold(shared.crew(first.crew))} could not be understood. The crew does "
        "not repeat this, so it is kept as it came, in the table `dead_letters`; the log has "
        "`not_understood` with the same id."
    )


def why_not_understood(reason: str, dead_letter: DeadLetter) -> str:
    why = one_line(shared.capital(reason), ANSWER_LIMIT).rstrip(". ")
    when = date(dead_letter.received_at)
    return f"*{when}* · {shared.identifier(dead_letter.id)}\n{why}."


def came_cut(size: int) -> str:
    """Only the beginning of a body of so many bytes is shown."""
    return f"This is the beginning; {size:,} bytes came."


def more_came(count: int) -> str:
    return f"{shared.more(count)}, in the table `dead_letters`"
