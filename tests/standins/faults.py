"""Faults of the stand-ins that only tests inject.

Slack's are answers to any method; the crew's are answers to any route.
"""

import json
from collections.abc import Mapping
from enum import Enum, auto
from functools import partial
from typing import Final, assert_never

from crewgate.demo.crew.wire import json_or_text
from crewgate.demo.faults import Fault

DROP_BEFORE: Final = Fault("drop before", drops=True)
"""Close the connection without doing the work."""


def echo(code: str) -> Fault:
    """Do nothing and answer like `error`, quoting the arguments in `response_metadata`."""

    def quote(_: str, args: str) -> object:
        metadata = {"messages": [f"[ERROR] not taken: {args}"]}
        return {"ok": False, "error": code, "response_metadata": metadata}

    return Fault(code, code=200, echo=quote)


def rate_limited(retry_after: int = 1) -> Fault:
    """Do nothing and answer 429 with `Retry-After`, in seconds."""
    headers = (("Retry-After", str(retry_after)),)
    body = {"ok": False, "error": "ratelimited"}
    return Fault("rate_limited", code=429, body=body, headers=headers)


def malformed(body: object) -> Fault:
    """Do nothing and answer 200 with this body as JSON, whatever its shape."""
    json_ = (("Content-Type", "application/json"),)
    return Fault("malformed", code=200, body=json.dumps(body), headers=json_)


def _claims_to_share(_: str, args: str) -> object:
    files = [{"id": one["id"], "shares": {}} for one in json.loads(json.loads(args)["files"])]
    return {"ok": True, "files": files}


SHARES_NOTHING: Final = Fault("shares nothing", code=200, echo=_claims_to_share)
"""`files.completeUploadExternal`: report success, and share the file nowhere.

https://github.com/slackapi/python-slack-sdk/issues/1575
"""


class Echo(Enum):
    """The part of an answer that repeats the request."""

    INPUT = auto()
    """In `input`, beside the problem, as FastAPI does in refusing a body."""
    MESSAGE = auto()
    TEXT = auto()
    """Only the head and the body, as a verbose proxy does."""


def garbage(*, applied: bool = True) -> Fault:
    html = (("Content-Type", "text/html"),)
    return Fault("garbage", applied=applied, code=200, body="<html>It works!</html>", headers=html)


def repeat(code: int = 422, *, into: Echo = Echo.INPUT, applied: bool = False) -> Fault:
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


def status(
    code: int,
    body: object = None,
    *,
    retry_after: float | str | None = None,
    headers: Mapping[str, str] | None = None,
    applied: bool = False,
) -> Fault:
    """Answer with this code: text as text, any other `body` as JSON.

    `retry_after` is seconds, or an HTTP date as text.
    """
    extra = dict(headers or {})
    if retry_after is not None:
        extra["Retry-After"] = str(retry_after)
    if body is None:
        body = {"error": f"HTTP {code}", "message": "An injected fault"}
    return Fault(f"{code}", applied=applied, code=code, body=body, headers=tuple(extra.items()))
