"""Logs: nothing from outside steers the terminal that shows them, holds a secret or fills them."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from crewgate.domain.redaction import MARK, Redactor
from crewgate.logs import LogLimit, printable, set_up_logging


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    loggers = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    levels = {one: one.level for one in loggers}
    yield
    root.handlers, root.level = handlers, level
    for logger in root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.setLevel(levels.get(logger, logging.NOTSET))
    structlog.reset_defaults()


NASTY = "e-1\x1b[2J\x9b31m\r\nfake line\u202e\u200b\x00"


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_control_character_reaches_a_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("console" if form == "console" else "json", "info", redact=str)
    log = structlog.get_logger("crewgate.test")

    log.info("notification", execution=NASTY, several=[NASTY], ours="as it is")
    logging.getLogger("elsewhere").warning("odd %s", NASTY)

    written = capsys.readouterr().err
    assert len(written.splitlines()) == 2
    assert all(line.isprintable() for line in written.splitlines())
    assert "e-1" in written
    assert "as it is" in written


def test_a_traceback_keeps_its_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("console", "info", redact=str)
    try:
        int(NASTY)
    except ValueError:
        structlog.get_logger("crewgate.test").exception("failed")

    written = capsys.readouterr().err
    assert "Traceback" in written
    assert "ValueError" in written
    assert all(line.isprintable() for line in written.split("\n"))


def test_what_can_be_printed_stays() -> None:
    assert printable("é שלום 👍 [x]") == "é שלום 👍 [x]"
    assert printable("\x1b\u202e\n") == "\\x1b\\u202e\\n"


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_secret_reaches_a_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "whsec_first\"second'third\\é"  # opens nothing; no digits, which a time may hold too
    redactor = Redactor([secret])
    set_up_logging("console" if form == "console" else "json", "info", redact=redactor.text)
    log = structlog.get_logger("crewgate.test")

    log.info("asked", why=f"no {secret}", several=[secret], deep={"body": (secret,)})
    log.info(secret)
    logging.getLogger("elsewhere").warning("odd %s", secret)
    error = RuntimeError(f"of {secret!r}")
    error.__cause__ = ValueError(secret)
    log.error("failed", exc_info=error)

    written = capsys.readouterr().err
    assert "first" not in written
    assert "third" not in written
    assert "RuntimeError" in written
    assert written.count(MARK) >= 7
    if form == "json":
        assert [json.loads(line)["level"] for line in written.splitlines()][-1] == "error"


def test_no_address_that_opens_something_reaches_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("json", "info", redact=str)
    sdk = logging.getLogger("slack_sdk.webhook.async_client")
    logging.getLogger("crewai_core.settings").info("Using config path: /home/SECRET")
    sdk.info("A retry handler found: X for POST https://hooks.slack.com/actions/T1/1/SECRET - no")
    sdk.error("Failed to connect (url='wss://wss.slack.com/link/?ticket=SECRET&app_id=SECRET')")

    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert "wss://wss.slack.com/link/?…')" in json.loads(written)["event"]
    assert "SECRET" not in written


@pytest.mark.parametrize("level", ["debug", "error"])
async def test_every_warning_and_error_counts_and_no_other_line(level: str) -> None:
    counted: list[str] = []
    set_up_logging("json", level, redact=str, count=counted.append)
    log = structlog.get_logger("crewgate.test")
    for _ in range(3):
        log.warning("wrong_credentials", crew="research")  # one line a minute at most
    log.info("notification")
    log.error("loop_died", loop="home")
    try:
        int("x")
    except ValueError:
        log.exception("listener_failed")
    logging.getLogger("aiohttp.server").error("Error handling %s", "a request")
    logging.getLogger("aiohttp.server").info("A request")

    assert counted == [*["wrong_credentials"] * 3, "loop_died", "listener_failed", "aiohttp"]


Line = tuple[str, str | None, int]


class Written(list[Line]):
    """A written line: its event, its crew, and the number of further lines that it counts."""

    def __init__(self) -> None:
        super().__init__()
        self.grew = asyncio.Event()

    def __call__(
        self, _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        assert not [key for key in event if key.startswith("_counted")]
        self.append((event["event"], event.get("crew"), event.get("left_out", 0)))
        self.grew.set()
        raise structlog.DropEvent


@pytest.fixture
def written() -> Iterator[Written]:
    lines = Written()
    structlog.configure(
        processors=[LogLimit({"refused"}, window=0.05), lines],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    yield lines
    structlog.reset_defaults()


async def until(written: Written, count: int) -> None:
    """Until so many lines were written; windows end by themselves."""
    async with asyncio.timeout(60):
        while len(written) < count:
            written.grew.clear()
            await written.grew.wait()


async def test_a_line_a_window_and_the_number_of_those_left_out(written: Written) -> None:
    log = structlog.get_logger("crewgate.test")
    for _ in range(1_000):
        log.warning("refused", crew="research")
    log.warning("refused", crew="writing")
    assert written == [("refused", "research", 0), ("refused", "writing", 0)]
    await until(written, 3)
    assert written[2:] == [("refused", "research", 999)]
    log.warning("refused", crew="research")
    assert len(written) == 3
    await until(written, 4)
    assert written[3:] == [("refused", "research", 1)]


async def test_what_comes_seldom_is_written_at_once(written: Written) -> None:
    log = structlog.get_logger("crewgate.test")
    log.info("refused")
    log.info("other")
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.call_later(0.06, ended.set)
    await ended.wait()
    log.info("refused")
    assert written == [("refused", None, 0), ("other", None, 0), ("refused", None, 0)]


async def test_every_other_line_is_written(written: Written) -> None:
    log = structlog.get_logger("crewgate.test")
    for _ in range(100):
        log.warning("notification", crew="research")
    assert written == [("notification", "research", 0)] * 100
