"""Settings from the environment and `.env`: what is enough, and what is named when it is wrong."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from crewgate.domain.people import Anyone, Email, Notify, User, UserGroup
from crewgate.settings.load import SettingsError, load, load_to_read
from tests.settings.environments import ENOUGH, Load, problem, problems


def test_little_is_enough(load_with: Load) -> None:
    settings = load_with()
    assert settings.slack_bot_token == "xoxb-secret-1"
    assert settings.slack_signing_secret == "secret-2"
    assert settings.slack_app_token is None
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.public_url is None
    assert settings.database_url == "sqlite+aiosqlite:///crewgate.db"
    assert (settings.host, settings.port) == ("0.0.0.0", 3000)  # noqa: S104 - the default
    assert (settings.log_format, settings.log_level) == ("console", "info")
    (crew,) = settings.crews.values()
    assert (crew.name, crew.url) == ("crew", "https://crew.example.com")
    assert (crew.token, crew.webhook_secret) == ("secret-3", "secret-4-of-a-crew")
    assert (crew.channel, crew.reviewers) == ("#reviews", (Anyone(),))
    assert crew.notify is Notify.MENTION
    assert crew.resend_human_input
    assert (crew.task_webhook_url, crew.step_webhook_url, crew.crew_webhook_url) == (None,) * 3


def test_everything_can_be_said(load_with: Load) -> None:
    settings = load_with(
        SLACK_APP_TOKEN="xapp-1",
        SLACK_API_URL="http://127.0.0.1:9/api",
        PUBLIC_URL="https://bot.example.com/",
        HOST="127.0.0.1",
        PORT="8080",
        CREW_NAME="research",
        REVIEWERS=" U012, lead@example.com ,S0123,U012 ",
        OPERATORS="S0PLATFORM, U012",
        NOTIFY="DM",
        RETENTION="90d",
        LOG_FORMAT="JSON",
        LOG_LEVEL="Debug",
    )
    assert settings.slack_app_token == "xapp-1"
    assert settings.slack_api_url == "http://127.0.0.1:9/api/"
    assert settings.public_url == "https://bot.example.com"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.crews["research"].reviewers == (
        User("U012"),
        Email("lead@example.com"),
        UserGroup("S0123"),
    )
    assert settings.crews["research"].operators == (UserGroup("S0PLATFORM"), User("U012"))
    assert settings.crews["research"].notify is Notify.DM
    assert settings.crews["research"].retention == timedelta(days=90)
    assert (settings.log_format, settings.log_level) == ("json", "debug")


def test_who_reads_a_copy_needs_its_address_alone(tmp_path: Path) -> None:
    address = {"DATABASE_URL": "sqlite:///copy.db", "AUDIT_KEY": "0f" * 32}
    settings = load_to_read(address, tmp_path)
    assert settings.database_url == "sqlite+aiosqlite:///copy.db"
    assert (settings.audit_key, settings.crews) == ("0f" * 32, {})
    assert load_to_read(ENOUGH | address, tmp_path).crews
    with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN"):
        load_to_read({}, tmp_path)
    with pytest.raises(SettingsError, match=r"^AUDIT_KEY: [^\n]*$"):
        load_to_read(address | {"AUDIT_KEY": "1"}, tmp_path)


def test_settings_are_frozen_and_show_no_secret(load_with: Load) -> None:
    settings = load_with(SLACK_APP_TOKEN="xapp-secret-7", DATABASE_URL="postgres://a:secret-8@h/d")
    assert "secret-" not in repr(settings)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.crews["crew"] = settings.crews["crew"]  # type: ignore[index]


def test_the_process_s_own_environment_and_folder_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in ENOUGH.items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".env").write_text("CREW_NAME=from-file\n", encoding="utf-8")
    assert "from-file" in load().crews


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-"),
        ("SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"),
        ("SLACK_CHANNEL", "#name"),
        ("CREW_URL", "the crew's address"),
        ("CREW_TOKEN", "bearer token"),
        ("CREW_WEBHOOK_SECRET", "present to this bot"),
        ("REVIEWERS", "* to let anybody"),
    ],
)
@pytest.mark.parametrize("absent", [None, "", "  "])
def test_what_is_missing_is_named(
    load_with: Load, name: str, hint: str, absent: str | None
) -> None:
    line = problem(load_with, **{name: absent})
    assert line.startswith(f"{name}: missing")
    assert hint in line


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-secret-9", "does not start with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxb-", "does not start with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxb-secret- 9", "spaces"),
        ("SLACK_APP_TOKEN", "xoxb-secret-9", "does not start with xapp-"),
        ("SLACK_SIGNING_SECRET", "secret-ü", "unusual characters"),
        ("SLACK_SIGNING_SECRET", "xoxb-secret-9", "this is a token; put the Signing Secret"),
        ("SLACK_SIGNING_SECRET", "xapp-secret-9", "this is a token"),
        ("SLACK_SIGNING_SECRET", "xoxe.xoxp-secret-9", "this is a token"),
        ("CREW_WEBHOOK_SECRET", "secret-9-secret", "it has 15 characters, and needs 16 or more"),
        ("STATUS_TOKEN", "x", "it has 1 character, and needs 16 or more"),
        ("SLACK_CHANNEL", "reviews", "put #reviews or its id"),
        ("SLACK_CHANNEL", "#Reviews", "put #name or its id"),
        ("SLACK_CHANNEL", "D0123456789", "is no channel"),
        ("SLACK_TEAM", "E0123456789", "is no workspace; put its id (T…)"),
        ("SLACK_API_URL", "slack.com/api", "https://"),
        ("PUBLIC_URL", "ftp://bot.example.com", "https://"),
        ("PUBLIC_URL", "https://", "https://"),
        ("PUBLIC_URL", "https://bot.example.com:port", "https://"),
        ("PUBLIC_URL", "https://bot example.com", "https://"),
        ("PUBLIC_URL", "https://[bot", "https://"),
        ("PUBLIC_URL", "https://bot.example.com/?a=1", "without its ?"),
        ("CREW_URL", "crew.example.com", "https://"),
        ("CREW_TOKEN", "Bearer secret-9", "without 'Bearer'"),
        ("CREW_NAME", "my crew", "64 letters"),
        ("CREW_NAME", "n" * 65, "64 letters"),
        ("DATABASE_URL", "mysql://h/secret-9", "put sqlite:///FILE or postgresql://"),
        ("DATABASE_URL", "sqlite://crewgate.db", "put sqlite:///FILE"),
        ("DATABASE_URL", "sqlite:///", "put sqlite:///FILE"),
        ("DATABASE_URL", "postgres://", "put sqlite:///FILE"),
        ("DATABASE_URL", "postgres://h/d?channel_binding=require", "'channel_binding'"),
        ("PORT", "0", "a number from 1 to 65535"),
        ("PORT", "65536", "a number from 1 to 65535"),
        ("METRICS_PORT", "3000", "leave it out to have /metrics beside the rest"),
        ("PORT", "٣", "a number from 1 to 65535"),
        ("PORT", "http\nx" * 20, "'http\\nx"),
        ("REVIEWERS", "U012, @ana", "'@ana' is no reviewer"),
        ("REVIEWERS", ",", "is no reviewer"),
        ("OPERATORS", "@ana", "'@ana' is no operator; put user ids (U…), e-mails and user-group"),
        ("PUBLIC_URL", "https://b.example/crews/a/human-input", "it ends in /crews/a/human-input;"),
        ("PUBLIC_URL", "https://b.example/x/slack/events/", "it ends in /slack/events; put the"),
        ("NOTIFY", "email", "'email' is unknown; put mention or dm or none"),
        ("RETENTION", "90", "'90' is no time in days; put one like \"90d\""),
        ("LOG_FORMAT", "xml", "console or json"),
        ("LOG_LEVEL", "loud", "debug or info or warning or error"),
    ],
)
def test_what_is_malformed_is_named(load_with: Load, name: str, value: str, hint: str) -> None:
    line = problem(load_with, **{name: value})
    assert line.startswith(f"{name}: ")
    assert hint in line


def test_each_problem_has_its_line_and_slack_comes_first(load_with: Load) -> None:
    lines = problems(load_with, base={})
    assert [line.partition(":")[0] for line in lines] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "CREW_URL",
        "CREW_TOKEN",
        "CREW_WEBHOOK_SECRET",
        "SLACK_CHANNEL",
        "REVIEWERS",
    ]


def test_socket_mode_needs_no_signing_secret(load_with: Load) -> None:
    settings = load_with(SLACK_APP_TOKEN="xapp-1", SLACK_SIGNING_SECRET=None)
    assert settings.slack_signing_secret is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("sqlite:///data/x.db", "sqlite+aiosqlite:///data/x.db"),
        ("sqlite:////data/x.db", "sqlite+aiosqlite:////data/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgres://u:p%40@h:5432/d", "postgresql+asyncpg://u:p%40@h:5432/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql+asyncpg://h/d?ssl=prefer", "postgresql+asyncpg://h/d?ssl=prefer"),
        ("postgres:///d?host=%2Frun", "postgresql+asyncpg:///d?host=%2Frun"),
    ],
)
def test_database_addresses_get_their_asynchronous_driver(
    load_with: Load, written: str, read: str
) -> None:
    assert load_with(DATABASE_URL=written).database_url == read


def test_dotenv_knows_quotes_and_comments_and_yields_to_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "\ufeff# a comment\n"
        "export SLACK_CHANNEL=#from-file  # where\n"
        "CREW_TOKEN='secret ${HOME}'\n"
        'CREW_NAME="from-file"\n'
        "PORT=4000\r\n"
        "HOST\n",
        encoding="utf-8",
    )
    environ = {**ENOUGH, "SLACK_CHANNEL": "", "PORT": "5000", "CREW_TOKEN": "secret-${HOME}"}
    settings = load(environ, tmp_path)
    assert settings.crews["from-file"].channel == "#from-file"
    assert settings.port == 5000
    assert settings.crews["from-file"].token == "secret-${HOME}"


def test_a_dotenv_line_that_nobody_understands_is_named(load_with: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=4000\nCREW_TOKEN='secret-\n", encoding="utf-8")
    assert problem(load_with).startswith(".env, line 2: not understood")


def test_a_dotenv_that_is_not_utf_8_is_named(load_with: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"HOST=\xff\n")
    assert problem(load_with) == ".env: cannot be read; it is not UTF-8"
