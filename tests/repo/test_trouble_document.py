"""`docs/trouble.md` and the log's table quote what `/readyz` and the log really say."""

import ast
import re
from collections.abc import Iterator

import pytest
import yaml

from tests.repo.files import ROOT, calls, code_strings, joined, literal, modules, read, rows

LEVELS = ("warning", "error", "exception")
BOT, HOST = "bot/crewgate", "bot/crewgate/host"


def test_every_text_of_readyz_is_one_the_code_has() -> None:
    said = code_strings("bot")
    for text, *_ in rows("docs/trouble.md", "texts"):
        for quoted in re.findall(r"`([^`]+)`", text):
            assert all(part.strip() in said for part in quoted.split("…")), quoted


WARNS = re.compile(r"(moved_|clock_)?warning|failures|_look|_set_aside|_alone_as_reviewer")
"""Names of functions that warn at `/readyz`, besides the one for orphaned destinations."""


def test_every_text_that_readyz_has_is_in_a_table() -> None:
    page = read("docs/trouble.md").partition("<!-- texts -->")[2]
    tables = page.partition("<!-- /destinations -->")[0]
    said = {text for module in modules(BOT) for text in _texts_of_health(module)}
    assert len(said) > 12
    for text in said:
        parts = [part.strip(" :(),;") for part in text.split("…")]
        assert all(part in tables for part in parts), text


def test_every_text_of_a_database_that_is_late_is_in_the_page() -> None:
    texts = {literal(call, 0) for name, call in calls(f"{BOT}/store") if name == "TimeoutError"}
    assert texts
    assert all(f"`{text}`" in read("docs/trouble.md") for text in texts)


def _texts_of_health(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if (
                WARNS.fullmatch(name) or name == "find_orphaned_destinations"
            ):
                yield from _sentences(
                    ast.Module(node.body[isinstance(node.body[0], ast.Expr) :], [])
                )
            case (
                ast.Assign(targets=[ast.Attribute(attr="warning")])
                | ast.AnnAssign(target=ast.Attribute(attr="warning"))
            ):
                yield from _sentences(node)


def _sentences(node: ast.AST) -> Iterator[str]:
    """The texts of several words, and of a formatted one only the whole; what is logged is not."""
    match node:
        case ast.keyword():
            return
        case ast.JoinedStr() | ast.Constant(str()):
            if len((text := joined(node)).replace("…", "").split()) > 3:
                yield text
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _sentences(child)


HANDED_ON = {"_recording": 1, "answer_received": 0}
"""Functions that get the name of an event to log, and the position of that argument."""


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


def test_every_event_that_an_alert_sends_people_to_is_logged() -> None:
    groups = yaml.safe_load(read("deploy/alerts.yaml"))["groups"]
    told = " ".join(rule["annotations"]["do"] for group in groups for rule in group["rules"])
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", told))
    assert named >= {"wrong_credentials", "unknown_crew"}
    assert named <= logged(BOT, *LEVELS)


@pytest.mark.parametrize(
    ("document", "table", "folder", "levels"),
    [
        ("docs/trouble.md", "log", BOT, LEVELS),
        ("docs/reference.md", "log-info", BOT, ("info",)),
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
