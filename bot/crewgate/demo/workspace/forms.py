"""Elements and forms as Slack's client finds, fills in and checks them, before the bot is told."""

from collections.abc import Iterable, Mapping
from typing import Final

from crewgate.demo.workspace.blocks import Json, elements, label
from crewgate.demo.workspace.world import View

#: The most characters that Slack takes in a text input without a `max_length`:
#: https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
_INPUT_VALUE: Final = 3_000
_STATE_FIELDS: Final = {
    "plain_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "datepicker": ("selected_date", "initial_date"),
}
"""The fields of the form's state and of the initial value, by kind of element."""


class CannotDoThat(Exception):
    """Slack's client offers no such element, or does not send such a value."""


def find_element(
    blocks: Iterable[Json], wanted: str, block_id: str | None = None, kind: str | None = None
) -> tuple[Json, Json]:
    """Return the element with this text or action id, and its block.

    If several are alike, return the last. Raises CannotDoThat if no element matches, or if
    several match and `block_id` names none.
    """
    there = list(elements(blocks))
    matches = [
        (block, element)
        for block, element in there
        if wanted in {element["action_id"], label(element)}
        and block_id in {None, block["block_id"]}
        and kind in {None, element["type"]}
    ]
    if len({(element["action_id"], element.get("value")) for _, element in matches}) != 1:
        names = [label(element) or element["action_id"] for _, element in there]
        raise CannotDoThat(f"{len(matches)} elements are called {wanted!r}; there are: {names}")
    return matches[-1]


def state_of(blocks: Iterable[Json], entered: Mapping[str, str | None]) -> Json:
    """Return the values of a form, by block and action; untouched elements have initial values."""
    values: Json = {}
    for block, element in elements(blocks):
        if element["type"] in _STATE_FIELDS:
            names = _names(block, element)
            given = next((entered[name] for name in names if name in entered), None)
            state = _entry(element, given)
            values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def fill(view: View, entered: Mapping[str, str | None]) -> Json:
    """Return the values of a filled-in modal.

    Raises CannotDoThat for input that Slack's client refuses: unknown fields, empty required
    fields, texts too long or too short.
    """
    inputs = [block for block in view.blocks if block["type"] == "input"]
    known = {name for block, element in elements(view.blocks) for name in _names(block, element)}
    if unknown := entered.keys() - known:
        raise CannotDoThat(
            f"there is no field called {sorted(unknown)}; there are: {sorted(known)}"
        )
    values = state_of(view.blocks, entered)
    for block in inputs:
        element = block["element"]
        state = values[block["block_id"]][element["action_id"]]
        _validate(block, element, state[_STATE_FIELDS[element["type"]][0]])
    return values


def choice(element: Json, given: str | None) -> Json:
    """Return the fields that an element adds to its action: none for a button, else the choice.

    Raises CannotDoThat if there is no such choice.
    """
    if element["type"] == "button":
        return {}
    if element["type"] == "overflow":
        return {"selected_option": _choose(element, str(given))}
    entered = _entry(element, given)
    del entered["type"]
    return entered


def _names(block: Json, element: Json) -> tuple[str, ...]:
    """Return the names of a field, the exact name first: several fields may share a block."""
    block_id, action_id = block["block_id"], element["action_id"]
    return (f"{block_id}/{action_id}", block_id, action_id, _label_of(block))


def _label_of(block: Json) -> str:
    return str(block["label"]["text"]) if "label" in block else ""


def _entry(element: Json, given: str | None) -> Json:
    kind = element["type"]
    key, initial = _STATE_FIELDS[kind]
    if given is None:
        value = element.get(initial)
    elif key == "selected_option":
        value = _choose(element, given)
    else:
        value = given or None
    return {"type": kind, key: value}


def _choose(element: Json, text: str) -> Json:
    options: list[Json] = element.get("options", [])
    for option in options:
        if text in {option["text"]["text"], option["value"]}:
            return option
    raise CannotDoThat(f"there is no choice called {text!r}")


def _validate(block: Json, element: Json, value: object) -> None:
    name = _label_of(block)
    if value in (None, ""):
        if not block.get("optional", False):
            raise CannotDoThat(f"{name}: Please complete this required field.")
    elif element["type"] == "plain_text_input":
        size, longest = len(str(value)), element.get("max_length", _INPUT_VALUE)
        if not element.get("min_length", 0) <= size <= longest:
            raise CannotDoThat(f"{name}: {size} characters; at most {longest} may be sent")
