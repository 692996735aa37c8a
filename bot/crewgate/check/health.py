"""`crewgate health`: asks whether the bot on this machine is ready, for a container."""

import http.client
import json
import socket
import threading
from contextlib import closing, suppress
from typing import Final

from crewgate.settings.load import Settings

#: The time limit in seconds, a bit less than a container's health check has.
_SECONDS: Final = 8
#: The most of an answer that is read: another program may listen on the bot's port.
_MOST_BYTES: Final = 2**20


def ask_health(settings: Settings, *, seconds: float = _SECONDS) -> tuple[bool, list[str]]:
    """Return True if the bot is ready, and the lines of its answer; blocks an event loop.

    An answer that is not whole after `seconds` is cut off, however steadily its bytes come.
    Containers run this every half minute: it uses no proxy, and imports few modules.
    """
    host, port = local_address(settings)
    headers = {"Authorization": f"Bearer {settings.status_token}"} if settings.status_token else {}
    with closing(http.client.HTTPConnection(host, port, timeout=seconds)) as connection:
        timer = threading.Timer(seconds, lambda: _cut_off(sock))
        timer.daemon = True
        try:
            connection.connect()
            sock = connection.sock
            timer.start()
            connection.request("GET", "/readyz", headers=headers)
            answer = connection.getresponse()
            lines = _lines(json.loads(answer.read(_MOST_BYTES)))
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            return False, [f"no bot answers on port {port}: {why}"]
        except (ValueError, RecursionError):
            lines = []
        finally:
            timer.cancel()
    if not lines:
        return False, [f"what answers on port {port} is no Crewgate"]
    return answer.status == http.HTTPStatus.OK, lines


def _cut_off(sock: socket.socket) -> None:
    with suppress(OSError):  # the answer has just come to its end
        sock.shutdown(socket.SHUT_RDWR)


def _lines(health: object) -> list[str]:
    """Return the status and the details; nothing of an answer that is not a Crewgate's."""
    match health:
        case {"status": "ready" | "not_ready" as status, **more}:
            details = more.get("details", [])
            if isinstance(details, list) and all(isinstance(one, str) for one in details):
                return [status, *details]
    return []


def local_address(settings: Settings) -> tuple[str, int]:
    everywhere = settings.host in {"0.0.0.0", "::", ""}  # noqa: S104 - nothing listens here
    return "127.0.0.1" if everywhere else settings.host, settings.port
