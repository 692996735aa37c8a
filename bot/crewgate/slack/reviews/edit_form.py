"""The form in which a person writes a round's output themselves."""

import json
from collections.abc import Sequence
from typing import Final

from crewgate.domain.caveats import Caveats, Note
from crewgate.domain.edits import Parts, cut
from crewgate.domain.notification import Format, Output
from crewgate.domain.redaction import MARK
from crewgate.domain.verdict import FEEDBACK_LIMIT
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block, context, modal, section, text_field
from crewgate.slack.blockkit.text import clean, place_to_break, utf16_length
from crewgate.slack.payloads import asked, edit_box
from crewgate.slack.reviews import strings
from crewgate.slack.reviews.buttons import EDIT
from crewgate.slack.reviews.confirmation import render_caveats
from crewgate.usecases.read_models import CardView

#: The most of an output that a box begins with, in characters: it holds 3,000, so it can grow.
_BOX: Final = 2_000
#: The most boxes. Slack takes 100 blocks, some of which are others.
_BOXES: Final = 80
#: The longest output, in bytes as JSON: Slack takes 250,000 for a modal, and it may grow.
_LONGEST: Final = 100_000
_MASKS_STAY: Final = (
    "What is masked has a number. Leave each mask where its text belongs: the crew gets the text."
)


def parts_to_edit(output: Output) -> Parts | None:
    """The boxes' parts of an output; None where people could not see and change all of it.

    Those are JSON, a text in which something is hidden or was a secret, which an edited text would
    take from the crew, and one that the form does not hold.
    """
    text = output.text
    if output.format is not Format.MARKDOWN or len(text) > _LONGEST:
        return None
    if (
        MARK in text
        or clean(text) != text.replace("\r\n", "\n")
        or len(json.dumps(text)) > _LONGEST
    ):
        return None
    parts = cut(text, _BOX, place_to_break)
    if any(utf16_length(part) > FEEDBACK_LIMIT for part in parts.texts):
        # Slack counts UTF-16 units, of which an emoji takes two.
        parts = cut(text, _BOX // 2, place_to_break)
    return parts if 0 < len(parts.texts) <= _BOXES else None


def render_edit_form(
    view: CardView,
    caveats: Caveats,
    notes: Sequence[Note],
    written: Sequence[str],
    *,
    revision: int = 0,
    masked: str = "",
) -> Block:
    """The form with these parts in its boxes, which says what becomes of the text.

    `revision` counts how often the boxes were filled anew, because what it tells of has changed:
    Slack takes a new text only for a new box. `masked` is the mark of a text with masks.
    """
    round_ = view.round
    submit, several = "Send edits", ""
    means = (
        "The crew redoes the task with these edits only. The next card says which of them it made."
    )
    if round_.takes_edits:
        submit, several = "Approve my text", strings.edit_of_several(round_)
        means = "Your text takes the place of the crew's output, in your name, and you approve it."
    total = len(written)
    return modal(
        EDIT.label,
        [
            section(strings.about(view)),
            *render_caveats(caveats, notes, view, again=revision > 0),
            section(means),
            *([context(several)] if several else []),
            *([context(_MASKS_STAY)] if masked else []),
            *(
                text_field(
                    "The text" if total == 1 else strings.part(number + 1, total),
                    block_id=edit_box(revision, number),
                    action_id=ids.EDITED,
                    max_length=FEEDBACK_LIMIT,
                    value=part,
                    multiline=True,
                )
                # A part that is emptied goes.
                | {"optional": total > 1}
                for number, part in enumerate(written)
            ),
        ],
        callback_id=ids.EDIT_MODAL,
        metadata=asked(round_.id, caveats.seen, masked),
        submit=submit,
    )
