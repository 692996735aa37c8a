"""`crewgate check`: asks Slack, each crew and the database, a line each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from slack_sdk.web.async_client import AsyncWebClient

from bot.crewai.client import HttpCrew
from bot.crewai.transport import open_client
from bot.crews import build_redactors
from bot.domain.errors import StoreUnavailable
from bot.domain.outcome import NotSent, Refused
from bot.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from bot.logs import printable
from bot.runtime import utc_now
from bot.settings.load import Settings
from bot.slack.client.answers import text_at
from bot.slack.client.web_api import CallFailed, attempt, new_client
from bot.store.engine import open_readers
from bot.store.failures import translate_errors
from bot.store.migrate import HEAD
from bot.store.tables import email_owners
from bot.usecases.read_models import CrewUnavailable

#: What to do about Slack's error codes; the rest are shown as they are.
_ADVICE = {
    "account_inactive": "the bot was removed from the workspace; install it again",
    "channel_not_found": "no such channel, or a private one: /invite the bot, or fix the id",
    "invalid_auth": "put the bot token of this workspace into SLACK_BOT_TOKEN",
    "is_archived": "unarchive the channel or name another",
    "missing_scope": "reinstall the app with the manifest's scopes",
    "not_authed": "put the bot token into SLACK_BOT_TOKEN",
    "not_in_channel": "/invite the bot into the channel",
    "token_revoked": "install the app again and put its new token into SLACK_BOT_TOKEN",
    "users_not_found": "nobody in the workspace has this e-mail address",
    "user_not_found": "no such user in this workspace",
    "no_such_subteam": "no such user group",
    "subteam_not_found": "no such user group",
}


ANYBODY = "anybody in the channel, save guests and people of other organisations"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `problem` says what is wrong and what to do."""

    subject: str
    problem: str | None = None
    remark: str = ""


async def check(settings: Settings) -> int:
    """Print one line for each thing asked; 1 if anything is wrong."""
    failed = False
    async for finding in _findings(settings):
        failed = failed or finding.problem is not None
        mark, text = ("✗", finding.problem) if finding.problem else ("✓", finding.remark)
        line = f"{mark} {finding.subject}: {text}" if text else f"{mark} {finding.subject}"
        print(printable(line))  # noqa: T201
    return int(failed)


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("settings", remark=f"{len(settings.crews)} crew(s)")
    yield await _database(settings.database_url)
    slack = new_client(token=settings.slack.bot_token, base_url=settings.slack.api_url)
    identity = await _identity(slack)
    yield identity
    if settings.slack.app_token:
        yield await _socket(slack, settings.slack.app_token)
    if identity.problem is None:
        for channel in sorted({crew.channel for crew in settings.crews.values()}):
            yield await _channel(slack, channel)
        owners = await _owners(settings.database_url)
        for ref in sorted(_named(settings), key=str):
            yield await _reviewer(slack, ref, owners)
    redactors = build_redactors(settings)
    async with open_client() as http:
        for crew in settings.crews.values():
            client = HttpCrew(
                http, crew.url, crew.token, clock=utc_now, redactor=redactors[crew.name]
            )
            answer = await client.inputs()
            if isinstance(answer, CrewUnavailable):
                yield Finding(f"crew “{crew.name}”", f"{answer.why}; check its url and token")
            else:
                yield Finding(f"crew “{crew.name}”", remark=f"answers; inputs: {', '.join(answer)}")
    if settings.public_url is None:
        yield Finding(
            "PUBLIC_URL",
            remark="not set: crews are not given this bot's own webhook addresses",
        )


async def _database(url: str) -> Finding:
    subject = "database"
    engine = open_readers(url)
    if engine is None:
        return Finding(subject, remark="no file yet; it is made at the first start")
    try:
        with translate_errors():
            async with engine.connect() as connection:
                version = await connection.scalar(
                    sa.text("SELECT version_num FROM alembic_version")
                )
    except sa.exc.ProgrammingError:
        return Finding(subject, remark="empty; it is filled at the first start")
    except StoreUnavailable as error:
        return Finding(subject, f"{error}; check DATABASE_URL")
    finally:
        await engine.dispose()
    behind = "" if version == HEAD else f", will be migrated from {version} to {HEAD}"
    return Finding(subject, remark=f"answers{behind}")


async def _identity(slack: AsyncWebClient) -> Finding:
    try:
        answer = await attempt(slack.auth_test())
    except CallFailed as error:
        return Finding("slack", _what_to_do(error))
    return Finding("slack", remark=f"{answer.get('user')} in {answer.get('team')}")


async def _socket(slack: AsyncWebClient, app_token: str) -> Finding:
    try:
        await attempt(slack.apps_connections_open(app_token=app_token))
    except CallFailed as error:
        return Finding(
            "slack socket",
            f"{error}; put an app-level token with connections:write into SLACK_APP_TOKEN",
        )
    return Finding("slack socket", remark="can be opened")


async def _channel(slack: AsyncWebClient, channel: str) -> Finding:
    subject = f"channel {channel}"
    if channel.startswith("#"):
        return Finding(subject, remark="cannot be looked into by name; an id lets me check it")
    try:
        await attempt(slack.conversations_history(channel=channel, limit=1))
        await attempt(slack.conversations_members(channel=channel, limit=1))
    except CallFailed as error:
        return Finding(subject, _what_to_do(error))
    return Finding(subject, remark="readable")


def _named(settings: Settings) -> set[ReviewerRef]:
    """Everybody whom the settings name, in whatever role."""
    return {
        ref
        for crew in settings.crews.values()
        for ref in (*crew.reviewers, *(crew.starters or ()), *crew.operators)
    }


async def _owners(database_url: str) -> Mapping[str, str]:
    """Whom addresses stand for, by address; nothing while there is no such table."""
    engine = open_readers(database_url)
    if engine is None:
        return {}
    try:
        with translate_errors():
            async with engine.connect() as connection:
                return {
                    row.address: row.user_id
                    for row in await connection.execute(sa.select(email_owners))
                }
    except (sa.exc.ProgrammingError, StoreUnavailable):
        return {}  # what is wrong with the database is said once
    finally:
        await engine.dispose()


async def _reviewer(slack: AsyncWebClient, ref: ReviewerRef, owners: Mapping[str, str]) -> Finding:
    subject = f"reviewer {ref}"
    try:
        match ref:
            case User(id):
                await attempt(slack.users_info(user=id))
            case UserGroup(id):
                await attempt(slack.usergroups_users_list(usergroup=id))
            case Email(address):
                answer = await attempt(slack.users_lookupByEmail(email=address))
                account = text_at(answer, "user", "id")
                if owners.get(address.lower(), account) != account:
                    return Finding(subject, _moved(address, owners[address.lower()], account))
            case Anyone():
                return Finding(subject, remark=ANYBODY)
    except CallFailed as error:
        return Finding(subject, _what_to_do(error))
    return Finding(subject)


def _moved(address: str, known: str, account: str) -> str:
    return (
        f"the address is {account}'s now and was {known}'s; if that is right:"
        f" crewgate check --confirm-reviewer {address} {account}"
    )


def _what_to_do(error: CallFailed) -> str:
    failure = error.failure
    if isinstance(failure, Refused | NotSent) and failure.code in _ADVICE:
        return f"{failure.code}: {_ADVICE[failure.code]}"
    return str(failure.words if isinstance(failure, Refused) else failure.why)
