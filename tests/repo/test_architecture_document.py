"""`docs/architecture.md` draws the rooms, states and effects that there are."""

from __future__ import annotations

import re

from bot.domain.effects import EffectKind
from bot.domain.review import State
from tests.repo.files import ROOT, marked, read, rows

DOCUMENT = "docs/architecture.md"


def tree() -> set[str]:
    """The paths that the tree of rooms draws: two spaces of indentation a level."""
    folders: list[str] = []
    paths: set[str] = set()
    for indent, name in re.findall(
        r"^((?:  ){0,2})([\w.]+/?)(?: .*)?$", marked(DOCUMENT, "tree"), flags=re.MULTILINE
    ):
        folders = [*folders[: len(indent) // 2], name]
        paths.add("".join(folders))
    return paths


def test_everything_in_the_tree_exists() -> None:
    assert all((ROOT / path).exists() for path in tree()), tree()


def test_every_room_is_in_the_tree() -> None:
    rooms = {
        f"{path.parent.relative_to(ROOT)}/"
        for path in (ROOT / "bot").rglob("__init__.py")
        if path.parent.name != "versions"
    }
    assert rooms <= tree()


def test_every_path_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:bot|tests|docs|manifests)/[\w./]*)`", read(DOCUMENT)):
        assert (ROOT / path).exists(), path


def test_every_state_is_drawn() -> None:
    assert set(re.findall(r"\b[A-Z]{5,}\b", marked(DOCUMENT, "states"))) == set(State)
    diagram = read(DOCUMENT).partition("```mermaid")[2].partition("```")[0]
    assert set(re.findall(r"\b[A-Z]{5,}\b", diagram)) == set(State)


def test_every_kind_of_effect_is_explained_and_no_other() -> None:
    assert sorted(kind.strip("`") for kind, *_ in rows(DOCUMENT, "effects")) == sorted(EffectKind)
