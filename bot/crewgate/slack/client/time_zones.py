"""Where people are: the time zone that somebody has set in Slack."""

import asyncio
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.client.answers import text_at
from crewgate.slack.client.web_api import CallFailed, attempt

log = structlog.get_logger(__name__)

#: How long a person waits for it, in seconds: a form must be opened within 3 s.
ASK_SECONDS: Final = 1


async def time_zone_of(client: AsyncWebClient, user: str) -> ZoneInfo | None:
    """A person's time zone; None when Slack does not say in time, or none that there is.

    https://docs.slack.dev/reference/objects/user-object
    """
    try:
        async with asyncio.timeout(ASK_SECONDS):
            answer = await attempt(client.users_info(user=user))
        return ZoneInfo(text_at(answer, "user", "tz"))
    except TimeoutError:
        why = "no answer in time"
    except CallFailed as error:
        why = str(error)
    # A folder's name and one that leads out of the database are refused in these ways.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        why = type(error).__name__
    log.info("time_zone_not_found", why=why)
    return None
