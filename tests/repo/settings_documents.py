"""`python -m tests.repo.settings_documents`: write the settings' tables into the documents."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from crewgate.domain.parsers import Setting
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, TimeOut
from crewgate.settings import crew, dotenv
from crewgate.settings.load import VARIABLES
from crewgate.settings.options import Option, options_of
from tests.repo.files import ROOT

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


def is_commented(setting: Setting) -> bool:
    """Return True if a file with all keys has this one as a comment."""
    return bool(setting.instead_of or setting.only_with)


def render_table(head: str, options: Iterable[Option]) -> str:
    rows = (
        f"| `{one.name}` | {dotenv.default_of(one)} | {one.setting.meaning} |" for one in options
    )
    return "\n".join((f"| {head} | default | meaning |", "| --- | --- | --- |", *rows, ""))


def render_keys(options: Iterable[Option]) -> str:
    """Return a TOML table, each key below its meaning; mutually exclusive keys are comments."""
    return "".join(
        f"{dotenv.comment_of(one)}{'# ' if is_commented(one.setting) else ''}"
        f"{one.name} = {one.setting.example}\n"
        for one in options
    )


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
    made = {".env.example": dotenv.render_dotenv()}
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
    for path, content in render_documents(ROOT).items():
        (ROOT / path).write_text(content, encoding="utf-8")
