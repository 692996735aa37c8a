"""Every setting is in the documents and in the examples, and nothing else is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.settings import load as settings
from tests.repo.files import read, rows


@pytest.mark.parametrize(
    ("table", "known"),
    [("settings:environment", settings.NAMES), ("settings:crew", settings.CREW_KEYS)],
)
def test_the_tables_of_settings_are_complete(table: str, known: tuple[str, ...]) -> None:
    named = [name.strip("`") for name, *_ in rows("docs/settings.md", table)]
    assert sorted(named) == sorted(known)


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
