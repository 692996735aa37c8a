"""The documents and examples say of settings what their fields say."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, TimeOut
from crewgate.settings import crew
from crewgate.settings.load import Settings, load
from crewgate.settings.options import options_of
from tests.repo.files import ROOT, read
from tests.repo.settings_documents import is_commented, render_documents


@pytest.mark.parametrize(
    "path", ["docs/reference.md", "docs/rules.md", "crews.example.toml", ".env.example"]
)
def test_documents_are_as_the_fields_make_them(path: str) -> None:
    made = render_documents(ROOT)[path]
    assert read(path) == made, "run python -m tests.repo.settings_documents"


@pytest.mark.parametrize("kind", [Settings, Rule, Conditions, Reminders, Escalation, TimeOut])
def test_every_field_can_be_set(kind: type) -> None:
    named = {option.field for option in options_of(kind)} | {
        "crews",
        "doubts",
        "naming",
        "by_letters",
    }
    assert {field.name for field in dataclasses.fields(kind)} <= named


def test_the_first_crew_of_the_example_has_every_key() -> None:
    commented = [f"# {one.name} =" for one in options_of(Rule) if is_commented(one.setting)]
    text = read("crews.example.toml")
    assert all(f"\n{line}" in text for line in commented)
    example = tomllib.loads(text)["crews"]["research"]
    assert list(example) == [option.name for option in crew.OPTIONS]
    (rule,) = example["rules"]
    assert list(rule) == [one.name for one in options_of(Rule) if not is_commented(one.setting)]


def test_the_example_of_crews_loads(tmp_path: Path) -> None:
    (tmp_path / "crews.toml").write_text(read("crews.example.toml"), encoding="utf-8")
    secrets = re.findall(r'_env = "(\w+)"', read("crews.example.toml"))
    environ = dict.fromkeys(secrets, "a-secret-of-a-crew") | {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_CHANNEL": "#reviews",
        "REVIEWERS": "*",
    }
    assert set(load(environ, tmp_path).crews) == {"research", "marketing"}
