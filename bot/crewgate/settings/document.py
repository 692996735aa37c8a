"""`python -m crewgate.settings.document`: write the settings' tables into the documents."""

import os
import re
import textwrap
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from crewgate.domain.errors import CrewgateError
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, TimeOut
from crewgate.settings import crew
from crewgate.settings.load import VARIABLES
from crewgate.settings.options import Option, options_of

_ROOT: Final = Path(__file__).parents[3]
_TABLES: Final[tuple[tuple[str, str, str, Sequence[Option]], ...]] = (
    ("docs/reference.md", "environment", "name", VARIABLES),
    ("docs/reference.md", "crew", "key", crew.OPTIONS),
    ("docs/rules.md", "rule", "key", options_of(Rule)),
    ("docs/rules.md", "when", "key", options_of(Conditions)),
    ("docs/rules.md", "remind", "key", options_of(Reminders)),
    ("docs/rules.md", "escalate", "key", options_of(Escalation)),
    ("docs/rules.md", "timeout", "key", options_of(TimeOut)),
)
"""The document, the name of the place in it, the head of the first column, and the rows."""
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
#: Secrets are for the bot's own user alone.
_OWNER_ONLY: Final = 0o600


class NotWritten(CrewgateError):
    """There is a `.env` already, or none can be written here."""


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


def render_table(head: str, options: Iterable[Option]) -> str:
    rows = (f"| `{one.name}` | {default_of(one)} | {one.setting.meaning} |" for one in options)
    return "\n".join((f"| {head} | default | meaning |", "| --- | --- | --- |", *rows, ""))


def render_keys(options: Iterable[Option]) -> str:
    """Return a TOML table, each key below its meaning; mutually exclusive keys are comments."""
    return "".join(
        f"{_comment(one)}{'# ' if one.setting.is_commented else ''}"
        f"{one.name} = {one.setting.example}\n"
        for one in options
    )


def render_dotenv() -> str:
    """Return a `.env`, each variable below its meaning; variables with an example are comments."""
    lines = [_DOTENV_HEAD]
    for one in VARIABLES:
        if one.name in _PARTS:
            lines.append(f"\n# --- {_PARTS[one.name]} ---\n\n")
        usual = one.default if isinstance(one.default, str | int) else ""
        example = one.setting.example or usual
        lines.append(f"{_comment(one)}{'# ' if example else ''}{one.name}={example}\n")
    return "".join(lines)


def write_dotenv(folder: Path) -> Path:
    """Write a `.env` to fill in. Raises NotWritten rather than replacing a file."""
    file = folder / ".env"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        raise NotWritten(".env is here already and was left as it is") from None
    except OSError as error:
        raise NotWritten(f".env cannot be written here: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(render_dotenv())
    return file


def _comment(option: Option) -> str:
    meaning = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", option.setting.meaning)
    default = default_of(option)
    default = (
        f"{default[0].upper()}{default[1:]}" if "required" in default else f"Default: {default}"
    )
    text = f"{meaning[0].upper()}{meaning[1:]}. {default}.".replace("`", "")
    return textwrap.indent(textwrap.fill(text, _WIDTH - 2, break_on_hyphens=False), "# ") + "\n"


def render_documents(root: Path) -> dict[str, str]:
    """Return the documents with settings, by path, with renewed tables."""
    texts = [
        (path, f"<!-- settings:{name} -->\n", render_table(head, options), "<!-- /settings:")
        for path, name, head, options in _TABLES
    ]
    *keys, rules = crew.OPTIONS
    rule = f"\n[[crews.research.{rules.name}]]\n{render_keys(options_of(Rule))}"
    texts.append(
        ("crews.example.toml", "[crews.research]\n", render_keys(keys) + rule, "\n[crews.")
    )
    made = {".env.example": render_dotenv()}
    for path, begin, text, end in texts:
        document = made.get(path) or (root / path).read_text(encoding="utf-8")
        made[path] = _between(begin, text, end, document)
    return made


def _between(begin: str, text: str, end: str, document: str) -> str:
    head, rest = document.split(begin)
    _, mark, tail = rest.partition(end)
    if mark != end:
        raise ValueError(f"nothing in the document ends what begins with {begin!r}")
    return f"{head}{begin}{text}{end}{tail}"


if __name__ == "__main__":
    for path, content in render_documents(_ROOT).items():
        (_ROOT / path).write_text(content, encoding="utf-8")
