"""Forms: approve with a comment, ask for changes with what was written in the thread, mishaps."""

from __future__ import annotations

from typing import Final

from bot.domain.notes import Draft, Note
from bot.domain.verdict import FEEDBACK_LIMIT
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import (
    TITLE_LIMIT,
    Block,
    button,
    context,
    plain_text,
    section,
)
from bot.slack.reviews import reader_strings, strings
from bot.slack.reviews.revise_form import render_revise_modal
from bot.usecases.read_models import CardView

_PLACEHOLDER_LIMIT: Final = 150
_OFFERED: Final = 20
"""Notes shown below the box, two blocks each; the others follow as these are added."""


def render_approve_form(view: CardView) -> Block:
    """The form that asks for the comment, and says plainly what becomes of it."""
    return {
        "type": "modal",
        "callback_id": ids.APPROVE_MODAL,
        "private_metadata": view.round.id,
        "title": plain_text(reader_strings.COMMENT_TITLE, TITLE_LIMIT),
        "submit": plain_text(reader_strings.COMMENT_SUBMIT, TITLE_LIMIT),
        "close": plain_text(strings.REVISE_CLOSE, TITLE_LIMIT),
        "blocks": [
            context(f"{strings.headline(view.round)} · {shared.number_of(view.round)}"),
            section(reader_strings.COMMENT_MEANS),
            {
                "type": "input",
                "block_id": ids.FEEDBACK,
                "label": plain_text(reader_strings.COMMENT_LABEL, _PLACEHOLDER_LIMIT),
                "element": {
                    "type": "plain_text_input",
                    "action_id": ids.FEEDBACK,
                    "multiline": True,
                    "min_length": 1,
                    "max_length": FEEDBACK_LIMIT,
                    "focus_on_load": True,
                    "placeholder": plain_text(
                        reader_strings.COMMENT_PLACEHOLDER, _PLACEHOLDER_LIMIT
                    ),
                },
            },
        ],
    }


def render_revise_form(
    view: CardView, draft: Draft, *, revision: int = 0, problem: str | None = None
) -> Block:
    """The form behind Revise: the notes are in the box, and those that are not stand below.

    `revision` counts the notes added by hand: Slack takes a new text only for a new box.
    """
    form = render_revise_modal(view, feedback=draft.text)
    if not draft.text and not draft.left:
        return form
    subject, box, *output = form["blocks"]
    below = [context(problem)] if problem else []
    if draft.overflowed:
        below.append(context(reader_strings.NOTES_DO_NOT_FIT))
    if draft.left:
        below.append(section(reader_strings.NOTES_OFFERED))
        below += [block for note in draft.left[:_OFFERED] for block in _offered(note)]
    if len(draft.left) > _OFFERED:
        below.append(context(reader_strings.more_notes(len(draft.left) - _OFFERED)))
    box = box | {"block_id": f"{ids.FEEDBACK}-{revision}"}
    return form | {
        "callback_id": ids.NOTES_MODAL,
        "blocks": [subject, box, *below, *output],
    }


def _offered(note: Note) -> list[Block]:
    add = button(reader_strings.ADD_NOTE, action_id=ids.ADD_NOTE, value=note.ts)
    return [
        section(reader_strings.offered(note)) | {"block_id": f"note-{note.ts}", "accessory": add},
        context(reader_strings.author(note)),
    ]
