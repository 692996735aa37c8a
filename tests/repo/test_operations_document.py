"""`docs/operations.md` quotes what `/readyz` and the log really say."""

import ast
import re

import pytest

from tests.repo.files import ROOT, code_strings, rows

LEVELS = ("warning", "error", "exception")
BOT, HOST = "bot/crewgate", "bot/crewgate/host"


def test_every_text_of_readyz_is_one_the_code_has() -> None:
    said = code_strings("bot")
    for text, *_ in rows("docs/operations.md", "texts"):
        for quoted in re.findall(r"`([^`]+)`", text):
            assert all(part.strip() in said for part in quoted.split("…")), quoted


HANDED_ON = {"_Record": 1, "answer_received": 0}
"""What is handed the name of an event to log, and as which of its arguments."""


def logged(folder: str, *levels: str) -> set[str]:
    """The events that are logged on these levels, by the host or by all else."""
    found = {"info": HANDED_ON}.get(levels[0], {}) | {f"log.{level}": 0 for level in levels}
    names: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        if folder == BOT and path.is_relative_to(ROOT / HOST):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and (position := found.get(ast.unparse(node.func), -1)) >= 0
            ):
                texts = ast.walk(node.args[position])
                names |= {str(one.value) for one in texts if isinstance(one, ast.Constant)}
    return names


@pytest.mark.parametrize(
    ("document", "table", "folder", "levels"),
    [
        ("docs/operations.md", "log", BOT, LEVELS),
        ("docs/operations.md", "log-info", BOT, ("info",)),
        ("docs/crewai.md", "log", HOST, LEVELS),
    ],
)
def test_every_event_of_the_log_is_explained_and_no_other(
    document: str, table: str, folder: str, levels: tuple[str, ...]
) -> None:
    explained = {
        line for cell, *_ in rows(document, table) for line in re.findall(r"`(\w+)`", cell)
    }
    assert explained == logged(folder, *levels)
