"""A `.env` to fill in: each variable below its meaning."""

import os
import re
import textwrap
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from crewgate.domain.errors import CrewgateError
from crewgate.settings.load import VARIABLES
from crewgate.settings.options import Option

_PARTS: Final = {
    "SLACK_BOT_TOKEN": "Slack",
    "CREW_URL": "One crew (several: a table for each in crews.toml)",
    "REVIEWERS": "Who may decide",
    "PUBLIC_URL": "The bot",
}
"""The headings of `.env.example`, each by the variable below it."""
_WIDTH: Final = 100
_DOTENV_HEAD: Final = """\
# Crewgate's settings, to be filled in. The environment wins over this file; an empty value counts
# as unset. Whoever may read it can act as the bot.
"""


class NotWritten(CrewgateError):
    """A `.env` exists already, or no `.env` can be written here."""


def default_of(option: Option) -> str:
    match option:
        case Option(setting=setting) if setting.default or setting.shared:
            return setting.default or f"`{setting.shared}`"
        case Option(setting=setting) if setting.missing:
            return "required"
        case Option(default=None | ()):
            return "none"
        case Option(default=StrEnum() as choice):
            return f"`{choice.value}`"
        case Option(default=bool(flag)):
            return f"`{str(flag).lower()}`"
        case _:
            return f"`{option.default}`"


def render_dotenv() -> str:
    """Return a `.env`, each variable below its meaning; variables with an example are comments."""
    lines = [_DOTENV_HEAD]
    for one in VARIABLES:
        if one.name in _PARTS:
            lines.append(f"\n# --- {_PARTS[one.name]} ---\n\n")
        usual = one.default if isinstance(one.default, str | int) else ""
        example = one.setting.example or usual
        lines.append(f"{comment_of(one)}{'# ' if example else ''}{one.name}={example}\n")
    return "".join(lines)


def create_private(file: Path) -> TextIO:
    """Create a text file that only this user may read. Raises FileExistsError, or OSError."""
    return open(file, "x", encoding="utf-8", opener=partial(os.open, mode=0o600))


def write_dotenv(folder: Path) -> Path:
    """Write a `.env` to fill in. Raises NotWritten rather than replacing a file."""
    file = folder / ".env"
    try:
        opened = create_private(file)
    except FileExistsError:
        raise NotWritten(".env is here already and was left as it is") from None
    except OSError as error:
        raise NotWritten(f".env cannot be written here: {error.strerror}") from error
    with opened:
        opened.write(render_dotenv())
    return file


def comment_of(option: Option) -> str:
    """Return the meaning and the default of an option as lines of a comment."""
    meaning = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", option.setting.meaning)
    default = default_of(option)
    default = (
        f"{default[0].upper()}{default[1:]}" if "required" in default else f"Default: {default}"
    )
    text = f"{meaning[0].upper()}{meaning[1:]}. {default}.".replace("`", "")
    return textwrap.indent(textwrap.fill(text, _WIDTH - 2, break_on_hyphens=False), "# ") + "\n"
