"""What is installed: pinned, hashed, explained, and named once."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import crewgate
from tests.repo.files import read

REQUIREMENTS = ("requirements.txt", "tests/requirements.txt")
WITH_CREWAI = "tests/requirements-crewai.txt"


def pinned(path: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", read(path), flags=re.MULTILINE))


@pytest.mark.parametrize("path", [*REQUIREMENTS, WITH_CREWAI])
def test_every_requirement_is_pinned_and_hashed_and_has_no_address(path: str) -> None:
    for entry in read(path).replace("\\\n", " ").splitlines():
        assert re.fullmatch(
            r"[a-z0-9-]+(?:\[[a-z,]+\])?==[\w.]+(?: ; [\w' !=<>.()]+)?"
            r"(?: +--hash=sha256:[0-9a-f]{64})+",
            entry,
        )


@pytest.mark.parametrize(
    ("pins", "wanted"),
    list(zip(REQUIREMENTS, ("dependencies", "test"), strict=True)),
)
def test_the_pins_cover_what_the_project_asks_for(pins: str, wanted: str) -> None:
    project = tomllib.loads(read("pyproject.toml"))
    asked = {**project["project"], **project["dependency-groups"]}[wanted]
    for requirement in map(Requirement, asked):
        version = pinned(pins)[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_both_files_pin_the_same_versions() -> None:
    run, test = map(pinned, REQUIREMENTS)
    for name in run.keys() & test.keys():
        assert run[name] == test[name]


def test_the_bot_can_be_installed_beside_crewai() -> None:
    """One resolution has crewai and all that the bot asks for; the bot alone has newer ones."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    beside, alone = pinned(WITH_CREWAI), pinned("requirements.txt")
    asked = [*project["dependencies"], *project["optional-dependencies"]["host"]]
    for requirement in map(Requirement, asked):
        version = beside[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
    for name in ("pydantic", "aiosqlite"):
        assert Version(beside[name]) < Version(alone[name])


def test_the_version_is_said_once() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", crewgate.__version__)
    assert "version" in tomllib.loads(read("pyproject.toml"))["project"]["dynamic"]


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    asked = [Requirement(one).name for one in project["dependencies"]]
    table = read("README.md").partition("## Dependencies")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `([a-z0-9-]+)` \| \S", table, flags=re.MULTILINE)
    assert sorted(explained) == sorted(asked)
