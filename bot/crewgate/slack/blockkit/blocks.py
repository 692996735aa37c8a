"""Slack's blocks as small functions. No sentences here.

Limits come from Slack's Block Kit reference, except MESSAGE_LIMIT.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date
from typing import Any, Final, Literal, TypeAlias, TypeVar

from crewgate.domain.caveats import Share
from crewgate.slack.blockkit.text import escape_mrkdwn, plain, utf16_length, words_named

_T = TypeVar("_T")

Block: TypeAlias = dict[str, Any]

SECTION_LIMIT: Final = 3_000
BLOCKS_LIMIT: Final = 50
MESSAGE_LIMIT: Final = 12_000
"""The limit of all blocks' texts together. Slack documents no number; it refuses about 13,200."""
LABEL_LIMIT: Final = 75
TITLE_LIMIT: Final = 24
HEADER_LIMIT: Final = 150
CHART_LABEL_LIMIT: Final = 20
CHART_CATEGORIES: Final = 20
TEXT_LIMIT: Final = 4_000
"""The limit of a message's own text, for notifications and screen readers."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message for Slack; `shown` is the percentage of the output on a card."""

    text: str
    blocks: list[Block]
    _: KW_ONLY
    shown: int = 100
    too_long: bool = False
    """The output fits into no message, so all of it follows as a file."""
    no_approver: bool = False
    """The card says that too few people are left who may approve."""


def present(*items: _T | None) -> list[_T]:
    return [item for item in items if item is not None]


def push_text(sentence: str) -> str:
    return escape_mrkdwn(sentence, TEXT_LIMIT)


def mrkdwn(text: str) -> Block:
    """A text object in which Slack links no bare names and addresses."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain_text(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": plain(text, limit), "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": plain_text(text, HEADER_LIMIT)}


def section(text: str, accessory: Block | None = None) -> Block:
    made: Block = {"type": "section", "text": mrkdwn(text)}
    return made if accessory is None else made | {"accessory": accessory}


def alert(text: str) -> Block:
    """A warning in a modal, the only surface for it; some workspaces take none yet.

    https://docs.slack.dev/reference/block-kit/blocks/alert-block
    """
    return {"type": "alert", "level": "warning", "text": mrkdwn(text)}


def divider() -> Block:
    return {"type": "divider"}


def context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}


def markdown(text: str) -> Block:
    return {"type": "markdown", "text": text}


def button(
    label: str, *, action_id: str, value: str, style: Literal["primary", "danger"] | None = None
) -> Block:
    made: Block = {
        "type": "button",
        "text": plain_text(label, LABEL_LIMIT),
        "action_id": action_id,
        "value": value,
    }
    return made if style is None else {**made, "style": style}


def said_of(row: Block, about: str) -> Block:
    """Return a row whose buttons tell screen readers what they are about: many say Approve."""
    spoken = [
        one | {"accessibility_label": plain(f"{one['text']['text']} {about}", LABEL_LIMIT)}
        if one["type"] == "button"
        else one
        for one in row["elements"]
    ]
    return row | {"elements": spoken}


def bar_chart(
    title: str, categories: Sequence[str], series: Mapping[str, Sequence[float]]
) -> Block:
    """A bar chart: at most two in a message, none in a modal; some workspaces take none yet."""
    names = [*categories[:CHART_CATEGORIES]]
    plotted = []
    for name, values in series.items():
        points = zip(names, values, strict=False)
        data = [{"label": label, "value": value} for label, value in points]
        plotted.append({"name": name, "data": data})
    chart = {"type": "bar", "series": plotted, "axis_config": {"categories": names}}
    return {"type": "data_visualization", "title": title, "chart": chart}


def actions(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def sections(lines: Iterable[str], *, budget: int) -> tuple[list[Block], int]:
    """Return as many lines as the budget allows, in few sections, and the number of these lines."""
    made: list[str] = []
    shown = 0
    for line in lines:
        budget -= utf16_length(line) + 1
        joins = bool(made) and utf16_length(made[-1]) + 1 + utf16_length(line) <= SECTION_LIMIT
        # Four blocks stay free for the text above and below the lines.
        if budget < 0 or (not joins and len(made) >= BLOCKS_LIMIT - 4):
            break
        if joins:
            made[-1] += "\n" + line
        else:
            made.append(line)
        shown += 1
    return [section(text) for text in made], shown


FIELD_LABEL_LIMIT: Final = 2_000
PLACEHOLDER_LIMIT: Final = 150
#: Slack takes 2,000, but a form may have 80 boxes.
HINT_LIMIT: Final = 500
OPTIONS_LIMIT: Final = 100


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    callback_id: str | None = None,
    metadata: str | None = None,
    submit: str | None = None,
) -> Block:
    """A modal; fields need a `submit` button, and Slack sends `metadata` back with their values."""
    close = "Close" if submit is None else "Cancel"
    made: Block = {
        "type": "modal",
        "title": plain_text(title, TITLE_LIMIT),
        "close": plain_text(close, TITLE_LIMIT),
        "blocks": list(blocks),
    }
    if submit is not None:
        made["submit"] = plain_text(submit, TITLE_LIMIT)
    named = {"callback_id": callback_id, "private_metadata": metadata}
    return made | {name: text for name, text in named.items() if text is not None}


def text_field(
    label: str,
    *,
    block_id: str,
    action_id: str,
    max_length: int,
    value: str = "",
    placeholder: str = "",
    own: str = "",
    **element: object,
) -> Block:
    """A box for a text. Below it stands what is named in its value, which itself stays as it is.

    With `own`, the script of a call, that is also the recipients of another one.
    """
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
    named = words_named(value, own)
    return _field(label, block_id, box) | ({"hint": plain_text(named, HINT_LIMIT)} if named else {})


def select_field(
    label: str, *, block_id: str, action_id: str, options: Sequence[str], chosen: str = ""
) -> Block:
    shown = {
        name: {"text": plain_text(name, LABEL_LIMIT), "value": name}
        for name in options[:OPTIONS_LIMIT]
    }
    menu: Block = {"type": "static_select", "action_id": action_id, "options": [*shown.values()]}
    if chosen in shown:
        menu["initial_option"] = shown[chosen]
    return _field(label, block_id, menu)


def date_field(label: str, *, name: str, day: date | None) -> Block:
    """A field for a day; `name` names its block and its picker."""
    picker: Block = {"type": "datepicker", "action_id": name}
    if day is not None:
        picker["initial_date"] = day.isoformat()
    return _field(label, name, picker)


def person_field(label: str, *, name: str, user: str | None) -> Block:
    """A field for a person; `name` names its block and its picker."""
    picker: Block = {"type": "users_select", "action_id": name}
    if user is not None:
        picker["initial_user"] = user
    return _field(label, name, picker)


def _field(label: str, block_id: str, element: Block) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, FIELD_LABEL_LIMIT),
        "element": element,
    }


def with_share(name: str, share: Share) -> str:
    beyond = f"-{share.beyond}" if share.beyond else ""
    return f"{name}.{share.shown}-{share.of}{beyond}"


def parse_share(name: str) -> Share | None:
    found = _SHARE.search(name)
    return None if found is None else Share(*map(int, found.groups("0")))


_SHARE: Final = re.compile(r"\.([0-9]{1,9})-([0-9]{1,9})(?:-([0-9]{1,9}))?$")
