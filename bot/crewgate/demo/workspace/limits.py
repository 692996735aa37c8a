"""Slack's limits on texts, ids and options, as checks that collect what is wrong.

Numbers are characters, from https://docs.slack.dev/reference/block-kit. Whole blocks, messages
and views are checked in `blocks`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from crewgate.demo.workspace.text import Json

ID: Final = 255
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
URL: Final = 3_000
PLACEHOLDER: Final = 150
INPUT_VALUE: Final = 3_000
LABEL: Final = 2_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing Slack would refuse: where (a JSON pointer) and what."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


@dataclass(slots=True)
class Check:
    """Walks through a piece of JSON and collects its problems."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, at: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(at, message))

    def keys(self, at: str, value: Json, required: Collection[str], allowed: str) -> None:
        """Refuse missing and unknown fields; `allowed` lists the optional ones."""
        for key in required:
            if value.get(key) is None:
                self.add(at, f"missing required field: {key}")
        for key in value.keys() - set(required) - set(allowed.split()) - {"type"}:
            self.add(f"{at}/{key}", f"no such field: {key}")

    def string(self, at: str, value: object, longest: int, *, shortest: int = 1) -> None:
        """Refuse what is no string or has the wrong length. None is for `keys` to judge."""
        if value is None:
            return
        if not isinstance(value, str):
            self.add(at, "must be a string")
        elif len(value) < shortest:
            self.add(at, f"must be more than {shortest - 1} characters")
        elif len(value) > longest:
            self.add(at, f"must be less than {longest + 1} characters")

    def items(self, at: str, value: object, most: int, *, least: int = 1) -> list[Any]:
        """The list's items, noting whether there are too few or too many."""
        if not isinstance(value, list | tuple):
            self.add(at, "must be an array")
            return []
        if len(value) > most:
            self.add(at, f"no more than {most} items allowed")
        if len(value) < least:
            self.add(at, f"no fewer than {least} items allowed")
        return list(value)

    def text(self, at: str, value: object, longest: int, *, plain: bool = False) -> None:
        """Refuse what is not a text object of at most so many characters."""
        if value is None:
            return
        if not isinstance(value, dict):
            self.add(at, "must be an object")
            return
        kinds = {"plain_text"} if plain else {"plain_text", "mrkdwn"}
        if value.get("type") not in kinds:
            self.add(f"{at}/type", f"must be one of: {', '.join(sorted(kinds))}")
        extra = "verbatim" if value.get("type") == "mrkdwn" else "emoji"
        self.keys(at, value, ["text"], extra)
        self.string(f"{at}/text", value.get("text"), longest)

    def options(
        self, at: str, value: object, most: int, *, least: int = 1, rich: bool = False
    ) -> None:
        """Refuse bad options; `rich` ones (radio buttons, checkboxes) may be mrkdwn."""
        values: set[object] = set()
        for number, option in enumerate(self.items(at, value, most, least=least)):
            here = f"{at}/{number}"
            self.option(here, option, rich=rich)
            if isinstance(option, dict):
                if str(option.get("value")) in values:
                    self.add(f"{here}/value", "must be unique among the options")
                values.add(str(option.get("value")))

    def option(self, at: str, option: object, *, rich: bool = False) -> None:
        """Refuse a bad option."""
        if option is None:
            return
        if not isinstance(option, dict):
            self.add(at, "must be an object")
            return
        self.keys(at, option, ["text", "value"], "description url")
        self.text(f"{at}/text", option.get("text"), OPTION_TEXT, plain=not rich)
        self.string(f"{at}/value", option.get("value"), OPTION_VALUE)
        self.text(f"{at}/description", option.get("description"), OPTION_TEXT, plain=not rich)
        self.string(f"{at}/url", option.get("url"), URL)

    def confirm(self, at: str, value: object) -> None:
        """Refuse a bad confirmation dialog."""
        if value is None:
            return
        if not isinstance(value, dict):
            self.add(at, "must be an object")
            return
        self.keys(at, value, ["title", "text"], "confirm deny style")
        self.text(f"{at}/title", value.get("title"), 100, plain=True)
        self.text(f"{at}/text", value.get("text"), 300)
        self.text(f"{at}/confirm", value.get("confirm"), 30, plain=True)
        self.text(f"{at}/deny", value.get("deny"), 30, plain=True)
        if value.get("style") not in {None, "primary", "danger"}:
            self.add(f"{at}/style", "must be one of: primary, danger")
