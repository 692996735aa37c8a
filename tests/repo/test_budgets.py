"""The lines of each feature, against its budget in docs/architecture.md."""

import ast
import re
from collections import Counter

import pytest

from tests.repo.files import ROOT

BOT = ROOT / "bot" / "crewgate"
_ROW = re.compile(
    r"^\| (?P<feature>[^|]+) \| (?P<places>`[^|]+`) \| (?P<lines>[\d,]+) \| (?P<budget>[\d,]+) \|"
)


@pytest.fixture(scope="module")
def rows() -> list[re.Match[str]]:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return [row for line in page.splitlines() if (row := _ROW.match(line))]


def lines_of(rows: list[re.Match[str]]) -> Counter[str]:
    """Count the lines of each feature; a file belongs to the longest path that holds it."""
    features = {
        place: row["feature"] for row in rows for place in re.findall(r"`([^`]+)`", row["places"])
    }
    lines: Counter[str] = Counter()
    for path in BOT.rglob("*.py"):
        name = path.relative_to(BOT).as_posix()
        places = [place for place in features if place == "." or f"{name}/".startswith(f"{place}/")]
        feature = features[max(places, key=lambda place: len(place) if place != "." else 0)]
        lines[feature] += len(path.read_text(encoding="utf-8").splitlines())
    return lines


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_every_feature_keeps_to_its_budget(rows: list[re.Match[str]]) -> None:
    lines = lines_of(rows)
    over = {
        row["feature"]: lines[row["feature"]]
        for row in rows
        if lines[row["feature"]] > number(row["budget"])
    }
    assert not over


def test_the_table_tells_the_lines_as_they_are(rows: list[re.Match[str]]) -> None:
    """To a tenth: the exact number would change with every commit."""
    lines = lines_of(rows)
    wrong = {
        row["feature"]: lines[row["feature"]]
        for row in rows
        if abs(lines[row["feature"]] - number(row["lines"])) > lines[row["feature"]] / 10
    }
    assert rows
    assert not wrong


def test_every_place_of_the_table_exists(rows: list[re.Match[str]]) -> None:
    for row in rows:
        for place in re.findall(r"`([^`]+)`", row["places"]):
            assert (BOT / place).exists(), place


def test_imports_are_at_most_7_percent_of_the_lines() -> None:
    imports = lines = 0
    for path in BOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        lines += len(text.splitlines())
        imports += sum(
            (node.end_lineno or node.lineno) - node.lineno + 1
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
        )
    assert imports / lines <= 0.07
