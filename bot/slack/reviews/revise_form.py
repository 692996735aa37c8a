"""The form behind Revise."""

from __future__ import annotations

from typing import Final

from bot.domain.notification import Format
from bot.domain.verdict import FEEDBACK_LIMIT
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import TITLE_LIMIT, Block, context, plain_text, section
from bot.slack.blockkit.excerpts import first_part, length
from bot.slack.blockkit.rich_text import preformatted, rich_text
from bot.slack.blockkit.text import clean, is_blank
from bot.slack.reviews import strings
from bot.usecases.read_models import CardView

_EXCERPT_LIMIT: Final = 2_800
_PLACEHOLDER_LIMIT: Final = 150


def render_revise_modal(view: CardView, *, feedback: str = "") -> Block:
    """The form that asks what should change; `feedback` is what somebody wrote already."""
    return {
        "type": "modal",
        "callback_id": ids.REVISE_MODAL,
        "private_metadata": view.round.id,
        "title": plain_text(strings.REVISE_TITLE, TITLE_LIMIT),
        "submit": plain_text(strings.REVISE_SUBMIT, TITLE_LIMIT),
        "close": plain_text(strings.REVISE_CLOSE, TITLE_LIMIT),
        "blocks": [
            context(f"{strings.headline(view.round)} · {shared.number_of(view.round)}"),
            _question(feedback),
            *_output(view),
        ],
    }


def _question(feedback: str) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": ids.FEEDBACK,
        "multiline": True,
        "min_length": 1,
        "max_length": FEEDBACK_LIMIT,
        "focus_on_load": True,
        "placeholder": plain_text(strings.FEEDBACK_PLACEHOLDER, _PLACEHOLDER_LIMIT),
    }
    if feedback:
        element["initial_value"] = feedback[:FEEDBACK_LIMIT]
    return {
        "type": "input",
        "block_id": ids.FEEDBACK,
        "label": plain_text(strings.FEEDBACK_LABEL, _PLACEHOLDER_LIMIT),
        "element": element,
    }


def _output(view: CardView) -> list[Block]:
    """The beginning of the output, below the question: something to look at while writing."""
    output = view.output
    shown, characters = first_part(output.text, _EXCERPT_LIMIT, render=clean)
    if is_blank(shown):
        return []
    render = preformatted if output.format is Format.JSON else rich_text
    left_off = characters < length(output.text)
    return [
        section(strings.OUTPUT_HEADING),
        *render(shown),
        *([context(strings.modal_excerpted(characters, length(output.text)))] if left_off else []),
    ]
