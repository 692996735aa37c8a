"""Faults that can be injected into the stand-in crew.

Every fault says whether the request is carried out (`applied`) before things go wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES = ("/", "/inputs", "/kickoff", "/status", "/resume", "/crewai_plus")


class How(Enum):
    """The ways to fail."""

    STATUS = auto()
    HANG = auto()
    DROP = auto()
    SLOW = auto()
    GARBAGE = auto()
    ECHO = auto()


class Echo(Enum):
    """The part of an answer that repeats the request."""

    INPUT = auto()
    """As FastAPI does when it does not accept a body: in `input`, beside what is wrong."""
    MESSAGE = auto()
    """In the words for people."""
    TEXT = auto()
    """As a proxy does when it is asked to say more: head and body, with nothing around them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail."""

    how: How
    applied: bool = False
    code: int = 200
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0
    echo: Echo = Echo.INPUT

    def answer_to(self, head: str, body: str) -> object:
        """Return an echo's answer to a request: text, or JSON."""
        match self.echo:
            case Echo.INPUT:
                problem = {"type": "value_error", "loc": ["body"], "msg": "Input is not valid"}
                return {"detail": [{**problem, "input": _json_or_text(body)}]}
            case Echo.MESSAGE:
                return {"error": "Rejected", "message": f"Rejected: {head} {body}"}
            case Echo.TEXT:
                return f"{head}\n\n{body}"
            case _:
                assert_never(self.echo)


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def status(
    code: int,
    body: object = None,
    *,
    retry_after: float | str | None = None,
    headers: Mapping[str, str] | None = None,
    applied: bool = False,
) -> Fault:
    """Answer with this code. A `body` that is text is sent as text, anything else as JSON.

    `retry_after` is seconds, or an HTTP date as text.
    """
    extra = dict(headers or {})
    if retry_after is not None:
        extra["Retry-After"] = str(retry_after)
    return Fault(How.STATUS, applied=applied, code=code, body=body, headers=tuple(extra.items()))


def hang(*, applied: bool = False) -> Fault:
    """Answer nothing until `release()`; then continue as usual."""
    return Fault(How.HANG, applied=applied)


def drop_before() -> Fault:
    """Close the connection without carrying the request out."""
    return Fault(How.DROP)


def drop_after() -> Fault:
    """Carry the request out, then close the connection without answering."""
    return Fault(How.DROP, applied=True)


def slow(seconds: float) -> Fault:
    """Take this long, then carry out and answer as usual."""
    return Fault(How.SLOW, seconds=seconds)


def garbage(*, applied: bool = True) -> Fault:
    """Answer 200 with something that is not JSON."""
    return Fault(How.GARBAGE, applied=applied)


def echo(code: int = 422, *, into: Echo = Echo.INPUT, applied: bool = False) -> Fault:
    """Answer with this code and the request itself, credentials and all."""
    return Fault(How.ECHO, applied=applied, code=code, echo=into)
