"""The Web API: tokens, scopes, arguments, faults and the log of calls, around the methods."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from crewgate.demo.faults import Fault, Faults, Work
from crewgate.demo.workspace import chat, files, reads, views
from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.wire import Args, Method, Refused
from crewgate.demo.workspace.world import World

#: The scopes that the bot's manifest asks for.
SCOPES: Final = (
    "channels:history,channels:read,chat:write,commands,files:write,groups:history,groups:read,"
    "im:history,im:read,im:write,reactions:write,usergroups:read,users:read,users:read.email"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API, without its token."""

    method: str
    args: Json
    answer: Json | None
    """The answer; None if a fault prevented the work."""
    at: float


class WebApi:
    """Slack's methods that the stand-in has, each by its name at Slack."""

    def __init__(self, world: World, *, bot_token: str = "xoxb-demo") -> None:
        self.bot_token = bot_token
        self.granted = SCOPES
        """The permissions of the bot token, as Slack names them in every answer."""
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=2_000)
        self.methods: dict[str, Method] = {
            **chat.METHODS,
            **reads.METHODS,
            **views.METHODS,
            **files.METHODS,
        }
        self._world = world

    async def answer(self, request: web.Request, method: str) -> web.StreamResponse:
        """Answer a call: parse it, check its token, run the method, apply any fault."""
        args, token = await _read(request)

        async def work() -> web.Response:
            reply = self._do(method, args, token)
            self._log(method, args, reply)
            headers = {} if token is None else {"x-oauth-scopes": self.granted}
            return web.json_response(reply, headers=headers)

        fault = self.faults.take(method)
        if fault is not None and fault.instead:
            self._log(method, args, None)
        return await self._answer(request, fault, work, json.dumps(args))

    async def faulty(self, request: web.Request, name: str, work: Work) -> web.StreamResponse:
        """Do work outside the Web API, with the faults added for its name."""
        return await self._answer(request, self.faults.take(name), work)

    def check_token(self, token: str | None) -> None:
        if token != self.bot_token:
            raise Refused("invalid_auth" if token else "not_authed")

    def run(self, method: str, args: Json, token: str | None) -> Json:
        """Run a method. Raises Refused."""
        if method not in self.methods:
            raise Refused("unknown_method", req_method=method)
        self.check_token(token)
        return self.methods[method](self._world, Args(args))

    def _do(self, method: str, args: Json, token: str | None) -> Json:
        try:
            return {"ok": True} | self.run(method, args, token)
        except Refused as refused:
            return {"ok": False, "error": refused.code} | refused.more

    async def _answer(
        self, request: web.Request, fault: Fault | None, work: Work, args: str = ""
    ) -> web.StreamResponse:
        if fault is not None and fault.seconds != 0:
            self._world.changes.announce("hanging", request.path)
        response = await self.faults.carry_out(fault, request, work, body=args)
        return web.Response() if response is None else response

    def _log(self, method: str, args: Json, answer: Json | None) -> None:
        call = Call(method, args, answer, self._world.now())
        self.calls.append(call)
        self._world.changes.announce("call", call)


async def _read(request: web.Request) -> tuple[Json, str | None]:
    """Return a call's arguments and token, from all places where Slack accepts them."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            body = None
        args |= body if isinstance(body, dict) else {}
    else:
        args |= _strings(await request.post())
    header = request.headers.get("Authorization", "")
    token = args.pop("token", None)
    if header.startswith("Bearer "):
        token = header.removeprefix("Bearer ")
    return args, token


def _strings(form: Mapping[str, object]) -> dict[str, str]:
    return {key: value for key, value in form.items() if isinstance(value, str)}


def error(code: str) -> Fault:
    """Do nothing and answer `{"ok": false, "error": code}`."""
    return Fault(code, code=200, body={"ok": False, "error": code})


def http_status(status: int) -> Fault:
    """Do nothing and answer this status with a body that is not JSON."""
    return Fault("http_status", code=status, body="an injected fault")
