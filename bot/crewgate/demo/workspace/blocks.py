"""Slack's limits on blocks, whole messages and views.

https://docs.slack.dev/reference/block-kit/blocks and …/reference/views; the budget of a whole
message is undocumented and was found by experiment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from crewgate.demo.workspace.elements import (
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    check_element,
    check_image,
)
from crewgate.demo.workspace.limits import ID, LABEL, Check, Problem
from crewgate.demo.workspace.text import Json, elements, pieces

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
MESSAGE_CHARACTERS: Final = 13_200
"""The limit of all texts of a message's blocks together (`msg_blocks_too_long`)."""
MARKDOWN_CHARACTERS: Final = 12_000
"""The limit of all markdown blocks of a message together."""
SECTION: Final = 3_000
TITLE: Final = 24
PRIVATE_METADATA: Final = 3_000

#: https://docs.slack.dev/tools/node-slack-sdk/reference/types/interfaces/RichTextText
_STYLES: Final = frozenset({"bold", "italic", "strike", "code", "underline"})
_EMOJI: Final = re.compile(r"[a-z0-9_+'-]+")

_MODAL_FIELDS: Final = (
    "close submit private_metadata callback_id clear_on_close notify_on_close external_id "
    "submit_disabled"
)
_HOME_FIELDS: Final = "private_metadata callback_id external_id"


def message_problems(blocks: object) -> list[Problem]:
    """Everything Slack would refuse in a message's blocks."""
    check = Check()
    _blocks(check, "/blocks", blocks, MESSAGE_BLOCKS, _BLOCKS)
    if not check.problems and markdown_size(blocks) > MARKDOWN_CHARACTERS:
        check.add("/blocks", f"markdown blocks have more than {MARKDOWN_CHARACTERS} characters")
    return check.problems


def text_size(blocks: object) -> int:
    """The characters of a message's budget that its blocks use."""
    return sum(len(piece.text) for piece in pieces(blocks))


def markdown_size(blocks: object) -> int:
    """The characters of the markdown blocks together."""
    return sum(len(piece.text) for piece in pieces(blocks) if piece.markdown)


def view_problems(view: object) -> list[Problem]:
    """Everything Slack would refuse in a modal or a Home page."""
    check = Check()
    if not isinstance(view, dict):
        return [Problem("/view", "must be an object")]
    match view.get("type"):
        case "modal":
            check.keys("/view", view, ["title", "blocks"], _MODAL_FIELDS)
            for name in ("title", "submit", "close"):
                check.text(f"/view/{name}", view.get(name), TITLE, plain=True)
        case "home":
            check.keys("/view", view, ["blocks"], _HOME_FIELDS)
        case other:
            check.add("/view/type", f"unsupported type: {other}")
    check.string(
        "/view/private_metadata", view.get("private_metadata"), PRIVATE_METADATA, shortest=0
    )
    check.string("/view/callback_id", view.get("callback_id"), ID, shortest=0)
    check.string("/view/external_id", view.get("external_id"), ID, shortest=0)
    kinds = {kind: rule for kind, rule in _BLOCKS.items() if kind != "markdown"}
    blocks = _blocks(check, "/view/blocks", view.get("blocks", []), VIEW_BLOCKS, kinds)
    asks = any(block.get("type") == "input" for block in blocks)
    if asks and view["type"] == "modal" and not view.get("submit"):
        check.add("/view", "missing required field: submit (there are input blocks)")
    return check.problems


_Rule = Callable[[Check, str, Json], None]


def _blocks(
    check: Check, at: str, blocks: object, most: int, rules: dict[str, _Rule]
) -> list[Json]:
    """Check each block; gives those that are objects at all."""
    found: list[Json] = []
    ids: set[str] = set()
    for number, block in enumerate(check.items(at, blocks, most, least=0)):
        here = f"{at}/{number}"
        if not isinstance(block, dict):
            check.add(here, "must be an object")
            continue
        found.append(block)
        rule = rules.get(str(block.get("type")))
        if rule is None:
            check.add(f"{here}/type", f"unsupported type: {block.get('type')}")
            continue
        rule(check, here, {key: value for key, value in block.items() if key != "block_id"})
        check.string(f"{here}/block_id", block.get("block_id"), ID)
        _unique(check, f"{here}/block_id", block.get("block_id"), ids)
    return found


def _unique(check: Check, at: str, value: object, seen: set[str]) -> None:
    if isinstance(value, str):
        if value in seen:
            check.add(at, f"{at.rsplit('/', 1)[-1]} already used: {value}")
        seen.add(value)


def _section(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, [], "text fields accessory expand")
    if block.get("text") is None and not block.get("fields"):
        check.add(at, "missing required field: text or fields")
    check.text(f"{at}/text", block.get("text"), SECTION)
    if "fields" in block:
        for number, field in enumerate(check.items(f"{at}/fields", block["fields"], 10)):
            check.text(f"{at}/fields/{number}", field, 2_000)
    if "accessory" in block:
        check_element(check, f"{at}/accessory", block["accessory"], IN_SECTION)


def _header(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, ["text"], "")
    check.text(f"{at}/text", block.get("text"), 150, plain=True)


def _divider(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, [], "")


def _markdown(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, ["text"], "")
    check.string(f"{at}/text", block.get("text"), MARKDOWN_CHARACTERS)


def _image(check: Check, at: str, block: Json) -> None:
    check_image(check, at, block, extra="title")
    check.text(f"{at}/title", block.get("title"), 2_000, plain=True)


def _context(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, ["elements"], "")
    for number, element in enumerate(check.items(f"{at}/elements", block.get("elements"), 10)):
        here = f"{at}/elements/{number}"
        if isinstance(element, dict) and element.get("type") == "image":
            check_image(check, here, element)
        else:
            check.text(here, element, SECTION)


def _actions(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, ["elements"], "")
    found: Sequence[object] = check.items(f"{at}/elements", block.get("elements"), 25)
    for number, element in enumerate(found):
        check_element(check, f"{at}/elements/{number}", element, IN_ACTIONS)
    ids: set[str] = set()
    objects = [element for element in found if isinstance(element, dict)]
    for _, element in elements([{"elements": objects}]):
        _unique(check, f"{at}/elements/action_id", element["action_id"], ids)


def _input(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, ["label", "element"], "hint optional dispatch_action")
    check.text(f"{at}/label", block.get("label"), LABEL, plain=True)
    check.text(f"{at}/hint", block.get("hint"), LABEL, plain=True)
    if "element" in block:
        check_element(check, f"{at}/element", block["element"], IN_INPUT)


def _rich_text(check: Check, at: str, block: Json) -> None:
    check.keys(at, block, ["elements"], "")
    kinds = {f"rich_text_{kind}" for kind in ("section", "list", "preformatted", "quote")}
    found = check.items(f"{at}/elements", block.get("elements"), 1_000, least=0)
    for number, element in enumerate(found):
        here = f"{at}/elements/{number}"
        if not isinstance(element, dict) or element.get("type") not in kinds:
            check.add(here, "unsupported type")
        else:
            inside = check.items(f"{here}/elements", element.get("elements"), 10_000, least=0)
            for place, leaf in enumerate(inside):
                _leaf(check, f"{here}/elements/{place}", leaf)


def _leaf(check: Check, at: str, leaf: object) -> None:
    """The content of a section of rich text, a quote or code; a list holds sections."""
    match leaf:
        case {"type": "rich_text_section", "elements": list(inside)}:
            for place, one in enumerate(inside):
                _leaf(check, f"{at}/elements/{place}", one)
        case {"type": "text", "text": str(text)}:
            if not text:
                check.add(f"{at}/text", "must be more than 0 characters")
        case {"type": "emoji", "name": str(name)}:
            if _EMOJI.fullmatch(name) is None:
                check.add(f"{at}/name", "must be the name of an emoji")
        case {"type": "text" | "emoji"}:
            check.add(at, "missing required field")
        case _:
            pass
    style = leaf.get("style", {}) if isinstance(leaf, dict) else {}
    known = isinstance(style, dict) and _STYLES.issuperset(style)
    if not known or not all(isinstance(on, bool) for on in style.values()):
        check.add(f"{at}/style", f"must be some of: {', '.join(sorted(_STYLES))}")


_BLOCKS: Final[dict[str, _Rule]] = {
    "actions": _actions,
    "context": _context,
    "divider": _divider,
    "header": _header,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "section": _section,
}
