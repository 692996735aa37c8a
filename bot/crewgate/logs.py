"""Logging: a line for each event, with ids and codes, never with tokens, outputs or feedback.

No event has a secret on purpose; the last step before a line is written removes secrets that came
along, such as in an error's own words.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from time import perf_counter
from typing import Final, Literal, TextIO

import structlog

log = structlog.get_logger(__name__)

#: Libraries that log, below WARNING, bodies, headers and secret addresses, such as the address that
#: comes with a click: with it anybody can answer the click in the bot's name.
_QUIET = (
    *("aiohttp", "aiosqlite", "alembic", "asyncio", "crewai_core"),
    *("httpcore", "httpx", "slack_bolt", "slack_sdk", "sqlalchemy"),
)
#: Matches the address of Slack's socket, which is logged on a failure: its ticket is cut off.
_SOCKET_ADDRESS = re.compile(r"(wss?://[^\s?'\"<>]*\?)[^\s'\"<>]*")
#: Events that strangers or other workspaces can cause without any secret: LogLimit limits them.
BY_STRANGERS: Final = frozenset(
    {"connection_closed", "flow_request_too_large", "flow_signature_refused", "no_flow_secret"}
    | {"no_http", "other_team", "slack_signature_refused", "slack_timestamp_refused"}
    | {"unknown_crew", "wrong_caller", "wrong_credentials", "wrong_event_key"}
)
#: The window of `LogLimit`, in seconds.
WINDOW: Final = 60
_COUNTED: Final = "_counted"
_WARNINGS: Final = frozenset({"warning", "error", "exception", "critical"})


def set_up_logging(
    form: Literal["console", "json"],
    level: str,
    *,
    redact: Callable[[str], str],
    count: Callable[[str], None] = lambda _event: None,
) -> None:
    """Send the log to standard error, as lines for people or as JSON for machines.

    Every finished line goes through `redact`, with its traceback. `count` gets the event of each
    warning and error, even of left-out lines; for a library, its name.
    """

    def count_warning(
        _logger: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if method in _WARNINGS and _COUNTED not in event:
            record = event.get("_record")
            count(event["event"] if record is None else record.name.partition(".")[0])
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    for_people = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=_traceback
    )
    renderers: list[structlog.typing.Processor] = (
        [_escape_fields, for_people]
        if form == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            count_warning,
            structlog.stdlib.filter_by_level,
            LogLimit(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[count_warning, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderers,
                lambda _logger, _method, line: _SOCKET_ADDRESS.sub(r"\1…", redact(str(line))),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


@contextmanager
def logged_call(**about: object) -> Iterator[dict[str, object]]:
    """Log an outside call with its duration at level `debug`; the `with` body may add fields."""
    began = perf_counter()
    try:
        yield about
    finally:
        if logging.getLogger(__name__).isEnabledFor(logging.DEBUG):
            log.debug("called", **about, ms=round(1000 * (perf_counter() - began)))


def printable(text: str) -> str:
    """Escape, as Python does, every character that would steer a terminal or be unseen."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _escape_fields(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape fields, which come from outside; the console renderer writes them as they are."""
    return {
        key: printable(value) if isinstance(value, str) else value for key, value in event.items()
    }


def _traceback(sio: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    """Write a traceback, each line escaped, without the local variables that structlog prints."""
    written = StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    sio.write("\n".join(map(printable, written.getvalue().split("\n"))))


class LogLimit:
    """A processor of structlog's: at most one line per window for each kind of `events`.

    Strangers can cause these events, and must not fill the log. A kind is an event of a crew, so
    there are few kinds. A window ends with the number of left-out lines (`left_out`).
    """

    def __init__(self, events: Collection[str] = BY_STRANGERS, *, window: float = WINDOW) -> None:
        self._events = events
        self._window = window
        self._left_out: dict[tuple[str, object], int] = {}
        """The number of left-out lines by kind, while its window lasts."""

    def __call__(
        self, logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if event.pop(_COUNTED, False) or event["event"] not in self._events:
            return event
        kind = (event["event"], event.get("crew"))
        if kind in self._left_out:
            self._left_out[kind] += 1
            raise structlog.DropEvent
        repeat = partial(getattr(structlog.get_logger(logger.name), method), **event)
        self._open(kind, repeat)
        return event

    def _open(self, kind: tuple[str, object], repeat: Callable[..., None]) -> None:
        self._left_out[kind] = 0
        asyncio.get_running_loop().call_later(self._window, self._close, kind, repeat)

    def _close(self, kind: tuple[str, object], repeat: Callable[..., None]) -> None:
        left_out = self._left_out.pop(kind)
        if left_out:
            self._open(kind, repeat)
            repeat(left_out=left_out, **{_COUNTED: True})
