"""Frozen settings, read once from the environment, `.env` and `crews.toml`.

Only the modules that start or check the bot import this; everybody else is handed what it needs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crewgate.domain.errors import CrewgateError
from crewgate.domain.notify import Notify
from crewgate.domain.people import ReviewerRef
from crewgate.settings import parsers, table
from crewgate.settings.flow_options import FLOW_SIGNATURE
from crewgate.settings.rule_options import RULES
from crewgate.settings.rules import RuleSettings, read_rules
from crewgate.settings.sources import Reader, TomlFile, read_dotenv, read_toml, without_empty


class SettingsError(CrewgateError):
    """Settings are missing or malformed: one line each, the first stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """How Slack is reached and how it proves itself."""

    bot_token: str = field(repr=False)
    signing_secret: str | None = field(repr=False)
    app_token: str | None = field(repr=False)
    """Set: Socket Mode. Not set: signed HTTP."""
    api_url: str
    """Ends with a slash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewSettings:
    """One deployment; `table.CREW` has a row for each field save its name and its rules."""

    name: str
    url: str
    """Ends without a slash."""
    token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    channel: str
    reviewers: tuple[ReviewerRef, ...]
    # Webhook addresses often carry a secret of their own.
    task_webhook_url: str | None = field(repr=False)
    step_webhook_url: str | None = field(repr=False)
    crew_webhook_url: str | None = field(repr=False)
    resend_human_input_webhook: bool
    starters: tuple[ReviewerRef, ...] | None
    """Who may start it from Slack; None: its reviewers, empty: nobody."""
    operators: tuple[ReviewerRef, ...]
    """Who looks after it."""
    notify: Notify
    """How the reviewers are told that a round waits."""
    forward: bool
    """Whether the bot takes its webhooks and forwards them."""
    flow_webhook_secret: str | None = field(repr=False)
    """What requests of its flows are signed with; None: it takes none."""
    flow_callback_hosts: tuple[str, ...]
    """Where its flows may be answered besides crewai.com."""
    stream: bool
    """Whether executions started here are asked to send their events."""
    rules: tuple[RuleSettings, ...]
    """The first that is for a review counts for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the bot is told from outside."""

    slack: SlackSettings
    public_url: str | None
    """Ends without a slash."""
    database_url: str = field(repr=False)
    """An asynchronous SQLAlchemy URL; may hold a password."""
    host: str
    port: int
    crews: Mapping[str, CrewSettings]
    status_token: str | None = field(repr=False)
    """Opens the details of `/readyz`."""
    log_format: parsers.LogFormat
    log_level: parsers.LogLevel


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
    slack = SlackSettings(
        bot_token=env.take(table.SLACK_BOT_TOKEN),
        signing_secret=env.take(
            table.SLACK_SIGNING_SECRET, needed=table.SLACK_APP_TOKEN.name not in env
        ),
        app_token=env.take(table.SLACK_APP_TOKEN),
        api_url=env.take(table.SLACK_API_URL),
    )
    shared = _Shared(
        env,
        channel=env.take(table.SLACK_CHANNEL),
        reviewers=env.take(table.REVIEWERS),
        operators=env.take(table.OPERATORS),
        notify=env.take(table.NOTIFY),
    )
    settings = Settings(
        slack=slack,
        public_url=env.take(table.PUBLIC_URL),
        database_url=env.take(table.DATABASE_URL),
        host=env.take(table.HOST),
        port=env.take(table.PORT),
        crews=MappingProxyType(_crews(folder, shared)),
        status_token=env.take(table.STATUS_TOKEN),
        log_format=env.take(table.LOG_FORMAT),
        log_level=env.take(table.LOG_LEVEL),
    )
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


@dataclass(frozen=True, slots=True)
class _Shared:
    """What holds for crews that do not say it themselves."""

    env: Reader
    channel: str | None
    reviewers: tuple[ReviewerRef, ...]
    operators: tuple[ReviewerRef, ...]
    notify: Notify

    def complete(self, name: str, crew: Reader, values: dict[str, Any]) -> CrewSettings:
        """A crew's settings, from its values by field; notes what neither place says."""
        channel = values["channel"] or self.channel
        if channel is None and "channel" not in crew and table.SLACK_CHANNEL.name not in self.env:
            problem = f"missing; crew {name} names no channel: put its id (C…) or #name here"
            self.env.note(table.SLACK_CHANNEL.name, problem)
        operators = _unless_said(values["operators"], self.operators)
        if FLOW_SIGNATURE in crew:
            reviewers = self._reviewers_of_flows(crew, values["reviewers"], operators)
        else:
            reviewers = self._reviewers(name, crew, values["reviewers"])
        return CrewSettings(
            **{
                **values,
                "name": name,
                "channel": channel or "",
                "reviewers": reviewers,
                "operators": operators,
                "notify": values["notify"] or self.notify,
            }
        )

    def _reviewers_of_flows(
        self,
        crew: Reader,
        said: tuple[ReviewerRef, ...] | None,
        operators: tuple[ReviewerRef, ...],
    ) -> tuple[ReviewerRef, ...]:
        """Who may decide for a crew that takes flow requests, which assign people themselves."""
        reviewers = _unless_said(said, self.reviewers)
        # What is named and could not be read is noted already.
        named = (
            *(name in self.env for name in (table.REVIEWERS.name, table.OPERATORS.name)),
            *(crew.found.get(name) for name in ("reviewers", "operators")),
        )
        if not reviewers and not operators and not any(named):
            problem = "missing; put here who gets a request that assigns nobody, or name reviewers"
            crew.note("operators", problem)
        return reviewers

    def _reviewers(
        self, name: str, crew: Reader, said: tuple[ReviewerRef, ...] | None
    ) -> tuple[ReviewerRef, ...]:
        """Who may decide for a crew; notes it where that is nobody."""
        if said == ():
            crew.note("reviewers", f"empty, so nobody may decide; {parsers.REVIEWERS_HINT}")
        elif said is None and "reviewers" not in crew and table.REVIEWERS.name not in self.env:
            problem = f"missing; crew {name} names nobody who may decide: {parsers.REVIEWERS_HINT}"
            self.env.note(table.REVIEWERS.name, problem)
        return _unless_said(said, self.reviewers)


def _unless_said(
    said: tuple[ReviewerRef, ...] | None, default: tuple[ReviewerRef, ...]
) -> tuple[ReviewerRef, ...]:
    """An empty list is an answer too: nobody."""
    return default if said is None else said


def _crews(folder: Path, shared: _Shared) -> dict[str, CrewSettings]:
    env = shared.env
    named = env.take(table.CREWS_FILE)
    title = named or "crews.toml"
    file = folder / title
    single = any(setting.name in env for setting in table.SINGLE_CREW)
    crews: dict[str, CrewSettings] = {}
    if file.exists():
        crews |= _crews_of_file(file, title, shared, needed=not single)
    elif named is not None:
        problem = f"{parsers.shown(named)} does not exist; put a TOML file's path here"
        env.note(table.CREWS_FILE.name, problem)
    # Where nobody describes a crew, all that one needs is missing, and said at once.
    if single or (named is None and not file.exists()):
        crew = _crew_of_environment(shared)
        if crew.name in crews:
            problem = f"{title} has a crew {crew.name} too; put another name here"
            env.note(table.CREW_NAME.name, problem)
        crews[crew.name] = crew
    return crews


def _crew_of_environment(shared: _Shared) -> CrewSettings:
    env = shared.env
    name = env.take(table.CREW_NAME)
    values = {option.field: option.default for option in (*table.CREW, RULES)} | {
        "url": env.take(table.CREW_URL),
        "token": env.take(table.CREW_TOKEN),
        "webhook_secret": env.take(table.CREW_WEBHOOK_SECRET),
    }
    return shared.complete(name, Reader({}, env.problems), values)


def _crews_of_file(
    file: Path, title: str, shared: _Shared, *, needed: bool
) -> dict[str, CrewSettings]:
    problems = shared.env.problems
    toml = read_toml(file, title, problems)
    if toml is None:
        return {}
    top = Reader(toml.content, problems, f"{title}: ")
    top.refuse_unknown((table.CREWS.name,))
    tables = top.take(table.CREWS)
    if needed and not tables and not problems:
        top.note(table.CREWS.name, "no crew; describe each one in a table [crews.NAME]")
    crews: dict[str, CrewSettings] = {}
    for key, raw in (tables or {}).items():
        path = f"crews.{parsers.shown_key(key)}"
        try:
            name, content = parsers.parse_crew_name(key), parsers.parse_table(raw)
        except parsers.InvalidSetting as wrong:
            top.note(path, str(wrong))
        else:
            crew = Reader(content, problems, f"{title}: {path}.")
            crews[name] = _crew_of_table(name, crew, shared, toml)
    return crews


def _crew_of_table(name: str, crew: Reader, shared: _Shared, toml: TomlFile) -> CrewSettings:
    crew.refuse_unknown([option.name for option in (*table.CREW, RULES)])
    values: dict[str, Any] = {RULES.field: read_rules(crew, name, toml)}
    for option in table.CREW:
        parse = option.parse
        if option.names_variable:
            parse = parsers.value_of_variable(shared.env.found, parse)
        values[option.field] = crew.take(option, parse=parse)
    return shared.complete(name, crew, values)
