"""The type of a Web API method, the arguments it reads and the error it raises."""

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from crewgate.demo.workspace.blocks import Problem
from crewgate.demo.workspace.text import Json
from crewgate.demo.workspace.world import World


class Refused(Exception):
    """Slack refuses the call: `code` is its error, `more` the other fields of the answer."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


def refuse_problems(problems: Iterable[Problem], code: str = "invalid_blocks") -> None:
    """Raise Refused, in Slack's wording, when there are any problems."""
    found = [str(problem) for problem in problems]
    if found:
        messages = [f"[ERROR] {line}" for line in found]
        raise Refused(code, errors=found, response_metadata={"messages": messages})


class Args:
    """A call's arguments, whether they came as JSON or as a form's strings."""

    def __init__(self, raw: Json) -> None:
        self._raw = raw

    def __contains__(self, name: str) -> bool:
        return self._raw.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self._raw.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """A string that must be there and not be empty."""
        value = self.text(name)
        if not value:
            message = f"[ERROR] missing required field: {name}"
            raise Refused("invalid_arguments", response_metadata={"messages": [message]})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean: `true`, `1` and the like in forms."""
        value = self._raw.get(name)
        if value is None or value == "":
            return default
        return str(value).lower() in {"true", "1", "t"}

    def number(self, name: str, default: int) -> int:
        try:
            return int(self._raw.get(name) or default)
        except (TypeError, ValueError):
            raise Refused("invalid_arguments") from None

    def json(self, name: str, broken: str) -> Any:  # noqa: ANN401 - JSON
        """A list or an object, or None. Text that is not JSON is refused with `broken`."""
        value = self._raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else None
        except ValueError:
            raise Refused(broken) from None


Method: TypeAlias = Callable[[World, Args], Json]
