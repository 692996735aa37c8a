"""`docs/operations.md` quotes what `/readyz` and the log really say."""

from __future__ import annotations

import ast
import re

import pytest

from tests.repo.files import calls, code_strings, literal, rows

LEVELS = ("warning", "error", "exception")


def test_every_text_of_readyz_is_one_the_code_has() -> None:
    said = code_strings("bot")
    for text, *_ in rows("docs/operations.md", "texts"):
        for quoted in re.findall(r"`([^`]+)`", text):
            assert all(part.strip() in said for part in quoted.split("…")), quoted


def warnings(folder: str) -> set[str]:
    return {
        str(literal(call, 0))
        for name, call in calls(folder)
        if name in LEVELS and ast.unparse(call.func).startswith("log.")
    }


@pytest.mark.parametrize(
    ("document", "logged"),
    [
        (
            "docs/operations.md",
            warnings("bot") - warnings("bot/crewgate/host") | {"wrong_credentials"},
        ),
        ("docs/crewai.md", warnings("bot/crewgate/host")),
    ],
)
def test_every_warning_of_the_log_is_explained_and_no_other(
    document: str, logged: set[str]
) -> None:
    explained = {
        line for cell, *_ in rows(document, "log") for line in re.findall(r"`(\w+)`", cell)
    }
    assert explained == logged
