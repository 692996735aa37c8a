"""The soak is what its variables say."""

import pytest

from tests.options import InvalidOption
from tests.soak.options import read_options


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (
        "SECONDS",
        "RATE",
        "KILLS",
        "CREWS",
        "SETTLE_SECONDS",
        "DATABASE",
        "SEED",
        "BESIDE",
    ):
        monkeypatch.delenv(f"SOAK_{name}", raising=False)
    return monkeypatch


def test_it_is_a_minute_with_ten_executions_a_second() -> None:
    options = read_options()
    assert (options.seconds, options.rate, options.database) == (60, 10, "sqlite")
    assert read_options().seed != options.seed


def test_what_it_prints_repeats_it(environment: pytest.MonkeyPatch) -> None:
    options = read_options()
    for setting in str(options).split():
        environment.setenv(*setting.split("="))
    assert read_options() == options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOAK_SECONDS", "a minute"),
        ("SOAK_RATE", "-1"),
        ("SOAK_DATABASE", "mysql"),
        ("SOAK_BESIDE", "calls,fires"),
    ],
)
def test_what_is_not_understood_is_named(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(InvalidOption, match=name):
        read_options()


@pytest.mark.parametrize(("seconds", "is_short"), [("119", True), ("120", False)])
def test_a_short_run_owes_no_evidence_of_every_kind(
    environment: pytest.MonkeyPatch, seconds: str, *, is_short: bool
) -> None:
    environment.setenv("SOAK_SECONDS", seconds)
    assert read_options().is_short is is_short
