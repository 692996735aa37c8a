"""The leaves of a JSON text by their paths, within a bounded size."""

import json
from dataclasses import dataclass, field
from typing import Final

#: A larger JSON text is compared by its lines.
LEAVES_COMPARED: Final = 5_000
#: The most that is shown of a leaf's path, in characters.
PATH_SHOWN: Final = 300


@dataclass(slots=True)
class Paths:
    """The places in JSON texts as numbers; the same place in two texts has the same number.

    Written out, the paths of a deep text with long keys would be many times as long as the text.
    """

    _numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _steps: list[tuple[int, str]] = field(default_factory=list)

    def below(self, parent: int, step: str) -> int:
        """Return the number of the place one step below another; -1 is the whole."""
        number = self._numbers.setdefault((parent, step), len(self._steps))
        if number == len(self._steps):
            self._steps.append((parent, step))
        return number

    def name(self, place: int) -> str:
        """Return the path of a place, such as `a.b[0]`; of a long one, the end."""
        steps: list[str] = []
        length = 0
        while place >= 0 and length <= PATH_SHOWN:
            place, step = self._steps[place]
            steps.append(step[-PATH_SHOWN - 1 :])
            length += len(step)
        name = "".join(reversed(steps)).removeprefix(".")
        return name if len(name) <= PATH_SHOWN else "…" + name[-PATH_SHOWN:]


def read_leaves(text: str, paths: Paths) -> dict[int, str] | None:
    """Return each leaf of a JSON text by its place; None if it is not JSON, or too large."""
    # Each leaf but the last is followed by a comma, so the text need not be parsed to count them.
    if text.count(",") + text.count("[") + text.count("{") > LEAVES_COMPARED:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    leaves: dict[int, str] = {}
    todo: list[tuple[int, object]] = [(-1, value)]
    while todo:
        place, found = todo.pop()
        match found:
            case dict() if found:
                todo += [(paths.below(place, f".{key}"), one) for key, one in found.items()][::-1]
            case list() if found:
                todo += [
                    (paths.below(place, f"[{number}]"), one) for number, one in enumerate(found)
                ][::-1]
            case str():
                leaves[place] = found
            case _:
                leaves[place] = json.dumps(found, ensure_ascii=False)
    return leaves
