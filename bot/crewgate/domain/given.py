"""Values that a caller gave at kickoff: some are shown to people, others only rules look at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from crewgate.domain.redaction import MARK

Given = tuple[tuple[str, str], ...]
"""Names and values that a caller gave at kickoff, in order."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that only rules look at."""

    text: str | None = None
    """None: it cannot be told."""


Came = tuple[tuple[str, str | Hidden], ...]
"""All that a caller gave; under an empty name, of everything else it cannot be told if it came."""
UNKNOWN: Final[Came] = (("", Hidden()),)


def shown(came: Came) -> Given:
    """The part that people are shown."""
    return tuple((name, value) for name, value in came if isinstance(value, str))


def keep_asked(came: Came, names: Collection[str]) -> Came:
    """The same without the hidden values of other names than these."""
    return tuple(
        (name, value if isinstance(value, str) or name in names else Hidden())
        for name, value in came
    )


def value_of(came: Came, name: str) -> str | Hidden | None:
    """The value by its name; None: it did not come, Hidden: it cannot be told."""
    values = dict(came)
    found = values.get(name, values.get(""))
    text = found.text if isinstance(found, Hidden) else found
    if text is None:
        return found
    return Hidden() if MARK in text else text
