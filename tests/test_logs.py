"""Logs: what comes from outside cannot steer the terminal that shows them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from crewgate.domain.redaction import MARK, Redactor
from crewgate.logs import printable, set_up_logging


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
    sdk.info("A retry handler found: X for POST https://hooks.slack.com/actions/T1/1/SECRET - no")
    sdk.error("Failed to connect (url='wss://wss.slack.com/link/?ticket=SECRET&app_id=SECRET')")

    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert "wss://wss.slack.com/link/?…')" in json.loads(written)["event"]
    assert "SECRET" not in written
