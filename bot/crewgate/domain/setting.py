"""Annotations of fields that the settings fill: how each is read, and what the documents say."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """The second half of `Annotated[…]` of a field that people set; name and default are its own.

    `settings.options` reads fields so annotated, and `settings.document` writes the documents from
    them. So a new setting is a field and the place where it acts.
    """

    parse: Callable[[object], Any]
    """From a raw value to the field's type; raises InvalidSetting."""
    meaning: str
    """For the documents, in Markdown."""
    _: KW_ONLY
    name: str = ""
    """Its name in the file, if that is not the field's."""
    missing: str = ""
    """The thing to put there, for a value that must not be missing."""
    default: str = ""
    """The documents' words for the default, in Markdown, if not the field's own."""
    example: str = ""
    """As it is written in a file."""
    instead_of: tuple[str, ...] = ()
    """The keys of its table that it excludes; a file that shows all keys has it as a comment."""
    names_variable: bool = False
    """The file names an environment variable, and that one's value counts."""
    shared: str = ""
    """The environment variable that holds for crews that do not say it themselves."""
