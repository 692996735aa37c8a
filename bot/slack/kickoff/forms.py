"""The form that starts a crew, in all its states."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from bot.slack import ids
from bot.slack.blockkit.blocks import LABEL_LIMIT, TITLE_LIMIT, Block, context, plain_text, section
from bot.slack.blockkit.text import plain
from bot.slack.executions.strings import readable
from bot.slack.kickoff import strings

FIELDS_LIMIT: Final = 45
"""Each may need a second block for what is wrong with it; a modal has 100."""
_LABEL_LIMIT: Final = 2_000
_NAME_LIMIT: Final = 200
_TEXT_LIMIT: Final = 3_000
_LONG: Final = frozenset(
    {"background", "brief", "content", "context", "criteria", "data", "description", "details"}
    | {"document", "draft", "email", "goal", "goals", "guidelines", "instructions", "message"}
    | {"notes", "objective", "prompt", "question", "requirements", "summary", "text", "transcript"}
)
"""Words in an input's name that promise more than a line."""


def render_notice(sentence: str) -> Block:
    """A modal that only says something."""
    return {
        "type": "modal",
        "title": plain_text(strings.TITLE, TITLE_LIMIT),
        "close": plain_text(strings.DONE, TITLE_LIMIT),
        "blocks": [section(sentence)],
    }


def render_choice(crews: Sequence[str]) -> Block:
    """Ask which crew."""
    options = [{"text": plain_text(name, LABEL_LIMIT), "value": name} for name in list(crews)[:100]]
    return {
        "type": "modal",
        "callback_id": ids.KICKOFF_CHOICE,
        "title": plain_text(strings.TITLE, TITLE_LIMIT),
        "submit": plain_text(strings.NEXT, TITLE_LIMIT),
        "close": plain_text(strings.CLOSE, TITLE_LIMIT),
        "blocks": [
            {
                "type": "input",
                "block_id": ids.CREW,
                "label": plain_text(strings.CREW_LABEL, LABEL_LIMIT),
                "element": {
                    "type": "static_select",
                    "action_id": ids.CREW,
                    "options": options,
                },
            }
        ],
    }


def render_form(
    crew: str,
    names: Sequence[str],
    *,
    values: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
    warning: str = "",
) -> Block:
    """The crew's inputs as fields; `values` were written already, `missing` are wrong."""
    names = list(dict.fromkeys(names))
    if len(names) > FIELDS_LIMIT or any(len(name) > _NAME_LIMIT for name in names):
        return render_notice(strings.TOO_MANY)
    blocks: list[Block] = [section(warning)] if warning else []
    for name in names:
        blocks.append(_field(name, (values or {}).get(name, "")))
        if name in missing:
            blocks.append(context(strings.MISSING))
    if not names:
        blocks.append(section(strings.NO_INPUTS))
    return {
        "type": "modal",
        "callback_id": ids.KICKOFF_FORM,
        "private_metadata": crew,
        "title": plain_text(strings.TITLE, TITLE_LIMIT),
        "submit": plain_text(strings.START, TITLE_LIMIT),
        "close": plain_text(strings.CLOSE, TITLE_LIMIT),
        "blocks": blocks,
    }


def _field(name: str, value: str) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": ids.KICKOFF_INPUT,
        "multiline": bool(_LONG & set(name.lower().replace("-", "_").split("_"))),
        "max_length": _TEXT_LIMIT,
    }
    if value:
        element["initial_value"] = value[:_TEXT_LIMIT]
    return {
        "type": "input",
        "block_id": f"{ids.KICKOFF_INPUT}.{name}",
        "label": {
            "type": "plain_text",
            "text": plain(readable(name), _LABEL_LIMIT),
            "emoji": False,
        },
        "element": element,
    }
