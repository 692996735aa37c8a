"""Changes to members of a JSON object that leave all others untouched.

Parsing and writing would change numbers: 0.10 to 0.1, 1e400 to Infinity.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

#: Numbers are skipped, not parsed: a long one takes long.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_SPACE: Final = re.compile(r"[ \t\n\r]*")


def replace_members(text: str, values: Mapping[str, object]) -> str:
    """Return a JSON object with these members; all else stays as it is written.

    All members of a repeated name are replaced, since readers disagree on which counts. The text
    must be an object that `fields.parse_object` reads.
    """
    parts: list[str] = []
    copied = 0
    new = dict(values)
    at = start = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, begin)
        if name in values:
            parts += (text[copied:begin], json.dumps(values[name]))
            copied = end
            new.pop(name, None)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    added = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in new.items())
    comma = ", " if added and at > start else ""
    return "".join((*parts, text[copied:at], comma, added, text[at:]))


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
