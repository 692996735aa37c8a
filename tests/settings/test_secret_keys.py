"""SECRET_KEYS: the keys that credentials in the database are encrypted with."""

import pytest

from crewgate.crews import build_log_redactor
from tests.builders import a_secret_key
from tests.settings.environments import Load, problem

NEW, OLD = a_secret_key(1), a_secret_key(2)


def test_without_it_nothing_is_encrypted(load_with: Load) -> None:
    assert load_with().secret_keys == ()


def test_keys_are_the_newest_first_and_never_shown(load_with: Load) -> None:
    settings = load_with(SECRET_KEYS=f"{NEW}, {OLD}")
    assert settings.secret_keys == (NEW, OLD)
    shown = build_log_redactor(settings).text(f"{NEW} {OLD}") + repr(settings)
    assert NEW not in shown
    assert OLD not in shown


@pytest.mark.parametrize("value", ["short", NEW[:-1], f"{NEW},", NEW.replace("A", "+"), "é" * 44])
def test_what_is_no_key_is_told_with_the_line_that_makes_one(load_with: Load, value: str) -> None:
    line = problem(load_with, SECRET_KEYS=value)
    assert line.startswith("SECRET_KEYS: key ")
    assert line.endswith("put what `openssl rand -base64 32 | tr '+/' '-_'` prints")
    assert value not in line


def test_a_key_stands_there_once(load_with: Load) -> None:
    line = problem(load_with, SECRET_KEYS=f"{NEW},{OLD},{NEW}")
    assert line == "SECRET_KEYS: one of its keys is there twice; take one of the two out"
