"""`docs/architecture.md` draws the rooms and states that there are."""

import ast
import re
from collections import defaultdict

from crewgate.domain import review
from crewgate.domain.review import State
from tests.repo.files import ROOT, marked, modules, read

DOCUMENT = "docs/architecture.md"


def tree() -> set[str]:
    """The paths that the tree of rooms draws: two spaces of indentation a level."""
    folders: list[str] = []
    paths: set[str] = set()
    for indent, name in re.findall(
        r"^((?:  ){0,2})([\w./]+)(?: .*)?$", marked(DOCUMENT, "tree"), flags=re.MULTILINE
    ):
        folders = [*folders[: len(indent) // 2], name]
        paths.add("".join(folders))
    return paths


def test_everything_in_the_tree_exists() -> None:
    assert all((ROOT / path).exists() for path in tree()), tree()


def test_every_room_is_in_the_tree() -> None:
    rooms = {
        f"{path.parent.relative_to(ROOT)}/"
        for path in (ROOT / "bot" / "crewgate").rglob("__init__.py")
        if path.parent.name != "versions"
    }
    assert rooms <= tree()


def test_every_path_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:bot|tests|docs|manifests)/[\w./]*)`", read(DOCUMENT)):
        assert (ROOT / path).exists(), path


def test_the_diagram_has_the_transitions_that_the_code_lists() -> None:
    listed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for state, what, then in re.findall(
        r"^ *([A-Z]+) +--(.+?)--> +((?:as )?[A-Z]+)", review.__doc__ or "", flags=re.MULTILINE
    ):
        same_as = then.removeprefix("as ")
        listed[state, what] |= {then} if same_as == then else listed[same_as, what]
    diagram = read(DOCUMENT).partition("```mermaid")[2].partition("```")[0]
    arrows = set(re.findall(r"([A-Z]+) --> ([A-Z]+):", diagram))
    assert arrows == {(state, then) for (state, _), found in listed.items() for then in found}
    assert {state for arrow in arrows for state in arrow} == set(State)


def test_every_function_on_the_ways_through_the_rooms_exists() -> None:
    defined = {
        node.name
        for module in modules("bot")
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    named = re.findall(r"`([\w.]+)`", marked(DOCUMENT, "code"))
    assert len(named) >= 10
    assert {part for name in named for part in name.split(".")} <= defined
