"""Environments and files to load settings from."""

from collections.abc import Callable
from typing import Any

import pytest

from crewgate.settings.load import Settings, SettingsError

ENOUGH = {
    "SLACK_BOT_TOKEN": "xoxb-secret-1",
    "SLACK_SIGNING_SECRET": "secret-2",
    "SLACK_CHANNEL": "#reviews",
    "CREW_URL": "https://crew.example.com",
    "CREW_TOKEN": "secret-3",
    "CREW_WEBHOOK_SECRET": "secret-4-of-a-crew",
    "REVIEWERS": "*",
}
NO_CREW = {name: value for name, value in ENOUGH.items() if not name.startswith("CREW_")}
SECRETS = {"RESEARCH_TOKEN": "secret-5", "RESEARCH_SECRET": "secret-6-of-a-crew"}
RESEARCH = """
[crews.research]
url = "https://research.example.com/"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
"""
Load = Callable[..., Settings]


def problems(load_: Load, *args: Any, **changes: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_(*args, **changes)
    message = str(caught.value)
    assert "secret-" not in message
    return message.split("\n")


def problem(load_: Load, *args: Any, **changes: Any) -> str:
    (only,) = problems(load_, *args, **changes)
    return only
