"""Modals and their fields as small functions. No sentences here."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from crewgate.slack.blockkit.blocks import LABEL_LIMIT, TITLE_LIMIT, Block, plain_text

FIELD_LABEL_LIMIT: Final = 2_000
PLACEHOLDER_LIMIT: Final = 150
OPTIONS_LIMIT: Final = 100


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    callback_id: str | None = None,
    metadata: str | None = None,
    submit: str | None = None,
) -> Block:
    """A modal. One with fields needs a `submit` button; `metadata` comes back with what is sent."""
    close = "Close" if submit is None else "Cancel"
    made: Block = {
        "type": "modal",
        "title": plain_text(title, TITLE_LIMIT),
        "close": plain_text(close, TITLE_LIMIT),
        "blocks": list(blocks),
    }
    if callback_id is not None:
        made["callback_id"] = callback_id
    if metadata is not None:
        made["private_metadata"] = metadata
    if submit is not None:
        made["submit"] = plain_text(submit, TITLE_LIMIT)
    return made


def text_field(
    label: str,
    *,
    block_id: str,
    action_id: str,
    max_length: int,
    value: str = "",
    placeholder: str = "",
    **element: object,
) -> Block:
    """A box for text, holding as much of `value` as fits; `element` sets what else Slack knows."""
    box: Block = {
        "type": "plain_text_input",
        "action_id": action_id,
        "max_length": max_length,
        **element,
    }
    if placeholder:
        box["placeholder"] = plain_text(placeholder, PLACEHOLDER_LIMIT)
    if value:
        box["initial_value"] = value[:max_length]
    return _field(label, block_id, box)


def select_field(label: str, *, block_id: str, action_id: str, options: Sequence[str]) -> Block:
    """A menu of names, which are its values too; those beyond 100 are left off."""
    return _field(
        label,
        block_id,
        {
            "type": "static_select",
            "action_id": action_id,
            "options": [
                {"text": plain_text(name, LABEL_LIMIT), "value": name}
                for name in options[:OPTIONS_LIMIT]
            ],
        },
    )


def date_field(label: str, *, block_id: str, action_id: str, day: date | None = None) -> Block:
    """A calendar, at a day if one is given."""
    picker: Block = {"type": "datepicker", "action_id": action_id}
    if day is not None:
        picker["initial_date"] = day.isoformat()
    return _field(label, block_id, picker)


def person_field(label: str, *, block_id: str, action_id: str, user: str | None = None) -> Block:
    """A menu of everybody in the workspace, at a user's id if one is given."""
    picker: Block = {"type": "users_select", "action_id": action_id}
    if user is not None:
        picker["initial_user"] = user
    return _field(label, block_id, picker)


def _field(label: str, block_id: str, element: Block) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, FIELD_LABEL_LIMIT),
        "element": element,
    }
