"""The options of a tool's run, from the environment."""

import os
from typing import Final

DATABASES: Final = ("sqlite", "postgresql")
_TOO_MUCH: Final = 1_000_000_000


class InvalidOption(Exception):
    """A variable that is not understood; says which, and what to put there."""


def database(name: str) -> str:
    """Return one of the databases; the first one by default. Raises InvalidOption."""
    chosen = os.environ.get(name) or DATABASES[0]
    if chosen not in DATABASES:
        raise InvalidOption(f"{name} must be one of: {', '.join(DATABASES)}")
    return chosen


def folder(name: str, default: str) -> str:
    """Return the name of a folder."""
    return os.environ.get(name) or default


def number(name: str, default: float) -> float:
    """Return a number above 0. Raises InvalidOption."""
    text = os.environ.get(name) or str(default)
    try:
        found = float(text)
    except ValueError:
        found = 0
    if not 0 < found < _TOO_MUCH:
        raise InvalidOption(f"{name} must be a number above 0")
    return found
