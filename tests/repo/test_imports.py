"""How modules import each other, beyond what the import contracts hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.repo.files import ROOT

Modules = dict[str, ast.Module]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.fixture(scope="module")
def modules() -> Modules:
    """Every module of the bot and its tests, parsed."""
    return {
        module_name(path): ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("bot", "tests")
        for path in (ROOT / folder).rglob("*.py")
    }


def imported(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Every import wherever it stands: the module, and the name taken from it, if one is."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names):
                yield from ((alias.name, "") for alias in names)
            case ast.ImportFrom(str(source), names):
                yield from ((source, alias.name) for alias in names)


def imports_of(module: ast.Module, modules: Modules) -> set[str]:
    """The modules of ours that are imported: a name taken from a package may be one."""
    found = {
        submodule if (submodule := f"{source}.{name}") in modules else source
        for source, name in imported(module)
    }
    return found & modules.keys()


def test_no_modules_import_each_other_in_a_circle(modules: Modules) -> None:
    graph = {name: imports_of(module, modules) for name, module in modules.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_module_imports_a_private_name_of_another(modules: Modules) -> None:
    """Reaching for one as an attribute is refused by the linter (SLF001)."""
    private = [
        f"{importer}: {source}.{name}"
        for importer, module in modules.items()
        for source, name in imported(module)
        if any(
            part.startswith("_") and not part.startswith("__")
            for part in (*source.split("."), name)
        )
    ]
    assert private == []
