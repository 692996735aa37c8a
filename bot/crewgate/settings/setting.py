"""What a setting is: its name, how it is read, its default and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Generic[T]):
    """One value that the bot is told from outside."""

    name: str
    parse: Callable[[object], T]
    default: T
    """Where a value must not be missing, it stands in until all problems are known."""
    missing: str | None = None
    """What to put there, for a value that must not be missing."""
    meaning: str
    """For the documents, in Markdown."""
    default_text: str = ""
    """What the documents say instead of the default itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(Setting[Any]):
    """One key of a table in `crews.toml`."""

    field: str
    """Which field of what is read it fills."""
    example: str
    """In TOML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewOption(Option):
    """One key of a crew; its field is one of `CrewSettings`."""

    names_variable: bool = False
    """The file names an environment variable, and that one's value counts."""
