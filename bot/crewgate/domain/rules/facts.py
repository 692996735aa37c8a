"""The facts about a new round by which a rule is chosen for it."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from crewgate.domain.given import CallerValues
from crewgate.domain.notification import Format, Output

#: What people are shown in place of an object and of a list.
_OBJECT: Final = "{…}"
_LIST: Final = "[…]"
_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The values that conditions look at, never trusted; costly ones are made when asked for."""

    task_id: str
    task_name: str | None
    agent: str | None
    output: Output
    inputs: CallerValues
    meta: CallerValues
    words: str = ""
    """Words that a person sends along with the output."""

    @cached_property
    def text(self) -> str:
        """The output and the words with it, in one case."""
        return f"{self.output.text}\n{self.words}".casefold()

    def value_at(self, path: str) -> str | None:
        """The value at a path of an output that is JSON, such as `items.0.price`, as text.

        Numbers are as they are written there, so that none is rounded. None: there is nothing.
        """
        found = self._json
        for step in path.split("."):
            match found:
                case dict() if step in found:
                    found = found[step]
                case list() if step.isdecimal() and len(step) < 8 and int(step) < len(found):  # noqa: PLR2004 - no list is longer
                    found = found[int(step)]
                case _:
                    return None
        match found:
            case dict():
                return _OBJECT
            case list():
                return _LIST
            case bool():
                return str(found).lower()
            case _:
                return "null" if found is None else str(found)

    @cached_property
    def _json(self) -> object:
        text = self.output.text.strip()
        if self.output.format is not Format.JSON:
            # Agents mostly write JSON as a text, many of them between fences.
            fenced = _FENCED.fullmatch(text)
            text = fenced[1].strip() if fenced is not None else text
            if not text.startswith(("{", "[")):
                return {}
        try:
            return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            return {}
