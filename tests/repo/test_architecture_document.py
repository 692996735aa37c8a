"""`docs/architecture.md` draws the packages, lanes and states that there are."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import get_args

from crewgate.domain import review
from crewgate.domain.effects import Lane
from crewgate.domain.outcome import Outcome
from crewgate.domain.review import State
from tests.repo.files import ROOT, marked, modules, read

DOCUMENT = "docs/architecture.md"


def texts_in(picture: str, kind: str = "") -> list[str]:
    """Return the texts that a picture of the page shows, all or those of a class."""
    assert f"]({picture})" in read(DOCUMENT)
    return re.findall(rf'<text class="{kind or "[a-z]+"}"[^>]*>([^<]*)<', read(f"docs/{picture}"))


def test_every_package_has_its_place_in_the_house() -> None:
    bot = ROOT / "bot" / "crewgate"
    packages = {path.parent for path in bot.rglob("__init__.py")} - {bot}
    drawn = {word for text in texts_in("house.svg") for word in text.split() if word[-1] == "/"}
    assert drawn == {f"{path.name}/" for path in packages if path.name != "versions"}


def test_every_lane_is_in_the_picture_of_the_outbox_and_every_outcome() -> None:
    assert texts_in("outbox.svg", "code") == [lane.of("CREW") for lane in Lane]
    outcomes = {"".join(text.split()) for text in texts_in("outbox.svg", "name")}
    assert {kind.__name__.lower() for kind in get_args(Outcome)} <= outcomes


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


def qualified_names(tree: ast.AST, prefix: str = "") -> Iterator[str]:
    """Yield the functions of a module and the methods of its classes, as `Class.method`."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                yield f"{prefix}{name}"
            case ast.ClassDef(name):
                yield from qualified_names(node, f"{name}.")


def test_the_eight_functions_of_the_mission_are_where_their_links_lead() -> None:
    step = re.compile(r"^([0-9])\. \[`([\w.]+)`\]\((\S+)\)", re.MULTILINE)
    steps = step.findall(marked(DOCUMENT, "mission"))
    assert [int(number) for number, _, _ in steps] == list(range(1, 9))
    for _, name, link in steps:
        path = (ROOT / DOCUMENT).parent / link
        assert name in qualified_names(ast.parse(path.read_text(encoding="utf-8"))), (name, link)


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
