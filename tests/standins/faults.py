"""Faults of the stand-ins that only tests inject.

Slack's are answers to any method; the crew's are answers to any route.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final, assert_never

from aiohttp import web
from typing_extensions import override

from crewgate.demo.crew.wire import json_or_text
from crewgate.demo.faults import Fault
from crewgate.demo.workspace.web_api import read_call

DROP_BEFORE: Final = Fault("drop before", drops=True)
"""Close the connection without doing the work."""


@dataclass(frozen=True)
class OddAnswer(Fault):
    """A fault whose answer has headers, or a body that repeats the request."""

    headers: tuple[tuple[str, str], ...] = ()
    echo: Callable[[web.Request], Awaitable[object]] | None = None
    """Returns the body."""

    @override
    async def answer(self, request: web.Request) -> web.Response:
        body = self.body if self.echo is None else await self.echo(request)
        answer = await Fault(self.name, code=self.code, body=body).answer(request)
        answer.headers.update(self.headers)
        return answer


def replaces(fault: Fault) -> bool:
    """Return True if the request is never carried out."""
    return not fault.applied and (fault.drops or fault.code != 0)


def slow(seconds: float) -> Fault:
    """Wait, unless `release()` comes sooner, then do the work."""
    return Fault("slow", seconds=seconds)


def error(code: str) -> Fault:
    """Do nothing and answer `{"ok": false, "error": code}`."""
    return Fault(code, code=200, body={"ok": False, "error": code})


def http_status(status: int) -> Fault:
    """Do nothing and answer this status with a body that is not JSON."""
    return Fault("http_status", code=status, body="an injected fault")


def echo(code: str) -> Fault:
    """Do nothing and answer like `error`, quoting the arguments in `response_metadata`."""

    async def quote(request: web.Request) -> object:
        args, _ = await read_call(request)
        metadata = {"messages": [f"[ERROR] not taken: {json.dumps(args)}"]}
        return {"ok": False, "error": code, "response_metadata": metadata}

    return OddAnswer(code, code=200, echo=quote)


def rate_limited(retry_after: int = 1) -> Fault:
    """Do nothing and answer 429 with `Retry-After`, in seconds."""
    headers = (("Retry-After", str(retry_after)),)
    body = {"ok": False, "error": "ratelimited"}
    return OddAnswer("rate_limited", code=429, body=body, headers=headers)


def malformed(body: object) -> Fault:
    """Do nothing and answer 200 with this body as JSON, whatever its shape."""
    json_ = (("Content-Type", "application/json"),)
    return OddAnswer("malformed", code=200, body=json.dumps(body), headers=json_)


async def _claims_to_share(request: web.Request) -> object:
    args, _ = await read_call(request)
    files = [{"id": one["id"], "shares": {}} for one in json.loads(args["files"])]
    return {"ok": True, "files": files}


SHARES_NOTHING: Final = OddAnswer("shares nothing", code=200, echo=_claims_to_share)
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
    body = "<html>It works!</html>"
    return OddAnswer("garbage", applied=applied, code=200, body=body, headers=html)


def repeat(code: int = 422, *, into: Echo = Echo.INPUT, applied: bool = False) -> Fault:
    return OddAnswer("echo", applied=applied, code=code, echo=partial(_repeat, into))


async def _repeat(into: Echo, request: web.Request) -> object:
    head = f"Authorization: {request.headers.get('Authorization', '')}"
    body = (await request.read()).decode(errors="replace")
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
    return OddAnswer(str(code), applied=applied, code=code, body=body, headers=tuple(extra.items()))
