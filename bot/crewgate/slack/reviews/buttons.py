"""The buttons of reviews, each with one id and one label wherever it stands.

`listeners.VERBS` has their effects.
"""

from dataclasses import dataclass
from typing import Final, Literal, assert_never

from crewgate.domain import acts, notification, reason
from crewgate.domain.review import Round
from crewgate.domain.subjects import Work, call_of
from crewgate.domain.verdict import Reading, reading_of, voices_of
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.blockkit.excerpts import BlocksPage
from crewgate.slack.blockkit.text import is_blank, one_line, plain
from crewgate.slack.words import cards, names, subjects
from crewgate.slack.words.names import counted
from crewgate.usecases.read_models import Approvers


@dataclass(frozen=True, slots=True)
class Button:
    """A button, or an entry of a card's menu."""

    id: str
    label: str
    style: Literal["primary"] | None = None

    def on(self, value: str, *, label: str | None = None) -> Block:
        return blocks.button(label or self.label, action_id=self.id, value=value, style=self.style)

    @property
    def entry(self) -> Block:
        return {"text": blocks.plain_text(self.label, blocks.LABEL_LIMIT), "value": self.id}


APPROVE: Final = Button("approve", "Approve", style="primary")
REVISE: Final = Button("revise", subjects.REVISE)
COMMENT: Final = Button("comment", "Approve with a comment…")
EDIT: Final = Button("edit", "Edit the text")
CHANGE: Final = Button("change", "Change")
"""Opens the form for a call's arguments."""
TAKE_BACK: Final = Button("take_back", "Take back my approval")
CLAIM: Final = Button("claim", "I'm on it")
REFER: Final = Button("refer", "Ask somebody…")
RETRY: Final = Button("retry", "Retry")
REOPEN: Final = Button("reopen", "Reopen")
DISMISS: Final = Button("dismiss", "Dismiss")
WHAT_CAME: Final = Button("what_came", cards.WHAT_CAME)
READ: Final = Button("read_all", cards.READ)
UNMASK: Final = Button("unmask", "Show them")
"""Shows the masked passages to one person."""
CHANGES: Final = Button("show_changes", cards.CHANGES)
HISTORY: Final = Button("history", cards.HISTORY)
START: Final = Button("start", "Start", style="primary")
"""Opens what waits for the presser, one review after the other."""
SKIP: Final = Button("skip", "Skip")
KEEP_LESSON: Final = Button("keep_lesson", "Keep as a lesson…")
LESSONS: Final = Button("lessons_given", "Lessons given")
READ_WORDS: Final = Button(HISTORY.id, "Read the words")

#: The most outcomes of a flow that are shown as buttons; more outcomes become a menu.
BUTTONS: Final = 4
#: The mark before a label, by its meaning for a flow; no emoji, because a label may have emoji.
_MARKS: Final = {Reading.APPROVAL: "✓ ", Reading.REJECTION: "✕ ", Reading.REVISION: "↺ "}


def decide_buttons(
    round_: Round,
    *,
    reader: str | None = None,
    approvers: Approvers | None = None,
    asks: bool = False,
) -> tuple[Block, ...]:
    """Return Approve and Revise, or a flow's outcomes: the first buttons of a waiting round.

    `reader` is the only user who sees the buttons. For them Approve is left out once they have
    approved, or if `approvers` say that it would be refused. Buttons that everybody sees stay, but
    are not green if nobody's approval would count, or if Approve `asks` before it decides.
    """
    is_barred = approvers is not None and approvers.bar(reader)
    is_refused = is_barred and reader and not round_.subject.takes_answers
    if reader in voices_of(round_.votes) or is_refused:
        return (words_button(round_),)
    if is_barred or asks:
        return tuple(map(without_style, decide_buttons(round_, reader=reader)))
    match round_.subject:
        case notification.Question() as question:
            return _answer_buttons(round_, question)
        case acts.ToolCall() | Work():
            change = (CHANGE.on(round_.id),) if may_change(round_) else ()
            return APPROVE.on(round_.id), words_button(round_), *change
        case _:
            assert_never(round_.subject)


def may_change(round_: Round) -> bool:
    """Return True for a call with arguments that people may change in a form."""
    call = call_of(round_.subject)
    return call is not None and round_.takes_edits and bool(call.arguments)


def without_style(button: Block) -> Block:
    return {key: button[key] for key in button if key != "style"}


def words_button(round_: Round) -> Block:
    return REVISE.on(round_.id, label=cards.words_label(round_))


def last_buttons(round_: Round, *, reader: str | None = None) -> tuple[Block, ...]:
    """Return *Take back my approval* for who has approved; on a card, for all once somebody has."""
    voices = voices_of(round_.votes)
    may_take_back = bool(voices) if reader is None else reader in voices
    return (TAKE_BACK.on(round_.id),) if may_take_back else ()


def stuck_buttons(round_: Round) -> tuple[Block, ...]:
    """Return Dismiss, and Retry unless only the asker can fetch the decision."""
    retry = () if isinstance(round_.reason, reason.NotFetched) else (RETRY.on(round_.id),)
    return *retry, DISMISS.on(round_.id)


def _answer_buttons(round_: Round, question: notification.Question) -> tuple[Block, ...]:
    labels = [_marked(label) for label in question.outcomes]
    if _are_numbered(question):
        labels = [f"{number}. {label}" for number, label in enumerate(question.outcomes, 1)]
    words = words_button(round_)
    if len(labels) <= BUTTONS:
        green = question.outcomes.index(question.approval) if question.approval else None
        return (
            *(
                blocks.button(
                    label,
                    action_id=f"{ids.ANSWER}.{number}",
                    value=round_.id,
                    style="primary" if number == green else None,
                )
                for number, label in enumerate(labels)
            ),
            words,
        )
    menu: Block = {
        "type": "static_select",
        "action_id": ids.ANSWER_MENU,
        "placeholder": blocks.plain_text("Choose an outcome", blocks.LABEL_LIMIT),
        "options": [
            {"text": blocks.plain_text(label, blocks.LABEL_LIMIT), "value": f"{round_.id} {number}"}
            for number, label in enumerate(labels)
        ],
    }
    return menu, words


def outcomes_in_full(question: notification.Question) -> list[Block]:
    """Return lines with the outcomes that buttons cut, and the number of those without a button."""
    lines: list[str] = []
    if _are_numbered(question) and len(question.outcomes) <= BUTTONS:
        lines += [
            f"{number}. {one_line(label, cards.LABEL_LISTED)}"
            for number, label in enumerate(question.outcomes, 1)
        ]
    if question.left_off:
        left_off = counted(question.left_off, "more outcome")
        lines.append(f"{left_off} can only be answered in words.")
    return [blocks.section("\n".join(lines))] if lines else []


def _marked(label: str) -> str:
    """Return a label as people write: `needs_revision` is “↺ Needs revision”."""
    name = names.capital(label.replace("_", " ")) if label.isidentifier() else label
    return f"{_MARKS.get(reading_of(label), '')}{name}"


def _are_numbered(question: notification.Question) -> bool:
    shown = [plain(_marked(label), blocks.LABEL_LIMIT) for label in question.outcomes]
    whole = all(
        text == _marked(label).strip() and not is_blank(text)
        for text, label in zip(shown, question.outcomes, strict=True)
    )
    return not whole or len({one.casefold() for one in shown}) < len(shown)


def page_buttons(
    shown: BlocksPage,
    *,
    value: str,
    previous_id: str,
    next_id: str,
    on_top: bool = False,
    is_next_green: bool = False,
) -> list[Block]:
    """Return a page's number and the buttons to its neighbours; nothing for a single page.

    `on_top`: further buttons stand below the page, so these are named by page number.
    """
    page, pages = shown.number, shown.total
    if pages == 1:
        return []
    following = blocks.button(
        f"Page {page + 2:,}" if on_top else names.NEXT,
        action_id=next_id,
        value=value,
        style="primary" if is_next_green else None,
    )
    label = f"Page {page:,}" if on_top else names.PREVIOUS
    previous = blocks.button(label, action_id=previous_id, value=value)
    turns = blocks.present(previous if page > 0 else None, following if page + 1 < pages else None)
    return [blocks.context(names.page_of(page, pages)), blocks.actions(*turns)]
