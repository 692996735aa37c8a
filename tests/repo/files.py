"""Reading the repository's own files, for tests that hold them against the code."""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {
    "__pycache__",
    ".git",
    ".hypothesis",
    ".venv",
    ".venv-crewai",
    ".venv-crewai-newest",
    ".venv-dist",
    "build",
    "dist",
    "node_modules",
}
DOCUMENTS = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)


def read(path: str) -> str:
    """A file, by its path in the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository, except what tools leave behind."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not _is_left_behind(name)]
        for path in (Path(folder, name) for name in names if name not in NOT_OURS):
            try:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def _is_left_behind(folder: str) -> bool:
    return folder in NOT_OURS or folder.endswith(("_cache", ".egg-info"))


def modules(folder: str) -> Iterator[ast.Module]:
    """Every module below a folder, parsed."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def calls(folder: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of something's method or of a function, with its name."""
    for module in modules(folder):
        for node in ast.walk(module):
            match node:
                case ast.Call(ast.Attribute(_, name) | ast.Name(name)):
                    yield name, node


def literal(call: ast.Call, position: int) -> object:
    """An argument that is written out, or None."""
    argument = call.args[position] if position < len(call.args) else None
    return argument.value if isinstance(argument, ast.Constant) else None


@cache
def code_strings(folder: str) -> str:
    """All text in the modules below a folder but docstrings; `…` where a value goes in."""
    nodes = [node for module in modules(folder) for node in ast.walk(module)]
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return "\n".join(joined(node) for node in nodes if id(node) not in docstrings)


def joined(node: ast.AST) -> str:
    """Return the text of a constant or a formatted string; empty for all else."""
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
            )
        case _:
            return ""


def marked(document: str, name: str) -> str:
    """Return the part of a document between `<!-- NAME -->` and `<!-- /NAME -->`."""
    found = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", read(document), flags=re.DOTALL)
    assert len(found) == 1, f"{document} has {len(found)} blocks called {name}"
    return str(found[0])


def rows(document: str, name: str) -> list[tuple[str, ...]]:
    """The cells of a marked table, without its head."""
    lines = [line for line in marked(document, name).splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[2:]]


def fences(document: str, before: str) -> Iterator[tuple[str, ...]]:
    """Each code block that directly follows a line like `before`: its groups, then the code."""
    pattern = re.compile(rf"^{before}\n+```\w*\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
    for found in pattern.finditer(read(document)):
        yield found.groups()
