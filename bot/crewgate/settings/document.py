"""`python -m crewgate.settings.document`: write the documents' settings from their table."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from crewgate.settings.rule_options import ESCALATE, REMIND, RULE, RULES, TIMEOUT, WHEN
from crewgate.settings.setting import Option, Setting
from crewgate.settings.table import CREW, ENVIRONMENT

_ROOT: Final = Path(__file__).parents[3]
_TABLES: Final[tuple[tuple[str, str, str, Iterable[Setting[Any]]], ...]] = (
    ("docs/settings.md", "environment", "name", ENVIRONMENT),
    ("docs/settings.md", "crew", "key", (*CREW, RULES)),
    ("docs/rules.md", "rule", "key", RULE),
    ("docs/rules.md", "when", "key", WHEN),
    ("docs/rules.md", "remind", "key", REMIND),
    ("docs/rules.md", "escalate", "key", ESCALATE),
    ("docs/rules.md", "timeout", "key", TIMEOUT),
)
"""By document and name of the place in it: what its first column is called, and its rows."""
_EXAMPLE: Final = "crews.example.toml"
_WIDTH: Final = 100


def default_of(setting: Setting[Any]) -> str:
    """What holds where nothing is said, in Markdown."""
    match setting:
        case Setting(default_text=text) if text:
            return text
        case Setting(missing=str()):
            return "required"
        case Setting(default=None):
            return "none"
        case Setting(default=StrEnum() as choice):
            return f"`{choice.value}`"
        case Setting(default=bool(flag)):
            return f"`{str(flag).lower()}`"
        case _:
            return f"`{setting.default}`"


def render_table(head: str, settings: Iterable[Setting[Any]]) -> str:
    """A Markdown table, a row for each setting."""
    rows = (f"| `{one.name}` | {default_of(one)} | {one.meaning} |" for one in settings)
    return "\n".join((f"| {head} | default | meaning |", "| --- | --- | --- |", *rows, ""))


def render_example(options: Iterable[Option]) -> str:
    """The keys of a crew in TOML, each below what it means."""
    return "".join(
        f"{textwrap.indent(_comment(one), '# ')}\n{one.name} = {one.example}\n" for one in options
    )


def _comment(option: Option) -> str:
    meaning = option.meaning[0].upper() + option.meaning[1:]
    default = "Required." if option.missing else f"Default: {default_of(option)}."
    return textwrap.fill(f"{meaning}. {default}".replace("`", ""), _WIDTH - 2)


def render_documents(root: Path) -> dict[str, str]:
    """The files that say something of settings, by their path, as they must be."""
    made: dict[str, str] = {}
    for path, name, head, settings in _TABLES:
        text = made.get(path) or (root / path).read_text(encoding="utf-8")
        begin, end = f"<!-- settings:{name} -->\n", f"<!-- /settings:{name} -->"
        made[path] = _between(begin, render_table(head, settings), end, text)
    example = render_example(CREW) + f"\n[[crews.research.{RULES.name}]]\n" + render_example(RULE)
    text = (root / _EXAMPLE).read_text(encoding="utf-8")
    return {**made, _EXAMPLE: _between("[crews.research]\n", example, "\n[crews.", text)}


def _between(begin: str, text: str, end: str, document: str) -> str:
    pattern = f"(?<={re.escape(begin)}).*?(?={re.escape(end)})"
    made, count = re.subn(pattern, lambda _: text, document, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} places in the document between {begin!r} and {end!r}")
    return made


if __name__ == "__main__":
    for path, content in render_documents(_ROOT).items():
        (_ROOT / path).write_text(content, encoding="utf-8")
