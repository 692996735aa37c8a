"""The packages that are installed: pinned, hashed, explained, and named once."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import crewgate
from tests.repo.files import read

REQUIREMENTS = ("requirements.txt", "tests/requirements.txt")
WITH_CREWAI = "tests/requirements-crewai.txt"
#: Each lets the bot be used, changed and passed on, and asks for nothing but its own text.
LICENCES = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
}
#: How packages call them that do not use SPDX's names.
OTHER_NAMES = {
    "Apache 2.0": "Apache-2.0",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",  # google-re2
    "License :: OSI Approved :: MIT License": "MIT",
    "MIT License": "MIT",
}


def pinned(path: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", read(path), flags=re.MULTILINE))


@pytest.mark.parametrize(
    "path",
    [
        *REQUIREMENTS,
        WITH_CREWAI,
        *map("deploy/requirements-{}.txt".format, ("build", "dist", "lock")),
    ],
)
def test_every_requirement_is_pinned_and_hashed_and_has_no_address(path: str) -> None:
    for entry in read(path).replace("\\\n", " ").splitlines():
        assert re.fullmatch(
            r"[a-z0-9-]+(?:\[[a-z,-]+\])?==[\w.]+(?: ; [\w' !=<>.()]+)?"
            r"(?: +--hash=sha256:[0-9a-f]{64})+",
            entry,
        )


@pytest.mark.parametrize(
    ("pins", "wanted"),
    [
        ("requirements.txt", "dependencies"),
        ("tests/requirements.txt", "test"),
        ("deploy/requirements-build.txt", "build"),
        ("deploy/requirements-lock.txt", "lock"),
    ],
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


def test_what_the_bot_is_built_with_is_pinned_and_fetched_by_nobody_else() -> None:
    """Isolated, pip would fetch it without a hash, and run it."""
    [backend] = tomllib.loads(read("pyproject.toml"))["build-system"]["requires"]
    build, beside = pinned("deploy/requirements-build.txt"), pinned(WITH_CREWAI)
    assert f"hatchling=={build['hatchling']}" == backend
    assert all(beside.get(name, version) == version for name, version in build.items())
    for path in ("Makefile", "Dockerfile"):
        built = [
            line
            for line in read(path).splitlines()
            if re.search(r"pip\b.* \.( |$)|editable \.", line, re.IGNORECASE)
        ]
        assert built
        assert all("--no-build-isolation" in line for line in built)


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


def test_what_a_start_does_not_need_stays_out() -> None:
    needless = {
        "alembic",
        "asyncpg",
        "crewgate.demo",
        "cryptography",
        "opentelemetry",
        "re2",
        "slack_sdk.socket_mode.aiohttp",
        "sqlalchemy.dialects.postgresql",
    }
    look = f"import sys, crewgate.app; print(sorted({needless} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout.strip() == "[]"


def licences(package: str) -> set[str]:
    about = metadata(package)
    classifiers = [one for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    said = about.get_all("License-Expression") or about.get_all("License") or classifiers
    names = [name for one in said for name in re.split(" AND | OR ", one)]
    assert names, "it has none"
    return {OTHER_NAMES.get(name, name) for name in names}


@pytest.mark.parametrize("package", sorted(pinned("requirements.txt")))
def test_every_dependency_has_a_licence_that_asks_for_little(package: str) -> None:
    assert licences(package) <= LICENCES


def test_the_version_is_said_once() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", crewgate.__version__)
    assert "version" in tomllib.loads(read("pyproject.toml"))["project"]["dynamic"]


def test_the_changelog_begins_with_this_version_or_what_is_unreleased() -> None:
    titles = re.findall(r"^## (.+)$", read("CHANGELOG.md"), flags=re.MULTILINE)
    assert next(one for one in titles if one != "Unreleased") == crewgate.__version__
    assert "Unreleased" not in titles[1:]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    asked = [Requirement(one).name for one in project["dependencies"]]
    lines = read("pyproject.toml").partition("\ndependencies = [\n")[2].partition("\n]\n")[0]
    assert re.findall(r'^    "([a-z0-9-]+)[^"]*", # \S', lines, re.MULTILINE) == asked
