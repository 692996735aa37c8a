"""Loading settings with some of them changed."""

from pathlib import Path

import pytest

from crewgate.settings.load import Settings, load
from tests.settings.environments import ENOUGH, NO_CREW, SECRETS, Load


@pytest.fixture(name="load_with")
def _load_with(tmp_path: Path) -> Load:
    """Load ENOUGH with some of it changed; None takes a variable away."""

    def load_with(base: dict[str, str] = ENOUGH, **changes: str | None) -> Settings:
        changed = {**base, **changes}
        return load({name: value for name, value in changed.items() if value is not None}, tmp_path)

    return load_with


@pytest.fixture(name="load_file")
def _load_file(tmp_path: Path) -> Load:
    """Load crews from a file, with no crew in the environment."""

    def load_file(text: str, **changes: str) -> Settings:
        (tmp_path / "crews.toml").write_text(text, encoding="utf-8")
        return load({**NO_CREW, **SECRETS, **changes}, tmp_path)

    return load_file
