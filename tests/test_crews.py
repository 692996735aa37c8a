"""The parts that are built of the crews' settings: redactors know every secret in them."""

import asyncio
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from crewgate.crews import (
    build_credentials,
    build_log_redactor,
    build_redactors,
    open_flow_answers,
)
from crewgate.demo.servers import free_port
from crewgate.domain.notification import Callback
from crewgate.domain.outcome import NotSent
from crewgate.domain.redaction import MARK, Redactor
from crewgate.settings.load import Settings, load
from crewgate.web.credentials import EventKind
from tests.builders import NOW, a_secret_key

CREWS = """
[crews.{name}]
url = "https://{name}.example.com"
token_env = "{env}_TOKEN"
webhook_secret_env = "{env}_SECRET"
flow_webhook_secret_env = "{env}_FLOW_SECRET"
reviewers = ["U0ANA"]
task_webhook_url = "https://hooks.example.com/task/{name}T4skWebhookKey"
step_webhook_url = "https://hooks.example.com/step?key={name}St3pWebhookKey"
crew_webhook_url = "https://user:{name}Cr3wWebhookKey@hooks.example.com/crew"
"""
ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-bot-token",
    "SLACK_APP_TOKEN": "xapp-app-token",
    "SLACK_SIGNING_SECRET": "signing-secret",
    "SLACK_CHANNEL": "C0REVIEWS",
    "STATUS_TOKEN": "status-token-of-it",
    "DATABASE_URL": "postgresql://crewgate:p%40ssword-of-it@db.example.com/crewgate",
    "SECRET_KEYS": f"{a_secret_key(1)},{a_secret_key(2)}",
    "TEA_TOKEN": "tea-crew-token",
    "TEA_SECRET": "tea-webhook-secret",
    "TEA_FLOW_SECRET": "whsec_tea-flow-secret",
    "MILK_TOKEN": "milk-crew-token",
    "MILK_SECRET": "milk-webhook-secret",
    "MILK_FLOW_SECRET": "whsec_milk-flow-secret",
}
SHARED = (
    "xoxb-bot-token",
    "xapp-app-token",
    "signing-secret",
    "status-token-of-it",
    "p@ssword-of-it",
    a_secret_key(1),
    a_secret_key(2),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    tables = [CREWS.format(name=name, env=name.upper()) for name in ("tea", "milk")]
    (tmp_path / "crews.toml").write_text("".join(tables))
    return load(ENVIRONMENT, cwd=tmp_path)


def secrets_of(crew: str, settings: Settings) -> list[str]:
    credentials = build_credentials(settings)[crew]
    return [
        f"{crew}-crew-token",
        f"{crew}-webhook-secret",
        f"whsec_{crew}-flow-secret",
        f"https://hooks.example.com/task/{crew}T4skWebhookKey",
        f"https://hooks.example.com/step?key={crew}St3pWebhookKey",
        f"https://user:{crew}Cr3wWebhookKey@hooks.example.com/crew",
        f"{crew}Cr3wWebhookKey",
        *(credentials.event_keys(kind)[0] for kind in EventKind),
    ]


def knows(redactor: Redactor, secret: str) -> bool:
    return redactor.text(f"<{secret}>") == f"<{MARK}>"


def test_of_what_a_crew_says_its_own_secrets_and_the_shared_ones_are_taken_out(
    settings: Settings,
) -> None:
    redactor = build_redactors(settings)["tea"]

    assert all(knows(redactor, secret) for secret in (*SHARED, *secrets_of("tea", settings)))
    assert not knows(redactor, "milk-crew-token")


def test_of_the_log_all_are_taken_out(settings: Settings) -> None:
    redactor = build_log_redactor(settings)
    crews = (secret for crew in settings.crews for secret in secrets_of(crew, settings))

    assert all(knows(redactor, secret) for secret in (*SHARED, *crews))


def test_whatever_of_the_settings_is_not_shown_is_taken_out(settings: Settings) -> None:
    """A new secret is a field with `repr=False`; here it is noticed if nobody takes it out."""
    redactor = build_log_redactor(settings)
    parts: tuple[Any, ...] = (settings, *settings.crews.values())
    hidden = [
        (field.name, value)
        for part in parts
        for field in fields(part)
        if not field.repr and (value := getattr(part, field.name)) is not None
    ]

    assert len(hidden) == 6 + 2 * 6
    assert [name for name, value in hidden if MARK not in redactor.text(str(value))] == []


async def test_flows_are_answered_through_the_proxy_that_the_environment_names(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens where the proxy should be; a name that is looked up here is not found."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    callback = Callback("https://nobody.invalid.crewai.com/respond")
    async with open_flow_answers(
        settings, build_redactors(settings), clock=lambda: NOW, off_loop=asyncio.to_thread
    ) as answers:
        assert await answers.answer("tea", callback, "yes") == NotSent("connection refused")
