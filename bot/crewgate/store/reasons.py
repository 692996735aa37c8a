"""Why a round is where it is, as three columns: its kind, a code, and words from outside.

A kind is stored under its class's name, so a class that is renamed needs a migration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, get_args, get_type_hints

import sqlalchemy as sa

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import Reason
from crewgate.domain.verdict import Person

WHILE_WAITING: Final = "while_waiting"
"""The code of an end that only the status told of."""
#: The fields that are words from outside; any other is the code, and no class has two.
_WORDS: Final = frozenset({"error", "why", "words"})
_KINDS: Final[Mapping[str, Any]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(): kind for kind in get_args(Reason)
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def _load_person(code: str) -> Person:
    """Read id and name: an id has no space."""
    user, _, name = code.partition(" ")
    return Person(user, name)


#: By the type of a field: into its column and out of it.
_TEXTS: Final[Mapping[Any, tuple[Callable[[Any], str], Callable[[str], Any]]]] = {
    str: (str, str),
    bool: (lambda value: WHILE_WAITING if value else "", WHILE_WAITING.__eq__),
    Person: (lambda person: f"{person.id} {person.name}", _load_person),
    ResumeStatus | None: (lambda one: one or "", lambda code: ResumeStatus(code) if code else None),
}


@cache
def _fields(kind: Any) -> tuple[tuple[str, str, Callable[[Any], str], Callable[[str], Any]], ...]:
    """Return for each field its name, its column, and the ways into it and out of it."""
    return tuple(
        (name, "reason_words" if name in _WORDS else "reason_code", *_TEXTS[hint])
        for name, hint in get_type_hints(kind).items()
    )


def to_reason(row: sa.Row[Any]) -> Reason | None:
    """Read the columns `reason`, `reason_code` and `reason_words` of a row of `rounds`."""
    if row.reason is None:
        return None
    kind = _KINDS[row.reason]
    reason: Reason = kind(
        **{name: load(getattr(row, column)) for name, column, _, load in _fields(kind)}
    )
    return reason


def from_reason(reason: Reason | None) -> dict[str, str | None]:
    """Return the same columns, to be written."""
    columns: dict[str, str | None] = {"reason": None, "reason_code": "", "reason_words": ""}
    if reason is not None:
        kind: Any = type(reason)
        columns["reason"] = _NAMES[kind]
        for name, column, dump, _ in _fields(kind):
            columns[column] = dump(getattr(reason, name))
    return columns
