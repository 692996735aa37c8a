"""The map of features in docs/architecture.md, and the share of imports."""

import ast
import re

from tests.lines import BOT, features, lines_by_feature, needed
from tests.repo.files import read


def test_every_place_of_the_map_exists() -> None:
    assert features()
    for place in features():
        assert (BOT / place).exists(), place


def test_every_line_belongs_to_a_feature() -> None:
    lines = lines_by_feature()
    assert set(lines) == set(features().values())


def test_the_page_says_how_many_lines_both_groups_have() -> None:
    page = " ".join(read("docs/architecture.md").split())
    numbers = re.findall(r"[Aa]bout ([0-9,]+) (?:lines are what every|may be left out)", page)
    lines = lines_by_feature()
    assert needed() < set(lines)
    first = sum(lines[feature] for feature in needed())
    for number, count in zip(numbers, (first, lines.total() - first), strict=True):
        assert abs(int(number.replace(",", "")) - count) <= count / 20, (number, count)


def test_imports_are_at_most_7_and_a_half_percent_of_the_lines() -> None:
    imports = lines = 0
    for path in BOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        lines += len(text.splitlines())
        imports += sum(
            (node.end_lineno or node.lineno) - node.lineno + 1
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
        )
    # Modules that stand apart import more; at 6.98 % a single move of a wall would exceed 7 %.
    assert imports / lines <= 0.075
