"""The ways in which a crew can be made to fail."""

from collections.abc import Mapping
from enum import Enum, auto
from functools import partial
from typing import Final, assert_never

from crewgate.demo.crew.wire import json_or_text
from crewgate.demo.faults import Fault

ROUTES: Final = ("/", "/inputs", "/kickoff", "/status", "/resume", "/crewai_plus")


class Echo(Enum):
    """The part of an answer that repeats the request."""

    INPUT = auto()
    """As FastAPI does when it does not accept a body: in `input`, beside what is wrong."""
    MESSAGE = auto()
    """In the words for people."""
    TEXT = auto()
    """As a proxy does when it is asked to say more: head and body, with nothing around them."""


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
    if body is None:
        body = {"error": f"HTTP {code}", "message": "An injected fault"}
    return Fault(f"{code}", applied=applied, code=code, body=body, headers=tuple(extra.items()))


def garbage(*, applied: bool = True) -> Fault:
    """Answer 200 with something that is not JSON."""
    html = (("Content-Type", "text/html"),)
    return Fault("garbage", applied=applied, code=200, body="<html>It works!</html>", headers=html)


def echo(code: int = 422, *, into: Echo = Echo.INPUT, applied: bool = False) -> Fault:
    """Answer with this code and the request itself, credentials and all."""
    return Fault("echo", applied=applied, code=code, echo=partial(_repeat, into))


def _repeat(into: Echo, head: str, body: str) -> object:
    match into:
        case Echo.INPUT:
            problem = {"type": "value_error", "loc": ["body"], "msg": "Input is not valid"}
            return {"detail": [{**problem, "input": json_or_text(body)}]}
        case Echo.MESSAGE:
            return {"error": "Rejected", "message": f"Rejected: {head} {body}"}
        case Echo.TEXT:
            return f"{head}\n\n{body}"
        case _:
            assert_never(into)
