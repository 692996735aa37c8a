"""`crewgate health`: whether the bot on this machine is ready, for a container's health check."""

import http.client
import json
from contextlib import closing
from typing import Final

from crewgate.settings.load import Settings

#: What a container's health check waits for, in seconds, and a bit less.
_SECONDS: Final = 8


def ask_health(settings: Settings) -> tuple[bool, list[str]]:
    """Return whether the bot is ready, and what it says; the caller is no event loop.

    It is asked directly: no proxy of the environment, and few imports, for this is run every half
    minute.
    """
    host, port = local_address(settings)
    headers = {"Authorization": f"Bearer {settings.status_token}"} if settings.status_token else {}
    with closing(http.client.HTTPConnection(host, port, timeout=_SECONDS)) as connection:
        try:
            connection.request("GET", "/readyz", headers=headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
            said = [told["status"], *told.get("details", ())]
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            return False, [f"no bot answers on port {port}: {why}"]
        except (ValueError, LookupError, TypeError):
            return False, [f"what answers on port {port} is no Crewgate"]
    return answer.status == http.HTTPStatus.OK, [str(line) for line in said]


def local_address(settings: Settings) -> tuple[str, int]:
    """Return where a bot of this machine listens."""
    everywhere = settings.host in {"0.0.0.0", "::", ""}  # noqa: S104 - nothing listens here
    return "127.0.0.1" if everywhere else settings.host, settings.port
