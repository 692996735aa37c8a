"""The texts that no file of the repository may hold, and the limits of its code."""

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.repo.files import DOCUMENTS, ROOT, read, texts

COPIED = ("audit/check_evidence.py", "host/engine/gate.py")
"""The files of the package that people copy into programs of their own."""


def test_no_file_holds_a_path_of_a_machine_or_the_address_of_a_package_index() -> None:
    path = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+|opt/wheels)/")
    index = re.compile("|".join(("--index" + "-url", "--find" + "-links", "--trusted" + "-host")))
    for name, text in texts():
        assert not path.search(text), name
        assert not index.search(text), name


def test_no_module_and_no_test_file_is_longer_than_600_lines() -> None:
    # Strangers copy these, so each must be one file.
    copied = {ROOT / "bot" / "crewgate" / path for path in COPIED}
    long = {
        str(path.relative_to(ROOT)): length
        for folder in ("bot", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (length := len(path.read_text(encoding="utf-8").splitlines()))
        > (850 if path in copied else 600)
    }
    assert not long


@pytest.mark.parametrize("path", COPIED)
def test_a_file_to_copy_is_linked_by_its_own_path(path: str) -> None:
    """A link that is downloaded as a raw file, or in an archive, may come as a path."""
    name = Path(path).name
    link = ROOT / "docs" / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / "bot" / "crewgate" / path
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)\)", read(document)):
            assert Path(target).name != name or target.endswith(f"bot/crewgate/{path}"), document


@pytest.mark.parametrize("path", COPIED)
def test_a_file_to_copy_imports_nothing_of_ours(path: str) -> None:
    module = ast.parse((ROOT / "bot" / "crewgate" / path).read_text(encoding="utf-8"))
    for node in ast.walk(module):
        match node:
            case ast.Import(names):
                assert not any(alias.name.startswith("crewgate") for alias in names)
            case ast.ImportFrom(of):
                assert not (of or "crewgate").startswith("crewgate")
            case _:
                pass


def test_the_stand_ins_read_the_clock_and_nothing_else() -> None:
    """The linter lets `bot/crewgate/demo` off its bans; this holds all but the clock."""
    banned = {"random", "secrets", "uuid"}
    demo = ROOT / "bot" / "crewgate" / "demo"
    # One starts a process, which needs a few names of the environment; the other is a crew, which
    # is handed its settings there.
    others = {demo / "servers.py", demo / "hosted" / "sample.py"}
    for path in set(demo.rglob("*.py")) - others:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names):
                    assert not banned & {alias.name for alias in names}, path.name
                case ast.ImportFrom(module):
                    assert module not in banned, path.name
                case ast.Attribute(ast.Name("os"), "environ" | "getenv"):
                    pytest.fail(f"{path.name} reads the environment")
                case _:
                    pass


@cache
def _nodes() -> Sequence[tuple[Path, ast.ClassDef | ast.Call | ast.Assert | ast.Match]]:
    """Return classes, calls, asserts and matches of all modules of the bot, with their paths."""
    return [
        (path.relative_to(ROOT), node)
        for path in (ROOT / "bot").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef | ast.Call | ast.Assert | ast.Match)
    ]


def test_a_value_of_five_or_more_fields_names_all_but_three() -> None:
    """Two positions of one type may be swapped unseen, and more than three are not remembered."""
    unnamed = [
        f"{name}: {node.name}"
        for name, node in _nodes()
        if isinstance(node, ast.ClassDef)
        and any("dataclass" in (made := ast.unparse(one)) for one in node.decorator_list)
        and "kw_only=True" not in made
        and (fields := [one for one in map(_field, node.body) if one])[4:]
        and "_" not in fields[:4]
    ]
    assert not unnamed


def _field(node: ast.stmt) -> str:
    """Return the name of a dataclass's field, or nothing; `_` is the mark before named ones."""
    match node:
        case ast.AnnAssign(ast.Name(name), annotation) if "ClassVar" not in ast.unparse(annotation):
            return name
        case _:
            return ""


def test_no_docstring_begins_with_a_question_word() -> None:
    """A docstring names its noun or begins with a verb; agents read those of the hosted crews."""
    question = re.compile(
        r'^ *"""(?:What|Whether|Who(?:ever|m|se)?|How|Where|Which|When|Why)\b.*', re.MULTILINE
    )
    crews = ROOT / "tests" / "host" / "crews"
    asking = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("bot", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path.parent != crews
        for line in question.findall(path.read_text(encoding="utf-8"))
    ]
    assert not asking


def test_no_call_of_our_functions_unpacks_a_tuple_literal() -> None:
    """Positions without a name may be swapped unseen; lists of SQL have no names."""
    of_sql = re.compile(r"^sa\.|index_where$|\.rows$")
    unnamed = [
        f"{name}:{node.lineno}"
        for name, node in _nodes()
        if isinstance(node, ast.Call) and not of_sql.search(ast.unparse(node.func))
        for argument in node.args
        if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Tuple)
    ]
    assert not unnamed


_SUBJECTS = {"Work", "Question", "ToolCall"}


def _names_a_subject(node: ast.AST) -> bool:
    names = {
        one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "")
        for one in ast.walk(node)
    }
    return not names.isdisjoint(_SUBJECTS)


def test_the_type_checker_names_each_place_where_a_further_subject_differs() -> None:
    """A subject is asked for a fact of its class, or a `match` tells all of them apart."""
    nodes = [(name, node) for name, node in _nodes() if "host" not in name.parts]
    asserted = {
        id(part) for _, node in nodes if isinstance(node, ast.Assert) for part in ast.walk(node)
    }
    silent = [
        f"{name}:{node.lineno}"
        for name, node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance"
        if _names_a_subject(node) and id(node) not in asserted
    ]
    silent += [
        f"{name}:{node.lineno}"
        for name, node in nodes
        if isinstance(node, ast.Match) and any(_names_a_subject(one.pattern) for one in node.cases)
        if "assert_never" not in ast.unparse(node.cases[-1])
    ]
    assert not silent
