"""The outcome of a request, from its HTTP answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from crewgate.crewai.payloads import parse_error
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.redaction import Redactor
from crewgate.domain.retry import LONGEST_ASKED
from crewgate.network.client import Answer
from crewgate.usecases.ports.base import LARGE, OffLoop

T = TypeVar("T")

ParseSuccess = Callable[[int, bytes, str], Delivered | Refused | Unknown]
"""Reads status, body and content type of a 2xx."""


def outcome_of(answer: Answer, *, parse: ParseSuccess, now: datetime) -> Outcome:
    """Return the outcome of an answer that is free of secrets already."""
    match answer.status:
        case _ if answer.is_success:
            return parse(answer.status, answer.body, answer.content_type)
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            wait = _wait(answer.retry_after, now)
            return NotSent(str(answer.status), wait, words=error_words(answer))
        # A gateway's way to say that the crew behind it took too long.
        case HTTPStatus.REQUEST_TIMEOUT:
            return Unknown(str(answer.status), words=error_words(answer), code=str(answer.status))
        case code if 300 <= code < 500:  # noqa: PLR2004
            return Refused(str(code), error_words(answer))
    return Unknown(str(answer.status), words=error_words(answer), code=str(answer.status))


async def redacted(answer: Answer, redactor: Redactor, off_loop: OffLoop) -> Answer:
    """Take secrets out of an answer before it is cut: half of a secret would not be recognised."""
    return replace(answer, body=await read_body(redactor.body, answer.body, off_loop))


async def read_body(read: Callable[[bytes], T], body: bytes, off_loop: OffLoop) -> T:
    """Read a small body on the event loop, a large one in a thread."""
    return read(body) if len(body) <= LARGE else await off_loop(read, body)


def error_words(answer: Answer) -> str:
    if words := parse_error(answer.body):
        return words
    phrases = {status.value: status.phrase for status in HTTPStatus}
    return phrases.get(answer.status, "no reason given")


def _wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """Read `Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3); LONGEST_ASKED at most."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        # Longer numbers are not worth reading.
        wait = timedelta(seconds=int(text)) if len(text) <= 6 else LONGEST_ASKED  # noqa: PLR2004
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(wait, LONGEST_ASKED))
