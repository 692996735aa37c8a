"""A flow's outcomes to choose from: buttons, or a menu where they are many."""

from __future__ import annotations

from typing import Final

from crewgate.domain.question import Question, Reading, approval_of, reading_of
from crewgate.domain.review import Round
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import LABEL_LIMIT, Block, button, plain_text, section
from crewgate.slack.blockkit.text import is_blank, one_line, plain
from crewgate.slack.reviews import strings

#: More become a menu.
BUTTONS: Final = 4
#: In front of a label that reads as something: a letter, no emoji, so that a label cannot bring it.
_MARKS: Final = {Reading.APPROVAL: "✓ ", Reading.REJECTION: "✕ ", Reading.REVISION: "↺ "}


def answer_buttons(round_: Round, question: Question) -> tuple[Block, ...]:
    """One for each outcome, in the flow's order, and Answer in words."""
    labels = _labels(question)
    words = button(strings.IN_WORDS, action_id=ids.REVISE, value=round_.id)
    if len(labels) <= BUTTONS:
        green = _first_approval(question)
        return (
            *(
                button(
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
        "placeholder": plain_text(strings.CHOOSE, LABEL_LIMIT),
        "options": [
            {"text": plain_text(label, LABEL_LIMIT), "value": f"{round_.id} {number}"}
            for number, label in enumerate(labels)
        ],
    }
    return menu, words


def outcomes_in_full(question: Question) -> list[Block]:
    """The outcomes that a button cannot show whole, and how many none has."""
    lines: list[str] = []
    if _are_numbered(question) and len(question.outcomes) <= BUTTONS:
        lines += [
            f"{number}. {one_line(label, strings.LABEL_LISTED)}"
            for number, label in enumerate(question.outcomes, 1)
        ]
    if question.left_off:
        lines.append(strings.left_off(question.left_off))
    return [section("\n".join(lines))] if lines else []


def _labels(question: Question) -> list[str]:
    """What stands on the buttons: the outcomes, numbered where they could be mistaken."""
    if not _are_numbered(question):
        return [_marked(label) for label in question.outcomes]
    return [f"{number}. {label}" for number, label in enumerate(question.outcomes, 1)]


def _marked(label: str) -> str:
    return f"{_MARKS.get(reading_of(label), '')}{label}"


def _are_numbered(question: Question) -> bool:
    """Whether some label is not shown as it is, or as another one is."""
    shown = [plain(_marked(label), LABEL_LIMIT) for label in question.outcomes]
    whole = all(
        text == _marked(label).strip() and not is_blank(text)
        for text, label in zip(shown, question.outcomes, strict=True)
    )
    return not whole or len(set(shown)) < len(shown)


def _first_approval(question: Question) -> int | None:
    label = approval_of(question)
    return None if label is None else question.outcomes.index(label)
