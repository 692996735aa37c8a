"""Slack's limits on interactive elements: buttons, menus, inputs.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from typing import Final

from crewgate.demo.workspace.limits import (
    BUTTON_TEXT,
    BUTTON_VALUE,
    ID,
    INPUT_VALUE,
    PLACEHOLDER,
    URL,
    Check,
)
from crewgate.demo.workspace.text import Json

_MENUS: Final = frozenset(
    f"{prefix}{kind}_select"
    for prefix in ("", "multi_")
    for kind in ("static", "external", "users", "conversations", "channels")
)
_PICKERS: Final = frozenset({"datepicker", "timepicker", "datetimepicker"})
_CHOICES: Final = frozenset({"radio_buttons", "checkboxes"})
_TEXT_INPUTS: Final = frozenset(
    {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
)

IN_ACTIONS: Final = _MENUS | _PICKERS | _CHOICES | {"button", "overflow"}
IN_SECTION: Final = IN_ACTIONS | {"image"}
IN_INPUT: Final = _MENUS | _PICKERS | _CHOICES | _TEXT_INPUTS

_EXTRA: Final = {
    "checkboxes": "options initial_options",
    "datepicker": "initial_date",
    "datetimepicker": "initial_date_time",
    "timepicker": "initial_time timezone",
    "email_text_input": "initial_value dispatch_action_config",
    "url_text_input": "initial_value dispatch_action_config",
    "number_input": "is_decimal_allowed initial_value min_value max_value dispatch_action_config",
    "plain_text_input": "initial_value multiline min_length max_length dispatch_action_config",
    "radio_buttons": "options initial_option",
    "static_select": "options option_groups initial_option",
    "multi_static_select": "options option_groups initial_options max_selected_items",
    "users_select": "initial_user",
    "multi_users_select": "initial_users max_selected_items",
    "conversations_select": "initial_conversation default_to_current_conversation filter",
    "multi_conversations_select": "initial_conversations default_to_current_conversation filter "
    "max_selected_items",
    "channels_select": "initial_channel",
    "multi_channels_select": "initial_channels max_selected_items",
    "external_select": "initial_option min_query_length",
    "multi_external_select": "initial_options min_query_length max_selected_items",
}


def check_element(check: Check, at: str, element: object, allowed: frozenset[str]) -> None:
    """Refuse what is no element, or not one that may stand here."""
    if not isinstance(element, dict):
        check.add(at, "must be an object")
        return
    kind = str(element.get("type"))
    if kind not in allowed:
        check.add(f"{at}/type", f"unsupported type: {kind}")
        return
    check.string(f"{at}/action_id", element.get("action_id"), ID)
    match kind:
        case "button":
            _button(check, at, element)
        case "overflow":
            check.keys(at, element, ["options"], "action_id confirm")
            check.options(f"{at}/options", element.get("options"), 5)
        case "image":
            check_image(check, at, element)
        case _:
            _input(check, at, kind, element)
    check.confirm(f"{at}/confirm", element.get("confirm"))


def check_image(check: Check, at: str, image: Json, *, extra: str = "") -> None:
    """Refuse a bad image, which is an element and a block alike."""
    check.keys(at, image, ["alt_text"], f"image_url slack_file {extra}")
    if "image_url" not in image and "slack_file" not in image:
        check.add(at, "missing required field: image_url")
    check.string(f"{at}/image_url", image.get("image_url"), URL)
    check.string(f"{at}/alt_text", image.get("alt_text"), 2_000, shortest=0)


def _button(check: Check, at: str, button: Json) -> None:
    check.keys(at, button, ["text"], "action_id value url style confirm accessibility_label")
    check.text(f"{at}/text", button.get("text"), BUTTON_TEXT, plain=True)
    check.string(f"{at}/value", button.get("value"), BUTTON_VALUE, shortest=0)
    check.string(f"{at}/url", button.get("url"), URL)
    check.string(f"{at}/accessibility_label", button.get("accessibility_label"), BUTTON_TEXT)
    if button.get("style") not in {None, "primary", "danger"}:
        check.add(f"{at}/style", "must be one of: primary, danger")


def _input(check: Check, at: str, kind: str, element: Json) -> None:
    common = "action_id placeholder focus_on_load confirm"
    check.keys(at, element, [], f"{common} {_EXTRA.get(kind, '')}")
    check.text(f"{at}/placeholder", element.get("placeholder"), PLACEHOLDER, plain=True)
    if kind in _CHOICES:
        check.options(f"{at}/options", element.get("options"), 10, rich=True)
    elif kind in {"static_select", "multi_static_select"}:
        _menu(check, at, element)
    elif kind == "plain_text_input":
        check.string(f"{at}/initial_value", element.get("initial_value"), INPUT_VALUE, shortest=0)
        for name in ("min_length", "max_length"):
            if not 0 <= element.get(name, 1) <= INPUT_VALUE:
                check.add(f"{at}/{name}", f"must be between 0 and {INPUT_VALUE}")


def _menu(check: Check, at: str, menu: Json) -> None:
    if "option_groups" in menu:
        groups = check.items(f"{at}/option_groups", menu["option_groups"], 100)
        for number, group in enumerate(groups):
            here = f"{at}/option_groups/{number}"
            check.text(f"{here}/label", group.get("label"), 75, plain=True)
            check.options(f"{here}/options", group.get("options"), 100)
    else:
        check.options(f"{at}/options", menu.get("options"), 100)
