"""Frozen settings, read once from the environment, `.env` and `crews.toml`.

Only the modules that start or check the bot import this; all others get their settings passed in.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from crewgate.domain.errors import CrewgateError
from crewgate.domain.parsers import (
    REVIEWERS_HINT,
    InvalidSetting,
    Setting,
    metadata_of,
    one_of,
    parse_channel,
    parse_operators,
    parse_retention,
    parse_reviewers,
    parse_text,
    setting,
    shown,
    shown_key,
)
from crewgate.domain.people import Notify, ReviewerRef
from crewgate.domain.redaction import SHORTEST, is_secret_variable
from crewgate.encryption import MAKE_KEY, parse_secret_keys
from crewgate.settings import crew as crew_options
from crewgate.settings import parsers
from crewgate.settings.crew import CrewSettings, read_rules
from crewgate.settings.options import Option, Reader, options_of
from crewgate.settings.sources import TomlFile, read_dotenv, read_toml, without_empty

LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

_BOT_TOKEN: Final = "the Bot User OAuth Token (xoxb-…, Slack's page OAuth & Permissions)"  # noqa: S105 - a hint
_APP_TOKEN: Final = "the app-level token (xapp-…, Slack's page Basic Information)"  # noqa: S105 - the same


class SettingsError(CrewgateError):
    """Settings are missing or malformed; each line reports one problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The bot's settings, one for each environment variable, and the crews."""

    slack_bot_token: str = field(
        repr=False,
        metadata=metadata_of(
            parsers.token_like("xoxb-", _BOT_TOKEN),
            "the Bot User OAuth Token (`xoxb-…`), from Slack's page “OAuth & Permissions”",
            missing=_BOT_TOKEN,
        ),
    )
    slack_signing_secret: str | None = parsers.secret(
        parsers.parse_signing_secret,
        "the Signing Secret, from “Basic Information”; verifies requests at `POST /slack/events`",
        missing="the Signing Secret (Slack's page Basic Information), or set SLACK_APP_TOKEN",
        default="required without `SLACK_APP_TOKEN`",
    )
    slack_signing_secret_previous: str | None = parsers.secret(
        parsers.parse_signing_secret,
        "the Signing Secret before, accepted too while it is [rotated](run.md#rotate-secrets)",
    )
    slack_app_token: str | None = parsers.secret(
        parsers.token_like("xapp-", _APP_TOKEN),
        "an app-level token (`xapp-…`) with `connections:write`, from “Basic Information”;"
        " when set, Slack is reached over Socket Mode and `/slack/events` is not served",
    )
    slack_channel: str | None = parsers.optional(
        parse_channel,
        "where reviews go: an id or `#name`",
        default="required unless every crew names one",
    )
    slack_team: str | None = parsers.optional(
        parsers.parse_team,
        "the workspace of this bot, by its id (`T…`): needed only where the app is installed to an"
        " [organisation](install.md#in-an-organisation) and is in several of its workspaces",
    )
    slack_api_url: str = setting(
        "https://slack.com/api/",
        parsers.parse_folder_url,
        "base of the Web API (for proxies, GovSlack, tests)",
    )
    """The address ends with a slash."""
    crew_url: str | None = parsers.optional(
        parsers.parse_base_url,
        "one crew without a file: its address",
        missing="the crew's address (several crews: describe them in crews.toml instead)",
        default="required without a crews file",
    )
    crew_token: str | None = parsers.secret(
        parsers.parse_secret,
        "the bearer token that crew expects",
        missing="the bearer token that the crew expects",
        default="required with `CREW_URL`",
    )
    crew_webhook_secret: str | None = parsers.secret(
        parsers.parse_webhook_secret,
        "what that crew must present to this bot, 16 characters or more;"
        " `openssl rand -hex 32` makes some",
        missing="the secret that the crew must present to this bot (`openssl rand -hex 32` makes"
        " one)",
        default="required with `CREW_URL`",
    )
    crew_webhook_secret_previous: str | None = parsers.secret(
        parsers.parse_webhook_secret,
        "what that crew presented before, accepted too while it is rotated",
    )
    crew_name: str = setting(
        "crew",
        parsers.parse_crew_name,
        "its name, part of this bot's addresses: `/crews/NAME/human-input`",
    )
    crews_file: str | None = parsers.optional(
        parse_text, "several crews", default="`crews.toml` where it exists", example="crews.toml"
    )
    reviewers: tuple[ReviewerRef, ...] = setting(
        (),
        parse_reviewers,
        "who may decide, for crews that name nobody: user ids, e-mails, user-group ids"
        " (`S…`), comma-separated; `*` = anyone in the channel, except guests and people of"
        " other organisations. A crew with no reviewers at all does not start: open to"
        " everyone must be said aloud",
    )
    operators: tuple[ReviewerRef, ...] = setting(
        (),
        parse_operators,
        "who looks after crews that name no operators, named like reviewers; they may read"
        " what those crews do, and decide only if they are reviewers too",
    )
    notify: Notify = setting(
        Notify.MENTION,
        one_of(tuple(Notify)),
        "how reviewers are told that a round waits, for crews that do not say: `mention`,"
        " `dm` (a private message to each) or `none`; see [`notify`](#crews)",
    )
    retention: timedelta | None = parsers.optional(
        parse_retention,
        "how long texts of an execution stay after its end, for crews that do not say, as"
        " `90d`; see [`retention`](#crews)",
        default="for ever",
        example="90d",
    )
    public_url: str | None = parsers.optional(
        parsers.parse_public_url,
        "where crews reach this bot, e.g. `https://bot.example.com`; needed to kick off crews;"
        " with it, a resume carries this bot's own webhook URLs where nobody else gave any",
        example="https://bot.example.com",
    )
    """The address ends without a slash."""
    database_url: str = setting(
        "sqlite+aiosqlite:///crewgate.db",
        parsers.parse_database_url,
        "`sqlite:///FILE` (driver aiosqlite) or `postgresql://USER:PASSWORD@HOST/DATABASE`"
        " (driver asyncpg; `postgres://` too)",
        default="`sqlite:///crewgate.db`",
        example="sqlite:///crewgate.db",
        hidden=True,
    )
    """An asynchronous SQLAlchemy URL, which may hold a password."""
    audit_channel: str | None = parsers.optional(
        parse_channel,
        "where the head of the [audit trail](audit.md) is posted within the hour: an id or `#name`",
        example="C0123456789",
    )
    audit_key: str | None = parsers.secret(
        parsers.parse_audit_key,
        "signs that head: 32 bytes in hex, as `openssl rand -hex 32` prints",
        default="with SQLite a file made once beside the database; with PostgreSQL none",
    )
    secret_keys: tuple[str, ...] = setting(
        (),
        parse_secret_keys,
        "encrypt the [credentials in the database](run.md#credentials-in-the-database):"
        f" comma-separated, the newest first; `{MAKE_KEY}` prints one",
        hidden=True,
    )
    host: str = setting("0.0.0.0", parse_text, "where the bot listens")  # noqa: S104 - in containers
    port: int = setting(3000, parsers.parse_port, "where the bot listens")
    metrics_port: int | None = parsers.optional(
        parsers.parse_port,
        "another port, where [`/metrics`](#metrics) listens for whoever reaches"
        " it, instead of beside the rest",
    )
    otel_exporter_otlp_endpoint: str | None = parsers.optional(
        parsers.parse_base_url,
        "where [traces](#traces) go, by OTLP over HTTP; needs the extra `crewgate[otel]`",
    )
    """The address ends without a slash."""
    status_token: str | None = parsers.secret(
        parsers.parse_status_token,
        "bearer token for the details of `/readyz` and for `/metrics`, 16 characters or more;"
        " without it only this machine itself is told, and nobody where `PUBLIC_URL` is another's",
    )
    log_format: LogFormat = setting(
        "console", one_of(get_args(LogFormat)), "`console`, or `json` for machines"
    )
    log_level: LogLevel = setting(
        "info", one_of(get_args(LogLevel)), "`debug`, `info`, `warning` or `error`"
    )
    crews: Mapping[str, CrewSettings]
    doubts: tuple[str, ...] = ()
    """Valid settings that may be mistakes, each with advice."""

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """The secrets that may sign Slack's requests, the newest first."""
        both = (self.slack_signing_secret, self.slack_signing_secret_previous)
        return tuple(filter(None, both))


VARIABLES: Final = tuple(
    replace(option, name=option.field.upper()) for option in options_of(Settings)
)
"""All variables except those that `crews.toml` names."""
SINGLE_CREW: Final = ("CREW_URL", "CREW_TOKEN", "CREW_WEBHOOK_SECRET", "CREW_NAME")
"""Variables of a crew without a file: any of these creates the crew."""
_ROTATED: Final = ("webhook_secret", "flow_webhook_secret")
_REMOVED: Final = {"stream": "is no longer there: webhooks and the status say as much; take it out"}
CREWS: Final = Option(
    field="crews",
    name="crews",
    default=None,
    setting=Setting(parsers.parse_table, "a table for each crew"),
)


def load(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read the settings; the environment wins over `.env`, and an empty value counts as unset.

    Raises SettingsError.
    """
    folder = Path.cwd() if cwd is None else cwd
    problems: list[str] = []
    env = _variables(environ, folder, problems)
    title = str(env.found.get("CREWS_FILE", "crews.toml"))
    has_file = (folder / title).exists()
    # Beside a crews file only CREW_URL means one more crew: the other variables of a single crew
    # may be leftovers, or variables that the file names.
    single = "CREW_URL" in env if has_file else any(name in env for name in SINGLE_CREW)
    # If nothing describes a crew, one is read from the environment, so that all missing variables
    # are reported at once.
    of_environment = single or not (has_file or "CREWS_FILE" in env)
    unread = () if of_environment else SINGLE_CREW
    values = {
        option.field: option.default
        if option.name in unread
        else env.take(
            option, needed=not (option.name == "SLACK_SIGNING_SECRET" and "SLACK_APP_TOKEN" in env)
        )
        for option in VARIABLES
    }
    shared = Settings(**values, crews={})
    if shared.metrics_port == shared.port:
        env.note("METRICS_PORT", "this is PORT; leave it out to have /metrics beside the rest")
    crews: dict[str, CrewSettings] = {}
    if has_file:
        crews |= _crews_of_file(folder / title, title, env, shared, needed=not single)
    elif "CREWS_FILE" in env:
        env.note("CREWS_FILE", f"{shown(title)} does not exist; put a TOML file's path")
    if of_environment:
        if shared.crew_name in crews:
            problem = f"{title} has a crew {shared.crew_name} too; put another name"
            env.note("CREW_NAME", problem)
        crews[shared.crew_name] = _crew_of_environment(env, shared)
    if problems:
        raise SettingsError("\n".join(problems))
    text = (folder / title).read_text(encoding="utf-8-sig") if has_file else ""
    doubts = (*_leftovers(env, title, text), *_misspelt(env, text), *_too_short(env, text))
    return replace(shared, crews=MappingProxyType(crews), doubts=doubts)


def load_to_read(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read the settings; if some are wrong, only the settings that reading the database needs.

    Raises SettingsError.
    """
    try:
        return load(environ, cwd)
    except SettingsError:
        problems: list[str] = []
        env = _variables(environ, Path.cwd() if cwd is None else cwd, problems)
        if "DATABASE_URL" not in env:
            raise
        needed = [option for option in VARIABLES if option.name in ("DATABASE_URL", "AUDIT_KEY")]
        found = {option.field: env.take(option) for option in needed}
        if problems:
            raise SettingsError("\n".join(problems)) from None
        return Settings(slack_bot_token="", crews={}, **found)


def _variables(environ: Mapping[str, str] | None, folder: Path, problems: list[str]) -> Reader:
    dotenv = read_dotenv(folder / ".env", problems)
    given = os.environ if environ is None else environ
    return Reader({**without_empty(dotenv), **without_empty(given)}, problems)


def _leftovers(env: Reader, title: str, file: str) -> Iterator[str]:
    """Yield a warning of SINGLE_CREW's variables beside a crews file, for both are seldom meant."""
    named = re.findall(r"[\"'](CREW_[A-Z_]+)[\"']", file)
    found = [name for name in SINGLE_CREW if name in env and name not in named]
    if file and "CREW_URL" in env:
        yield (
            f"{', '.join(found)} describe one more crew beside those of {title}; take them out if"
            " that is not meant"
        )
    elif file and found:
        yield f"not read beside {title}, so take out what is left over: {', '.join(found)}"


def _misspelt(env: Reader, file: str) -> Iterator[str]:
    """Yield a warning for each unknown variable with a name close to an unset setting."""
    unset = [option.name for option in VARIABLES if option.name not in env]
    known = {option.name for option in VARIABLES}
    for name in sorted(env.found.keys() - known):
        near = difflib.get_close_matches(name, unset, n=1, cutoff=0.85)
        if near and name.removesuffix("_PREVIOUS") not in file:
            yield f"{name} is not read; did you mean {near[0]}?"


def _too_short(env: Reader, file: str) -> Iterator[str]:
    """Yield a warning for each secret of a host on this machine that stays in all texts."""
    of_bot = {*SINGLE_CREW, *(option.name for option in VARIABLES)}
    for name in sorted(env.found.keys() - of_bot):
        is_short = len(str(env.found[name])) < SHORTEST and is_secret_variable(name)
        if is_short and name not in file:
            yield (
                f"{name} has fewer than {SHORTEST} characters, so `crewgate host` takes it out of"
                " no text; use a longer one"
            )


def _crew_of_environment(env: Reader, shared: Settings) -> CrewSettings:
    values = {option.field: option.default for option in crew_options.OPTIONS} | {
        "url": shared.crew_url,
        "token": shared.crew_token,
        "webhook_secret": shared.crew_webhook_secret,
        "webhook_secret_previous": shared.crew_webhook_secret_previous,
    }
    return _complete(shared.crew_name, Reader({}, env.problems), values, env, shared)


def _crews_of_file(
    file: Path, title: str, env: Reader, shared: Settings, *, needed: bool
) -> dict[str, CrewSettings]:
    toml = read_toml(file, title, env.problems)
    if toml is None:
        return {}
    top = Reader(toml.content, env.problems, f"{title}: ")
    top.refuse_unknown((CREWS.name,))
    tables = top.take(CREWS)
    if needed and not tables and not env.problems:
        top.note(CREWS.name, "no crew; describe each one in a table [crews.NAME]")
    crews: dict[str, CrewSettings] = {}
    for key, raw in (tables or {}).items():
        path = f"crews.{shown_key(key)}"
        try:
            name, content = parsers.parse_crew_name(key), parsers.parse_table(raw)
        except InvalidSetting as wrong:
            top.note(path, str(wrong))
        else:
            crew = Reader(content, env.problems, f"{title}: {path}.", variables=env.found)
            crews[name] = _crew_of_table(name, crew, toml, env, shared)
    return crews


def _crew_of_table(
    name: str, crew: Reader, toml: TomlFile, env: Reader, shared: Settings
) -> CrewSettings:
    crew.refuse_unknown([option.name for option in crew_options.OPTIONS], _REMOVED)
    values = {option.field: crew.take(option) for option in crew_options.OPTIONS}
    for option in crew_options.OPTIONS:
        if option.field in _ROTATED:
            values[f"{option.field}_previous"] = _previous(option, crew, env)
    values["rules"], values["places"] = read_rules(values["rules"], crew, name, toml)
    if ("url" in crew) != ("token_env" in crew):
        missing = "token_env" if "url" in crew else "url"
        crew.note(missing, "missing; a crew has both, or none if its decisions are fetched")
    return _complete(name, crew, values, env, shared)


def _previous(option: Option, crew: Reader, env: Reader) -> str | None:
    """Return the previous secret, from the variable with `_PREVIOUS` at its end."""
    name = f"{crew.found.get(option.name)}_PREVIOUS"
    if name not in env:
        return None
    try:
        found: str = option.setting.parse(env.found[name])
    except InvalidSetting as wrong:
        env.note(name, str(wrong))
        return None
    return found


def _complete(
    name: str, crew: Reader, values: dict[str, Any], env: Reader, shared: Settings
) -> CrewSettings:
    """Return a crew's settings, including shared settings; note the missing settings."""
    for option in crew_options.OPTIONS:
        # An empty list is a value too: it names nobody, and the shared value does not replace it.
        if option.setting.shared and option.name not in crew:
            values[option.field] = getattr(shared, option.setting.shared.lower())
    if "channel" not in crew and "SLACK_CHANNEL" not in env:
        problem = f"missing; the crew “{name}” names no channel: put its id (C…) or #name"
        env.note("SLACK_CHANNEL", problem)
    if "flow_webhook_secret_env" in crew:
        # A flow's request may assign people. For requests that assign nobody, reviewers or
        # operators are enough, so one of these settings must be there.
        given = (crew.found.get(key) for key in ("reviewers", "operators"))
        if not any((*given, "REVIEWERS" in env, "OPERATORS" in env)):
            problem = "missing; put who gets a request that assigns nobody, or name reviewers"
            crew.note("operators", problem)
    elif values["reviewers"] == () and "reviewers" in crew:
        crew.note("reviewers", f"empty, so nobody may decide; {REVIEWERS_HINT}")
    elif "reviewers" not in crew and "REVIEWERS" not in env:
        problem = f"missing; the crew “{name}” names nobody who may decide: {REVIEWERS_HINT}"
        env.note("REVIEWERS", problem)
    return CrewSettings(**values, name=name)
