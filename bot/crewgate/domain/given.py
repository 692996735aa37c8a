"""Values that a caller gave at kickoff: some are shown to people, others are for rules only."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from crewgate.domain.redaction import MARK

Given = tuple[tuple[str, str], ...]
"""Names and values that a caller gave at kickoff, in order."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value for rules only, never shown."""

    text: str | None = None
    """None: the value is not known."""


CallerValues = tuple[tuple[str, str | Hidden], ...]
"""All values of a caller; an empty name says that there may be others, which are not known."""
UNKNOWN: Final[CallerValues] = (("", Hidden()),)


def shown(came: CallerValues) -> Given:
    """Return the values that people are shown."""
    return tuple((name, value) for name, value in came if isinstance(value, str))


def keep_asked(came: CallerValues, names: Collection[str]) -> CallerValues:
    """Return the values, without hidden ones whose names no rule asks for."""
    return tuple(
        (name, value if isinstance(value, str) or name in names else Hidden())
        for name, value in came
    )


def value_of(came: CallerValues, name: str) -> str | Hidden | None:
    """Return a value by its name; None: it did not come, Hidden: it is not known."""
    values = dict(came)
    found = values.get(name, values.get(""))
    text = found.text if isinstance(found, Hidden) else found
    if text is None:
        return found
    return Hidden() if MARK in text else text
