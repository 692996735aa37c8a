"""The place in Slack where the present task's act was made, for its audit entries.

Each press and each form is a task of its own, as for the fields of the log.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

_PLACE: Final[ContextVar[Mapping[str, str]]] = ContextVar("place")


def acts_at(place: Mapping[str, str]) -> None:
    """Remember where the person acted whose press or form this task carries out."""
    _PLACE.set(place)


def place() -> Mapping[str, str]:
    """Return the place of the act; empty where nobody acts in Slack."""
    return _PLACE.get({})
