"""The imports between modules, beyond the import contracts."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.repo.files import ROOT

Imports = dict[str, list[tuple[str, str]]]
"""Each module's imports, wherever they stand: modules, with the imported name, if any."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[parts[0] == "bot" :]).removesuffix(".__init__")


@pytest.fixture(scope="module")
def imports() -> Imports:
    """Those of every module of the bot and its tests."""
    return {
        module_name(path): list(imported(ast.parse(path.read_text(encoding="utf-8"))))
        for folder in ("bot", "tests")
        for path in (ROOT / folder).rglob("*.py")
    }


def imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """In no expression: there are many of them, and no imports."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names):
                yield from ((alias.name, "") for alias in names)
            case ast.ImportFrom(str(source), names):
                yield from ((source, alias.name) for alias in names)
            case ast.stmt() | ast.excepthandler() | ast.match_case():
                yield from imported(child)


def test_no_modules_import_each_other_in_a_circle(imports: Imports) -> None:
    """A name that is taken from a package may be a module."""
    graph = {
        name: {
            submodule if (submodule := f"{source}.{taken}") in imports else source
            for source, taken in found
        }
        & imports.keys()
        for name, found in imports.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_module_imports_a_private_name_of_another(imports: Imports) -> None:
    """Reaching for one as an attribute is refused by the linter (SLF001)."""
    private = [
        f"{importer}: {source}.{name}"
        for importer, found in imports.items()
        for source, name in found
        if any(
            part.startswith("_") and not part.startswith("__")
            for part in (*source.split("."), name)
        )
    ]
    assert private == []
