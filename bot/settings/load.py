"""Frozen settings, read once from the environment, `.env` and `crews.toml`.

Only `app` and `__main__` import this; everybody else is handed what it needs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bot.domain.errors import CrewgateError
from bot.domain.people import ReviewerRef
from bot.settings import parsers as values
from bot.settings.sources import Reader, read_dotenv, read_toml, without_empty

NAMES: Final = (
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "SLACK_API_URL",
    "SLACK_CHANNEL",
    "PUBLIC_URL",
    "DATABASE_URL",
    "HOST",
    "PORT",
    "CREWS_FILE",
    "CREW_URL",
    "CREW_TOKEN",
    "CREW_WEBHOOK_SECRET",
    "CREW_NAME",
    "REVIEWERS",
    "LOG_FORMAT",
    "LOG_LEVEL",
)
"""Every variable that is read, save those that `crews.toml` names."""

CREW_KEYS: Final = (
    "url",
    "token_env",
    "webhook_secret_env",
    "channel",
    "reviewers",
    "task_webhook_url",
    "step_webhook_url",
    "crew_webhook_url",
    "resend_human_input_webhook",
    "kickers",
    "forward",
)
"""Every key of a crew in `crews.toml`."""


class SettingsError(CrewgateError):
    """Settings are missing or malformed: one line each, the first stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """How Slack is reached and how it proves itself."""

    bot_token: str = field(repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    app_token: str | None = field(default=None, repr=False)
    """Set: Socket Mode. Not set: signed HTTP."""
    api_url: str
    """Ends with a slash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewSettings:
    """One deployment. Channel and reviewers are its own or, failing that, everybody's."""

    name: str
    url: str
    """Ends without a slash."""
    token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    channel: str
    reviewers: tuple[ReviewerRef, ...]
    # Webhook addresses often carry a secret of their own.
    task_webhook_url: str | None = field(default=None, repr=False)
    step_webhook_url: str | None = field(default=None, repr=False)
    crew_webhook_url: str | None = field(default=None, repr=False)
    resend_human_input_webhook: bool = True
    starters: tuple[ReviewerRef, ...] = ()
    """Who may start it from Slack; nobody named: its reviewers."""
    forward: bool = False
    """Whether its webhooks are taken by the bot and handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the bot is told from outside."""

    slack: SlackSettings
    channel: str | None
    public_url: str | None
    """Ends without a slash."""
    database_url: str = field(repr=False)
    """An asynchronous SQLAlchemy URL; may hold a password."""
    host: str
    port: int
    crews: Mapping[str, CrewSettings]
    log_format: values.LogFormat
    log_level: values.LogLevel


def load(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read the settings; the environment wins over `.env`, and empty counts as unset.

    Raises SettingsError.
    """
    folder = Path.cwd() if cwd is None else cwd
    problems: list[str] = []
    variables = {
        **without_empty(read_dotenv(folder / ".env", problems)),
        **without_empty(os.environ if environ is None else environ),
    }
    env = Reader(variables, problems)
    slack = _slack(env)
    shared = _Shared(
        env,
        channel=env.take("SLACK_CHANNEL", values.parse_channel, default=None),
        reviewers=env.take("REVIEWERS", values.parse_reviewers, default=()),
    )
    settings = Settings(
        slack=slack,
        channel=shared.channel,
        public_url=env.take("PUBLIC_URL", values.parse_base_url, default=None),
        database_url=env.take(
            "DATABASE_URL", values.parse_database_url, default="sqlite+aiosqlite:///crewgate.db"
        ),
        host=env.take("HOST", values.parse_text, default="0.0.0.0"),  # noqa: S104 - in containers
        port=env.take("PORT", values.parse_port, default=3000),
        crews=MappingProxyType(_crews(folder, shared)),
        log_format=env.take("LOG_FORMAT", values.parse_log_format, default="console"),
        log_level=env.take("LOG_LEVEL", values.parse_log_level, default="info"),
    )
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _slack(env: Reader) -> SlackSettings:
    bot = "the Bot User OAuth Token (xoxb-…, Slack's page OAuth & Permissions)"
    app = "the app-level token (xapp-…, Slack's page Basic Information)"
    signing = "the Signing Secret (Slack's page Basic Information), or set SLACK_APP_TOKEN,"
    return SlackSettings(
        bot_token=env.take(
            "SLACK_BOT_TOKEN", values.token_like("xoxb-", bot), default="", missing=bot
        ),
        signing_secret=env.take(
            "SLACK_SIGNING_SECRET",
            values.parse_secret,
            default=None,
            missing=None if "SLACK_APP_TOKEN" in env else signing,
        ),
        app_token=env.take("SLACK_APP_TOKEN", values.token_like("xapp-", app), default=None),
        api_url=env.take("SLACK_API_URL", values.parse_base_url, default="https://slack.com/api")
        + "/",
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What holds for crews that do not say it themselves."""

    env: Reader
    channel: str | None
    reviewers: tuple[ReviewerRef, ...]

    def channel_of(self, name: str, crew: Reader) -> str:
        channel = crew.take("channel", values.parse_channel, default=None) or self.channel
        if channel is None and "channel" not in crew and "SLACK_CHANNEL" not in self.env:
            problem = f"missing; crew {name} names no channel: put its id (C…) or #name here"
            self.env.note("SLACK_CHANNEL", problem)
        return channel or ""

    def reviewers_of(self, name: str, crew: Reader) -> tuple[ReviewerRef, ...]:
        reviewers = crew.take("reviewers", values.parse_reviewers, default=self.reviewers)
        reviewers = reviewers or self.reviewers
        if not reviewers and "REVIEWERS" not in self.env:
            problem = f"missing; crew {name} names nobody who may decide: {values.REVIEWERS_HINT}"
            self.env.note("REVIEWERS", problem)
        return reviewers


def _crews(folder: Path, shared: _Shared) -> dict[str, CrewSettings]:
    env = shared.env
    named = env.take("CREWS_FILE", values.parse_text, default=None)
    title = named or "crews.toml"
    file = folder / title
    single = any(name in env for name in NAMES if name.startswith("CREW_"))
    crews: dict[str, CrewSettings] = {}
    if file.exists():
        crews |= _crews_of_file(file, title, shared, needed=not single)
    elif named is not None:
        env.note("CREWS_FILE", f"{values.shown(named)} does not exist; put a TOML file's path here")
    if single:
        crew = _crew_of_environment(shared)
        if crew.name in crews:
            env.note("CREW_NAME", f"{title} has a crew {crew.name} too; put another name here")
        crews[crew.name] = crew
    elif named is None and not file.exists():
        env.note("CREW_URL", f"missing; put {_CREW_URL} here")
    return crews


_CREW_URL: Final = "the crew's address, or describe your crews in crews.toml instead of"


def _crew_of_environment(shared: _Shared) -> CrewSettings:
    env = shared.env
    name = env.take("CREW_NAME", values.parse_crew_name, default="crew")
    silent = Reader({}, env.problems)
    return CrewSettings(
        name=name,
        url=env.take("CREW_URL", values.parse_base_url, default="", missing="the crew's address"),
        token=env.take(
            "CREW_TOKEN",
            values.parse_secret,
            default="",
            missing="the bearer token that the crew expects",
        ),
        webhook_secret=env.take(
            "CREW_WEBHOOK_SECRET",
            values.parse_secret,
            default="",
            missing="the secret that the crew must present to this bot",
        ),
        channel=shared.channel_of(name, silent),
        reviewers=shared.reviewers_of(name, silent),
    )


def _crews_of_file(
    file: Path, title: str, shared: _Shared, *, needed: bool
) -> dict[str, CrewSettings]:
    problems = shared.env.problems
    content = read_toml(file, title, problems)
    if content is None:
        return {}
    top = Reader(content, problems, f"{title}: ")
    top.refuse_unknown(("crews",))
    tables = top.take("crews", values.parse_table, default=None)
    if needed and not tables and not problems:
        top.note("crews", "no crew; describe each one in a table [crews.NAME]")
    crews: dict[str, CrewSettings] = {}
    for key, raw in (tables or {}).items():
        path = f"crews.{values.shown_key(key)}"
        try:
            name, table = values.parse_crew_name(key), values.parse_table(raw)
        except values.Malformed as wrong:
            top.note(path, str(wrong))
        else:
            crew = Reader(table, problems, f"{title}: {path}.")
            crews[name] = _crew_of_table(name, crew, shared)
    return crews


def _crew_of_table(name: str, crew: Reader, shared: _Shared) -> CrewSettings:
    crew.refuse_unknown(CREW_KEYS)
    variable = values.value_of_variable(shared.env.found)
    return CrewSettings(
        name=name,
        url=crew.take("url", values.parse_base_url, default="", missing="the crew's address"),
        token=crew.take(
            "token_env",
            variable,
            default="",
            missing="the name of the variable with the bearer token that the crew expects",
        ),
        webhook_secret=crew.take(
            "webhook_secret_env",
            variable,
            default="",
            missing="the name of the variable with the secret that the crew must present",
        ),
        channel=shared.channel_of(name, crew),
        reviewers=shared.reviewers_of(name, crew),
        task_webhook_url=crew.take("task_webhook_url", values.parse_url, default=None),
        step_webhook_url=crew.take("step_webhook_url", values.parse_url, default=None),
        crew_webhook_url=crew.take("crew_webhook_url", values.parse_url, default=None),
        resend_human_input_webhook=crew.take(
            "resend_human_input_webhook", values.parse_flag, default=True
        ),
        starters=crew.take("kickers", values.parse_reviewers, default=()),
        forward=crew.take("forward", values.parse_flag, default=False),
    )
