"""Every setting: its name, how it is read, its default and what it means.

The rows of `docs/settings.md` and the keys of `crews.example.toml` are written from here, with
`python -m crewgate.settings.document`. A new option of a crew is a row here and the field of
`CrewSettings` that it fills.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crewgate.domain.notify import Notify
from crewgate.domain.people import ReviewerRef
from crewgate.settings import parsers
from crewgate.settings.flow_options import FLOW_OPTIONS
from crewgate.settings.setting import CrewOption, Setting

_BOT_TOKEN: Final = "the Bot User OAuth Token (xoxb-…, Slack's page OAuth & Permissions)"  # noqa: S105 - a hint
_APP_TOKEN: Final = "the app-level token (xapp-…, Slack's page Basic Information)"  # noqa: S105 - the same

SLACK_BOT_TOKEN: Final = Setting(
    name="SLACK_BOT_TOKEN",
    parse=parsers.token_like("xoxb-", _BOT_TOKEN),
    default="",
    missing=_BOT_TOKEN,
    meaning="`xoxb-…`",
)
SLACK_SIGNING_SECRET: Final[Setting[str | None]] = Setting(
    name="SLACK_SIGNING_SECRET",
    parse=parsers.parse_signing_secret,
    default=None,
    missing="the Signing Secret (Slack's page Basic Information), or set SLACK_APP_TOKEN",
    meaning="verifies requests at `POST /slack/events`",
    default_text="required without `SLACK_APP_TOKEN`",
)
SLACK_APP_TOKEN: Final[Setting[str | None]] = Setting(
    name="SLACK_APP_TOKEN",
    parse=parsers.token_like("xapp-", _APP_TOKEN),
    default=None,
    meaning=(
        "`xapp-…`; when set, Slack is reached over Socket Mode and `/slack/events` is not served"
    ),
)
SLACK_API_URL: Final = Setting(
    name="SLACK_API_URL",
    parse=parsers.parse_folder_url,
    default="https://slack.com/api/",
    meaning="base of the Web API (for proxies, GovSlack, tests)",
)
SLACK_CHANNEL: Final[Setting[str | None]] = Setting(
    name="SLACK_CHANNEL",
    parse=parsers.parse_channel,
    default=None,
    meaning="where reviews go: an id or `#name`",
    default_text="required unless every crew names one",
)
PUBLIC_URL: Final[Setting[str | None]] = Setting(
    name="PUBLIC_URL",
    parse=parsers.parse_base_url,
    default=None,
    meaning=(
        "where crews reach this bot, e.g. `https://bot.example.com`; needed to kick off crews; with"
        " it, a resume carries this bot's own webhook URLs where nobody else gave any"
    ),
)
DATABASE_URL: Final = Setting(
    name="DATABASE_URL",
    parse=parsers.parse_database_url,
    default="sqlite+aiosqlite:///crewgate.db",
    meaning=(
        "SQLite (driver aiosqlite) or PostgreSQL (driver asyncpg; `postgres://` and `postgresql://`"
        " accepted)"
    ),
    default_text="`sqlite:///crewgate.db`",
)
HOST: Final = Setting(
    name="HOST",
    parse=parsers.parse_text,
    default="0.0.0.0",  # noqa: S104 - in containers
    meaning="where the bot listens",
)
PORT: Final = Setting(
    name="PORT", parse=parsers.parse_port, default=3000, meaning="where the bot listens"
)
CREWS_FILE: Final[Setting[str | None]] = Setting(
    name="CREWS_FILE",
    parse=parsers.parse_text,
    default=None,
    meaning="several crews",
    default_text="`crews.toml` where it exists",
)
CREW_URL: Final = Setting(
    name="CREW_URL",
    parse=parsers.parse_base_url,
    default="",
    missing="the crew's address (several crews: describe them in crews.toml instead)",
    meaning="one crew without a file: its address",
    default_text="required without a crews file",
)
CREW_TOKEN: Final = Setting(
    name="CREW_TOKEN",
    parse=parsers.parse_secret,
    default="",
    missing="the bearer token that the crew expects",
    meaning="the bearer token that crew expects",
    default_text="required with `CREW_URL`",
)
CREW_WEBHOOK_SECRET: Final = Setting(
    name="CREW_WEBHOOK_SECRET",
    parse=parsers.parse_webhook_secret,
    default="",
    missing="the secret that the crew must present to this bot (`openssl rand -hex 32` makes one)",
    meaning="what that crew must present to this bot, 16 characters or more",
    default_text="required with `CREW_URL`",
)
CREW_NAME: Final = Setting(
    name="CREW_NAME",
    parse=parsers.parse_crew_name,
    default="crew",
    meaning="its name, part of this bot's addresses",
)
REVIEWERS: Final[Setting[tuple[ReviewerRef, ...]]] = Setting(
    name="REVIEWERS",
    parse=parsers.parse_reviewers,
    default=(),
    meaning=(
        "who may decide, for crews that name nobody: user ids, e-mails, user-group ids (`S…`),"
        " comma-separated; `*` = anyone in the channel, save guests and people of other"
        " organisations. A crew with no reviewers at all does not start: open to everyone must be"
        " said aloud"
    ),
    default_text="none",
)
OPERATORS: Final[Setting[tuple[ReviewerRef, ...]]] = Setting(
    name="OPERATORS",
    parse=parsers.parse_reviewers,
    default=(),
    meaning=(
        "who looks after crews that name no operators, named like reviewers; they may read what"
        " those crews do, and decide only if they are reviewers too"
    ),
    default_text="none",
)
NOTIFY: Final = Setting(
    name="NOTIFY",
    parse=parsers.parse_notify,
    default=Notify.MENTION,
    meaning="`mention`, `dm` or `none`, for crews that do not say; see [`notify`](#crews)",
)
STATUS_TOKEN: Final[Setting[str | None]] = Setting(
    name="STATUS_TOKEN",
    parse=parsers.parse_status_token,
    default=None,
    meaning=(
        "bearer token for the details of `/readyz`, 16 characters or more; without it only this"
        " machine itself is told, and nobody where `PUBLIC_URL` is another's"
    ),
)
LOG_FORMAT: Final[Setting[parsers.LogFormat]] = Setting(
    name="LOG_FORMAT",
    parse=parsers.parse_log_format,
    default="console",
    meaning="`json` for machines",
)
LOG_LEVEL: Final[Setting[parsers.LogLevel]] = Setting(
    name="LOG_LEVEL",
    parse=parsers.parse_log_level,
    default="info",
    meaning="`debug`, `info`, `warning` or `error`",
)

SINGLE_CREW: Final[tuple[Setting[Any], ...]] = (
    CREW_URL,
    CREW_TOKEN,
    CREW_WEBHOOK_SECRET,
    CREW_NAME,
)
"""One crew without a file: any of these makes it exist."""

ENVIRONMENT: Final[tuple[Setting[Any], ...]] = (
    SLACK_BOT_TOKEN,
    SLACK_SIGNING_SECRET,
    SLACK_APP_TOKEN,
    SLACK_API_URL,
    SLACK_CHANNEL,
    PUBLIC_URL,
    DATABASE_URL,
    HOST,
    PORT,
    CREWS_FILE,
    *SINGLE_CREW,
    REVIEWERS,
    OPERATORS,
    NOTIFY,
    STATUS_TOKEN,
    LOG_FORMAT,
    LOG_LEVEL,
)
"""Every variable that is read, save those that `crews.toml` names."""

CREWS: Final[Setting[Mapping[str, object] | None]] = Setting(
    name="crews",
    parse=parsers.parse_table,
    default=None,
    meaning="a table for each crew",
)
"""The only thing at the top of `crews.toml`."""

CREW: Final[tuple[CrewOption, ...]] = (
    CrewOption(
        name="url",
        field="url",
        parse=parsers.parse_base_url,
        default="",
        missing="the crew's address",
        meaning="the crew's address",
        example='"https://research-crew.crewai.com"',
    ),
    CrewOption(
        name="token_env",
        field="token",
        names_variable=True,
        parse=parsers.parse_secret,
        default="",
        missing="the name of the variable with the bearer token that the crew expects",
        meaning="name of the variable with the bearer token the crew expects",
        example='"RESEARCH_CREW_TOKEN"',
    ),
    CrewOption(
        name="webhook_secret_env",
        field="webhook_secret",
        names_variable=True,
        parse=parsers.parse_webhook_secret,
        default="",
        missing="the name of the variable with the secret that the crew must present",
        meaning=(
            "name of the variable with what the crew must present to this bot, 16 characters or"
            " more"
        ),
        example='"RESEARCH_WEBHOOK_SECRET"',
    ),
    CrewOption(
        name="channel",
        field="channel",
        parse=parsers.parse_channel,
        default=None,
        meaning="where its reviews go",
        default_text="`SLACK_CHANNEL`",
        example='"C0123456789"',
    ),
    CrewOption(
        name="reviewers",
        field="reviewers",
        parse=parsers.parse_reviewers,
        default=None,
        meaning=(
            'who may decide, a list of user ids, e-mails and user-group ids; `"*"` in it = anyone'
            " in the channel, save guests and people of other organisations. An empty list is"
            " nobody, and stops the start of a crew that takes no flow requests"
        ),
        default_text="`REVIEWERS`",
        example='["U0123456789", "lead@example.com", "S0123456789"]',
    ),
    CrewOption(
        name="task_webhook_url",
        field="task_webhook_url",
        parse=parsers.parse_url,
        default=None,
        meaning="sent with every resume, unless the execution has another",
        example='"https://hooks.example.com/task"',
    ),
    CrewOption(
        name="step_webhook_url",
        field="step_webhook_url",
        parse=parsers.parse_url,
        default=None,
        meaning="the same for step webhooks",
        example='"https://hooks.example.com/step"',
    ),
    CrewOption(
        name="crew_webhook_url",
        field="crew_webhook_url",
        parse=parsers.parse_url,
        default=None,
        meaning="the same for crew webhooks",
        example='"https://hooks.example.com/crew"',
    ),
    CrewOption(
        name="resend_human_input_webhook",
        field="resend_human_input_webhook",
        parse=parsers.parse_flag,
        default=True,
        meaning="whether a resume carries `humanInputWebhook` too",
        example="true",
    ),
    CrewOption(
        name="kickers",
        field="starters",
        parse=parsers.parse_reviewers,
        default=None,
        meaning=(
            "who may start this crew with `/crew kickoff`, a list like `reviewers`; an empty one is"
            " nobody"
        ),
        default_text="`reviewers`",
        example='["U0123456789", "S0123456789"]',
    ),
    CrewOption(
        name="operators",
        field="operators",
        parse=parsers.parse_reviewers,
        default=None,
        meaning=(
            "who looks after this crew, a list like `reviewers`; they may read what it does. An"
            " empty one is nobody"
        ),
        default_text="`OPERATORS`",
        example='["S0PLATFORM1"]',
    ),
    CrewOption(
        name="notify",
        field="notify",
        parse=parsers.parse_notify,
        default=None,
        meaning=(
            "how the reviewers are told that a round waits: `mention` mentions them once on its"
            " card, `dm` sends each (50 at most) a private message with the buttons, `none` leaves"
            " it to them to look. A review's later rounds are in its thread; with `none`, or where"
            " nobody is named but `*`, in the channel too"
        ),
        default_text="`NOTIFY`",
        example='"mention"',
    ),
    CrewOption(
        name="forward",
        field="forward",
        parse=parsers.parse_flag,
        default=False,
        meaning=(
            "take the crew's task, step and crew webhooks here and forward each to the URL the"
            " caller gave; needs `PUBLIC_URL`"
        ),
        example="false",
    ),
    *FLOW_OPTIONS,
)
"""Every key of a crew in `crews.toml`, save its rules."""
