"""The documents and examples say of settings what their table says."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, TimeOut
from crewgate.settings import document, table
from crewgate.settings.load import CrewSettings, load
from crewgate.settings.rule_options import ESCALATE, REMIND, RULE, RULES, TIMEOUT, WHEN
from crewgate.settings.setting import Option, Setting
from tests.repo.files import ROOT, read

NAMES = [setting.name for setting in table.ENVIRONMENT]


@pytest.mark.parametrize("path", ["docs/settings.md", "docs/rules.md", "crews.example.toml"])
def test_documents_are_as_the_table_makes_them(path: str) -> None:
    made = document.render_documents(ROOT)[path]
    assert read(path) == made, "run python -m crewgate.settings.document"


def test_every_variable_is_in_the_document_and_in_the_example_of_the_environment() -> None:
    known = {one.name for one in vars(table).values() if type(one) is Setting}
    assert known - {table.CREWS.name} == set(NAMES)
    named = re.findall(r"^(?:# )?([A-Z_]+)=", read(".env.example"), flags=re.MULTILINE)
    assert sorted(named) == sorted(NAMES)


def test_every_field_of_a_crew_is_filled_by_one_key() -> None:
    fields = {field.name for field in dataclasses.fields(CrewSettings)} - {"name"}
    assert sorted(option.field for option in (*table.CREW, RULES)) == sorted(fields)


@pytest.mark.parametrize(
    ("options", "made"),
    [
        (RULE, Rule),
        (WHEN, Conditions),
        (REMIND, Reminders),
        (ESCALATE, Escalation),
        (TIMEOUT, TimeOut),
    ],
)
def test_every_field_of_a_rule_is_filled_by_one_key(options: Sequence[Option], made: type) -> None:
    assert [option.field for option in options] == [one.name for one in dataclasses.fields(made)]


def test_the_first_crew_of_the_example_has_every_key() -> None:
    example = tomllib.loads(read("crews.example.toml"))["crews"]["research"]
    assert list(example) == [option.name for option in (*table.CREW, RULES)]
    (rule,) = example[RULES.name]
    assert list(rule) == [option.name for option in RULE]


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
