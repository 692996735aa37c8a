"""`docs/compare.md`: each cell about others has its source, and what it works with is so."""

import re
import tomllib
from typing import Final

from tests.repo.files import marked, read, rows

DOCUMENT: Final = "docs/compare.md"
NO_SOURCE: Final = {"not known", "your code", "your machine", "your weeks", "none", "Slack"}
"""The cells without a source: nothing was found, or a reader's own work."""


def cells() -> list[str]:
    """Return the cells about others, without heads and without the names of rows."""
    lines = [line for line in marked(DOCUMENT, "others").splitlines() if line.startswith("|")]
    bodies = [line for line in lines if not line.startswith(("| |", "| ---"))]
    return [cell.strip() for line in bodies for cell in line.strip("|").split(" | ")[1:]]


def test_each_cell_about_others_has_its_source() -> None:
    assert len(cells()) >= 60
    for cell in cells():
        assert cell in NO_SOURCE or re.search(r"\[[a-z]\]$", cell), cell


def test_each_source_has_an_address_and_a_date_and_is_used() -> None:
    sources = {letter: (what, as_of) for letter, what, as_of in rows(DOCUMENT, "sources")}
    page = read(DOCUMENT).partition("## Sources")[0]
    assert set(re.findall(r"\[([a-z])\]", page)) == set(sources)
    assert all("](https://" in what and as_of for what, as_of in sources.values())


def test_it_says_where_others_are_better() -> None:
    better = [cell for cell in cells() if "**" in cell]
    assert len(better) >= 8


def test_the_versions_that_it_works_with_are_those_of_the_project() -> None:
    table = {row[0]: row[1] for row in rows(DOCUMENT, "works with")}
    project = tomllib.loads(read("pyproject.toml"))["project"]
    [asked] = project["optional-dependencies"]["host"]
    [pinned] = re.findall(r"^crewai==(\S+)", read("tests/requirements-crewai.txt"), re.MULTILINE)
    assert asked.startswith(f"crewai>={pinned},")
    assert table["CrewAI under `crewgate host`"].startswith(f"{pinned}, the oldest and the newest")
    oldest = project["requires-python"].removeprefix(">=")
    assert f"the bot {oldest} or newer" in table["Python"]
    for name in ("Linux", "MacOS"):
        assert any(name in one for one in project["classifiers"])
    [image] = re.findall(r"image: postgres:(\d+)", read("compose.yaml"))
    assert f"{image} in `compose.yaml`" in table["Databases"]
