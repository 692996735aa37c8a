"""Lines that strangers can cause are written once a minute, so that nobody fills the log."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Final

import structlog

#: What can be brought about without knowing any secret, or from another workspace.
BY_STRANGERS: Final = frozenset(
    {
        "connection_closed",
        "flow_signature_refused",
        "no_flow_secret",
        "no_http",
        "other_team",
        "slack_signature_refused",
        "wrong_caller",
        "wrong_credentials",
        "wrong_event_key",
    }
)
#: How long nothing more of a kind is written, in seconds.
WINDOW: Final = 60
_COUNTED: Final = "_counted"


class LogLimit:
    """A processor of structlog's: at most one line a window of each kind of `events`.

    A kind is an event of one crew, so there are no more than crews in the settings. At the end of
    a window in which some were left out, a line says how many (`left_out`).
    """

    def __init__(self, events: Collection[str] = BY_STRANGERS, *, window: float = WINDOW) -> None:
        self._events = events
        self._window = window
        self._left_out: dict[tuple[str, object], int] = {}
        """By kind, while its window lasts."""

    def __call__(
        self,
        logger: structlog.typing.WrappedLogger,
        method: str,
        event: structlog.typing.EventDict,
    ) -> structlog.typing.EventDict:
        """Raises DropEvent."""
        if event.pop(_COUNTED, False) or event["event"] not in self._events:
            return event
        kind = (event["event"], event.get("crew"))
        if kind in self._left_out:
            self._left_out[kind] += 1
            raise structlog.DropEvent
        self._open(kind, structlog.get_logger(logger.name), method, dict(event))
        return event

    def _open(
        self,
        kind: tuple[str, object],
        log: structlog.stdlib.BoundLogger,
        method: str,
        event: dict[str, Any],
    ) -> None:
        self._left_out[kind] = 0
        loop = asyncio.get_running_loop()
        loop.call_later(self._window, self._close, kind, log, method, event)

    def _close(
        self,
        kind: tuple[str, object],
        log: structlog.stdlib.BoundLogger,
        method: str,
        event: dict[str, Any],
    ) -> None:
        left_out = self._left_out.pop(kind)
        if left_out:
            self._open(kind, log, method, event)
            getattr(log, method)(**event, left_out=left_out, **{_COUNTED: True})
