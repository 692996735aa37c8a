"""What outsiders find in the repository agrees with the code."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bot
from bot.settings import load as settings
from bot.slack import ids

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = ("socket-mode.yaml", "http.yaml")
NOT_OURS = {".git", ".venv", "build", "dist", "node_modules"}

SCOPES = {
    "chat:write": "cards and private answers",
    "commands": "/crew",
    "channels:history": "notes in threads, finding a posted card again",
    "groups:history": "the same in private channels",
    "files:write": "outputs too long for a message",
    "reactions:write": "acknowledging a note",
    "users:read": "reviewers, names of those who write notes",
    "users:read.email": "reviewers named by e-mail",
    "usergroups:read": "reviewers named by user group",
}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def manifest(name: str) -> Any:
    return yaml.safe_load(read(f"manifests/{name}"))


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository, save what tools leave behind."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if not path.is_file() or NOT_OURS & set(parts) or any(map(_is_cache, parts)):
            continue
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def _is_cache(part: str) -> bool:
    return part.endswith(("_cache", ".egg-info")) or part in {"__pycache__", ".hypothesis"}


# --- Slack's manifests ---


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_what_slack_accepts(name: str) -> None:
    jsonschema.validate(manifest(name), json.loads(read("tests/data/manifest.schema.json")))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_asks_for_the_scopes_that_are_used_and_no_more(name: str) -> None:
    assert manifest(name)["oauth_config"]["scopes"] == {"bot": list(SCOPES)}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_announces_the_commands_that_are_answered(name: str) -> None:
    commands = manifest(name)["features"]["slash_commands"]
    assert [command["command"] for command in commands] == [ids.COMMAND]


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_switches_on_only_what_exists(name: str) -> None:
    assert set(manifest(name)["features"]) == {"app_home", "bot_user", "slash_commands"}
    assert manifest(name)["features"]["app_home"]["home_tab_enabled"] is True
    events = manifest(name)["settings"]["event_subscriptions"]["bot_events"]
    assert events == ["app_home_opened", "message.channels", "message.groups"]
    assert manifest(name)["settings"]["interactivity"]["is_enabled"] is True


def test_the_manifests_differ_in_how_slack_is_reached_and_nothing_else() -> None:
    socket_mode, http = map(manifest, MANIFESTS)
    assert socket_mode["settings"].pop("socket_mode_enabled") is True
    assert http["settings"].pop("socket_mode_enabled") is False
    events = "https://YOUR-HOST/slack/events"
    assert http["settings"]["interactivity"].pop("request_url") == events
    assert http["settings"]["event_subscriptions"].pop("request_url") == events
    assert http["features"]["slash_commands"][0].pop("url") == events
    assert http == socket_mode


# --- Slack's limits ---


def test_the_ids_are_distinct_and_within_slack_s_limits() -> None:
    names = {name: value for name, value in vars(ids).items() if name.isupper()}
    assert len(set(names.values())) == len(names)
    for value in names.values():
        assert 0 < len(value) <= 255
    assert re.fullmatch(r"/[a-z0-9_-]{1,31}", ids.COMMAND)


# --- settings ---


@pytest.mark.parametrize("name", settings.NAMES)
def test_every_setting_is_in_the_readme_s_table(name: str) -> None:
    rows = "\n".join(line for line in read("README.md").splitlines() if line.startswith("|"))
    assert re.search(rf"`{name}`", rows), f"{name} is missing in README.md's table of settings"


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    named = re.findall(r"^(?:# )?([A-Z_]+)=", read(".env.example"), flags=re.MULTILINE)
    assert sorted(named) == sorted(settings.NAMES)


def test_every_variable_that_is_read_is_a_known_setting() -> None:
    read_names = set(re.findall(r'"([A-Z][A-Z_]{3,})",?\s', read("bot/settings/load.py")))
    assert read_names <= set(settings.NAMES)


def test_every_key_of_a_crew_is_in_the_example() -> None:
    example = tomllib.loads(read("crews.example.toml"))["crews"]["research"]
    assert sorted(example) == sorted(settings.CREW_KEYS)


def test_the_example_of_crews_loads(tmp_path: Path) -> None:
    (tmp_path / "crews.toml").write_text(read("crews.example.toml"), encoding="utf-8")
    secrets = re.findall(r'_env = "(\w+)"', read("crews.example.toml"))
    environ = dict.fromkeys(secrets, "secret") | {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_CHANNEL": "#reviews",
        "REVIEWERS": "*",
    }
    assert set(settings.load(environ, tmp_path).crews) == {"research", "marketing"}


# --- packages ---

REQUIREMENTS = ("requirements.txt", "tests/requirements.txt")


def pinned(path: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", read(path), flags=re.MULTILINE))


@pytest.mark.parametrize("path", REQUIREMENTS)
def test_every_requirement_is_pinned_and_hashed_and_has_no_address(path: str) -> None:
    for entry in read(path).replace("\\\n", " ").splitlines():
        assert re.fullmatch(
            r"[a-z0-9-]+==[\w.]+(?: ; [\w' !=<>.]+)?(?: +--hash=sha256:[0-9a-f]{64})+", entry
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


def test_the_version_is_said_once() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", bot.__version__)
    assert "version" in tomllib.loads(read("pyproject.toml"))["project"]["dynamic"]


# --- files ---


def test_no_file_holds_a_path_of_a_machine_or_the_address_of_a_package_index() -> None:
    path = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+|opt/wheels)/")
    index = re.compile("|".join(("--index" + "-url", "--find" + "-links", "--trusted" + "-host")))
    for name, text in texts():
        assert not path.search(text), name
        assert not index.search(text), name


def test_no_module_is_longer_than_a_head_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): length
        for path in (ROOT / "bot").rglob("*.py")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_the_stand_ins_read_the_clock_and_nothing_else() -> None:
    """The linter lets `bot/demo` off its bans; this holds all but the clock."""
    banned = {"random", "secrets", "uuid"}
    # It starts a process, which needs a few names of the environment.
    starter = ROOT / "bot" / "demo" / "bot_process.py"
    for path in set((ROOT / "bot" / "demo").rglob("*.py")) - {starter}:
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
