"""`python -m bot.settings.document`: write what the documents say of settings from their table."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from bot.settings.setting import CrewOption, Setting
from bot.settings.table import CREW, ENVIRONMENT

_ROOT: Final = Path(__file__).parents[2]
_DOCUMENT: Final = "docs/settings.md"
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
        case Setting(default=bool(flag)):
            return f"`{str(flag).lower()}`"
        case _:
            return f"`{setting.default}`"


def render_table(head: str, settings: Iterable[Setting[Any]]) -> str:
    """A Markdown table, a row for each setting."""
    rows = (f"| `{one.name}` | {default_of(one)} | {one.meaning} |" for one in settings)
    return "\n".join((f"| {head} | default | meaning |", "| --- | --- | --- |", *rows, ""))


def render_example(options: Iterable[CrewOption]) -> str:
    """The keys of a crew in TOML, each below what it means."""
    return "".join(
        f"{textwrap.indent(_comment(one), '# ')}\n{one.name} = {one.example}\n" for one in options
    )


def _comment(option: CrewOption) -> str:
    meaning = option.meaning[0].upper() + option.meaning[1:]
    default = "Required." if option.missing else f"Default: {default_of(option)}."
    return textwrap.fill(f"{meaning}. {default}".replace("`", ""), _WIDTH - 2)


def render_documents(root: Path) -> dict[str, str]:
    """The files that say something of settings, by their path, as they must be."""
    document = (root / _DOCUMENT).read_text(encoding="utf-8")
    document = _between(
        "<!-- settings:environment -->\n",
        render_table("name", ENVIRONMENT),
        "<!-- /settings:environment -->",
        document,
    )
    document = _between(
        "<!-- settings:crew -->\n", render_table("key", CREW), "<!-- /settings:crew -->", document
    )
    example = (root / _EXAMPLE).read_text(encoding="utf-8")
    example = _between("[crews.research]\n", render_example(CREW), "\n[crews.", example)
    return {_DOCUMENT: document, _EXAMPLE: example}


def _between(begin: str, text: str, end: str, document: str) -> str:
    pattern = f"(?<={re.escape(begin)}).*?(?={re.escape(end)})"
    made, count = re.subn(pattern, lambda _: text, document, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} places in the document between {begin!r} and {end!r}")
    return made


if __name__ == "__main__":
    for path, content in render_documents(_ROOT).items():
        (_ROOT / path).write_text(content, encoding="utf-8")
