"""Slack's Web API: calls, their answers, pages and outcomes.

An answer that does not have the documented shape is an unknown outcome, like a lost answer.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from crewgate import USER_AGENT
from crewgate.domain.outcome import Delivered, NotSent, Outcome, RefusalKind, Refused, Unknown
from crewgate.domain.recorded import OUTCOMES
from crewgate.domain.retry import LONGEST_ASKED
from crewgate.logs import logged_call
from crewgate.metrics import slack_requests
from crewgate.network.client import why_no_connection

log = structlog.get_logger(__name__)

#: Seconds for one call to Slack: a post with its look-ups ends within the minute of its job.
SECONDS = 15
#: Seconds that an idle connection is kept, less than servers and proxies keep it: a call that is
#: sent while one of these closes it would lose its answer.
KEPT_SECONDS = 15

#: Codes by which Slack refuses the bot's token in every call, until somebody changes the token.
TOKEN_REFUSED = frozenset(
    {
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
SLOW = "ratelimited"
NO_SCOPE: Final = "missing_scope"
RATE_LIMITED = frozenset({SLOW, "rate_limited"})
#: Codes of Slack's own failures (empty: no code), after which the call may have taken effect.
LOST = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", ""})
#: The kinds of refusals by Slack's code; with any other code the call is tried again. CONTENT: the
#: message itself is at fault. From the pages of chat.postMessage, chat.update, conversations.open,
#: files.getUploadURLExternal and files.completeUploadExternal at
#: https://docs.slack.dev/reference/methods
KINDS: Mapping[str, RefusalKind] = {
    "invalid_attachments": RefusalKind.CONTENT,
    "invalid_blocks": RefusalKind.CONTENT,
    "invalid_blocks_format": RefusalKind.CONTENT,
    "metadata_too_large": RefusalKind.CONTENT,
    "msg_blocks_too_long": RefusalKind.CONTENT,
    "msg_too_long": RefusalKind.CONTENT,
    "no_text": RefusalKind.CONTENT,
    "message_not_found": RefusalKind.MESSAGE_GONE,
    "thread_not_found": RefusalKind.THREAD_GONE,
    "cannot_dm_bot": RefusalKind.PERMANENT,
    "cant_update_message": RefusalKind.PERMANENT,
    "edit_window_closed": RefusalKind.PERMANENT,
    "file_type_not_allowed": RefusalKind.PERMANENT,
    "file_upload_size_restricted": RefusalKind.PERMANENT,
    "file_uploads_disabled": RefusalKind.PERMANENT,
    "file_uploads_except_images_disabled": RefusalKind.PERMANENT,
    "message_limit_exceeded": RefusalKind.PERMANENT,
    "storage_limit_reached": RefusalKind.PERMANENT,
    "user_disabled": RefusalKind.PERMANENT,
    "user_not_found": RefusalKind.PERMANENT,
    "user_not_visible": RefusalKind.PERMANENT,
    "access_denied": RefusalKind.NOT_ALLOWED,
    "enterprise_is_restricted": RefusalKind.NOT_ALLOWED,
    NO_SCOPE: RefusalKind.NOT_ALLOWED,
    "no_permission": RefusalKind.NOT_ALLOWED,
    "not_allowed_token_type": RefusalKind.NOT_ALLOWED,
    "team_access_not_granted": RefusalKind.NOT_ALLOWED,
}

#: Matches Slack's codes, which are logged, counted and stored. Any other text may come from a proxy
#: and quote the call, so it is dropped.
_CODE = re.compile(r"[A-Za-z0-9_.:-]{0,100}")

#: The scopes that a workspace may leave out of the app, each with what does not work without it.
OPTIONAL_SCOPES: Final[Mapping[str, str]] = {
    "im:write": 'direct messages, cards mention the reviewers of `notify = "dm"` instead',
    "im:history": "finding a direct message whose answer was lost, so it may come twice",
    "files:write": "long outputs as files and numbers as CSV, *Read all* still shows an output",
    "reactions:write": "acknowledging a note, which still counts",
    "users:read.email": "people named by e-mail, who then decide nothing",
    "usergroups:read": "people named by user group, who then decide nothing",
}

MALFORMED = "Slack's answer is malformed"

Failure = NotSent | Refused | Unknown
Answer = AsyncSlackResponse | aiohttp.ClientResponse
Headers = Mapping[str, str]

#: The header with the token's scopes, which every answer to a call with a token has.
_SCOPES_HEADER = "x-oauth-scopes"


class CallFailed(Exception):
    """A failed call, with what is known about it.

    Its text is Slack's code, or the bot's own words: Slack's words may quote the call.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code if isinstance(failure, Refused) else failure.why)
        self.failure = failure


@asynccontextmanager
async def keep_connections() -> AsyncIterator[aiohttp.ClientSession]:
    """Yield shared connections: a new one costs three round trips and a certificate check.

    The number of connections has no limit, so that hanging calls delay no others.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=SECONDS),
    ) as session:
        yield session


def new_client(
    *, token: str, base_url: str, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    """Return a client without retries: the outbox retries, and knows when it may.

    (The SDK would repeat a post after a lost connection.) Without a session each call has a
    connection of its own.
    """
    return AsyncWebClient(
        token=token,
        base_url=base_url,
        timeout=SECONDS,
        session=session,
        retry_handlers=[],
        trust_env_in_session=True,
        user_agent_prefix=USER_AGENT,
    )


async def call(client: AsyncWebClient, method: str, **arguments: object) -> dict[str, Any]:
    return await attempt(client.api_call(method, json=arguments), method)


async def attempt(calling: Awaitable[AsyncSlackResponse], method: str = "") -> dict[str, Any]:
    """Await an answer of the SDK; `method` names the call in the log. Raises CallFailed."""
    data, _ = await _answer(calling, method)
    return data


async def granted_scopes(client: AsyncWebClient) -> tuple[dict[str, Any], frozenset[str] | None]:
    """Return the answer of `auth.test`, and the scopes in its header, if any. Raises CallFailed."""
    data, headers = await _answer(client.auth_test())
    listed = headers.get(_SCOPES_HEADER)
    if listed is None:
        return data, None
    return data, frozenset(scope.strip() for scope in listed.split(",") if scope.strip())


async def time_there(client: AsyncWebClient) -> datetime | None:
    """Return Slack's time from a response header, or None. Raises CallFailed."""
    _, headers = await _answer(client.auth_test())
    parts = parsedate_tz(headers.get("date", ""))
    return None if parts is None else datetime.fromtimestamp(mktime_tz(parts), UTC)


async def time_told(client: AsyncWebClient) -> datetime | None:
    try:
        return await time_there(client)
    except CallFailed:
        return None


async def _answer(
    calling: Awaitable[AsyncSlackResponse], method: str = ""
) -> tuple[dict[str, Any], Headers]:
    method = method or getattr(calling, "__name__", "").replace("_", ".")
    try:
        answer = await _answer_or_failure(calling, method)
    except CallFailed as error:
        slack_requests.labels(method, OUTCOMES[type(error.failure)]).inc()
        raise
    slack_requests.labels(method, OUTCOMES[Delivered]).inc()
    return answer


async def _answer_or_failure(
    calling: Awaitable[AsyncSlackResponse], method: str
) -> tuple[dict[str, Any], Headers]:
    try:
        with logged_call(host="Slack", method=method):
            async with asyncio.timeout(SECONDS):
                answer = await calling
    except SlackApiError as error:
        # `from None` drops the SDK's error: its text has the whole answer, and may quote the call.
        raise CallFailed(_classify(error.response)) from None
    except (aiohttp.ClientConnectorError, aiohttp.ClientConnectorSSLError) as error:
        raise CallFailed(NotSent(f"Slack cannot be reached: {why_no_connection(error)}")) from error
    except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
        raise CallFailed(Unknown(f"Slack's answer was lost: {type(error).__name__}")) from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # The SDK raises these if an answer does not have the shape that it expects.
        raise CallFailed(Unknown(MALFORMED)) from error
    if not isinstance(answer.data, dict):
        raise CallFailed(Unknown(MALFORMED))
    return answer.data, {name.lower(): value for name, value in answer.headers.items()}


async def outcome_of(calling: Awaitable[object]) -> Outcome:
    try:
        await calling
    except CallFailed as error:
        return error.failure
    return Delivered()


def _classify(response: Answer) -> Failure:
    if isinstance(response, aiohttp.ClientResponse):
        status, data = response.status, {}
    else:
        status = response.status_code
        data = response.data if isinstance(response.data, dict) else {}
    code = data.get("error", "")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return Unknown(MALFORMED)
    if status == 429 or code in RATE_LIMITED:  # noqa: PLR2004
        return NotSent("Slack asks to slow down", _retry_after(response), code=SLOW, alone=True)
    if code in TOKEN_REFUSED:
        return NotSent(f"Slack refuses this bot: {code}", code=code)
    if code in LOST:
        return Unknown(
            f"Slack failed ({status} {code})".replace(" )", ")"), code=code or str(status)
        )
    off = OPTIONAL_SCOPES.keys() & set(str(data.get("needed")).split(","))
    if code == NO_SCOPE and off:
        return Refused(code, ", ".join(sorted(off)), RefusalKind.OFF)
    return Refused(code, _words(data), KINDS.get(code, RefusalKind.OTHER))


def _retry_after(response: Answer) -> timedelta:
    """The pause that Slack asks for (docs.slack.dev/apis/web-api/rate-limits)."""
    try:
        asked = timedelta(seconds=max(1, int(response.headers["Retry-After"])))
        return min(asked, LONGEST_ASKED)
    except (KeyError, ValueError, OverflowError):
        return timedelta(seconds=1)


def _words(data: dict[str, Any]) -> str:
    metadata = data.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    words = "; ".join(map(str, messages)) if isinstance(messages, list) else ""
    return words or str(data.get("error"))


def text_at(answer: Mapping[str, Any], *path: str) -> str:
    found: object = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found:
        raise malformed(*path)
    return found


_TS: Final = re.compile(r"[0-9]{1,11}\.[0-9]{1,9}")


def has_ts(message: Mapping[str, Any]) -> bool:
    """Return True if a message's `ts` is a Slack time, by which it is known."""
    ts = message.get("ts")
    return isinstance(ts, str) and _TS.fullmatch(ts) is not None


def ts_at(message: Mapping[str, Any]) -> str:
    if not has_ts(message):
        raise malformed("ts")
    return text_at(message, "ts")


def list_at(answer: Mapping[str, Any], name: str) -> list[object]:
    found = answer.get(name)
    if not isinstance(found, list):
        raise malformed(name)
    return found


def object_in(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def objects_in(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    parts = found.get(name)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def next_cursor(answer: Mapping[str, Any]) -> str:
    metadata = answer.get("response_metadata") or {}
    cursor = (metadata.get("next_cursor") or "") if isinstance(metadata, dict) else None
    if not isinstance(cursor, str):
        raise malformed("next_cursor")
    return cursor


def malformed(*path: str) -> CallFailed:
    return CallFailed(Unknown(f"{MALFORMED}: {'.'.join(path)}"))


#: Entries on a page: Slack accepts a `limit` of at most 999.
#: https://docs.slack.dev/reference/methods/conversations.members
PAGE_SIZE: Final = 999
#: The most pages that are read, as a broken cursor may never end; later pages are missed.
MOST_PAGES: Final = 200


async def pages(
    client: AsyncWebClient, method: str, **arguments: object
) -> AsyncIterator[dict[str, Any]]:
    cursor = ""
    for _ in range(MOST_PAGES):
        asked = {**arguments, "limit": PAGE_SIZE} | ({"cursor": cursor} if cursor else {})
        page = await attempt(client.api_call(method, params=asked), method)
        yield page
        cursor = next_cursor(page)
        if not cursor:
            return
    log.warning("channel_too_large", method=method, **arguments)


async def channel_named(client: AsyncWebClient, name: str, *, team_id: str | None) -> str | None:
    """Return the id of a channel that the bot is in, or None. Raises CallFailed.

    https://docs.slack.dev/reference/methods/users.conversations
    """
    asked = {"types": "public_channel,private_channel", "exclude_archived": True}
    async for page in pages(client, "users.conversations", team_id=team_id, **asked):
        for one in objects_in(page, "channels"):
            if one.get("name") == name:
                return text_at(one, "id")
    return None
