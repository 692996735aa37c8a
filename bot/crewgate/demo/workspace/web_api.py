"""The Web API: tokens, scopes, arguments, faults and the log of calls, around the methods."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from crewgate.demo.faults import Fault, Faults, Work
from crewgate.demo.workspace import chat, files, reads, views
from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.wire import Args, Method, Refused
from crewgate.demo.workspace.world import ChannelKind, World

#: `conversations.*` need the scope for the kind of channel.
_OF_KIND: Final = {
    ChannelKind.PUBLIC: "channels",
    ChannelKind.PRIVATE: "groups",
    ChannelKind.DIRECT: "im",
}
_NEEDED: Final[dict[str, str]] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.history": "{}:history",
    "conversations.replies": "{}:history",
    "conversations.members": "{}:read",
    "conversations.open": "im:write",
    "files.completeUploadExternal": "files:write",
    "files.delete": "files:write",
    "files.getUploadURLExternal": "files:write",
    "reactions.add": "reactions:write",
    "users.conversations": "{}:read",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
}
#: The scope of slash commands, which are no method.
_COMMANDS: Final = "commands"


def all_scopes() -> frozenset[str]:
    needed = (needed_scopes(method, kinds=ChannelKind) for method in _NEEDED)
    return frozenset(scope for scopes in needed for scope in scopes) | {_COMMANDS}


def needed_scopes(method: str, *, kinds: Iterable[ChannelKind]) -> list[str]:
    """Return the scopes of a method for these kinds of channels; empty: any token will do."""
    scope = _NEEDED.get(method)
    return [scope.format(_OF_KIND[kind]) for kind in kinds] if scope is not None else []


_KINDS: Final = {kind.value: kind for kind in ChannelKind}
_APP_TOKEN_METHODS: Final = frozenset({"apps.connections.open"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API, without its token."""

    method: str
    args: Json
    answer: Json | None
    """None if a fault prevented the work."""
    at: float


class WebApi:
    """Every method, by its name at Slack."""

    def __init__(
        self, world: World, *, bot_token: str, app_token: str, new_ticket: Callable[[], str]
    ) -> None:
        self.revoked = False
        self.scopes: frozenset[str] | None = None
        """The permissions of the bot token; None: all."""
        self.scopes_used: set[str] = set()
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=2_000)
        self.methods: dict[str, Method] = {
            "apps.connections.open": self._open_connection,
            **chat.METHODS,
            **reads.METHODS,
            **views.METHODS,
            **files.METHODS,
        }
        self._new_ticket = new_ticket
        self._world = world
        self._bot_token = bot_token
        self._app_token = app_token

    async def answer(self, request: web.Request, method: str) -> web.StreamResponse:
        """Answer a call: parse it, check its token, run the method, apply any fault."""
        args, token = await _read(request)

        async def work() -> web.Response:
            reply = self._do(method, args, token)
            self._log(method, args, reply)
            headers = {} if token is None else {"x-oauth-scopes": self._granted()}
            return web.json_response(reply, headers=headers)

        fault = self.faults.take(method)
        if fault is not None and fault.instead:
            self._log(method, args, None)
        return await self._answer(request, fault, work, json.dumps(args))

    async def faulty(self, request: web.Request, name: str, work: Work) -> web.StreamResponse:
        """Do work outside the Web API, with the faults added for its name."""
        return await self._answer(request, self.faults.take(name), work)

    def check_token(self, token: str | None, method: str = "") -> None:
        expected = self._app_token if method in _APP_TOKEN_METHODS else self._bot_token
        if not token:
            code = "not_authed"
        elif token == self._bot_token and self.revoked:
            code = "token_revoked"
        elif token == expected:
            return
        elif token in {self._bot_token, self._app_token}:
            code = "not_allowed_token_type"
        else:
            code = "invalid_auth"
        raise Refused(code)

    def _granted(self) -> str:
        """Return the scopes of the bot token, as Slack names them in every answer."""
        return ",".join(sorted(all_scopes() if self.scopes is None else self.scopes))

    def _check_scope(self, method: str, args: Json) -> None:
        channel = self._world.channels.get(str(args.get("channel")))
        kind = ChannelKind.PUBLIC if channel is None else channel.kind
        names = str(args.get("types", kind)).split(",")
        kinds = [_KINDS.get(name.strip(), ChannelKind.PUBLIC) for name in names]
        for needed in needed_scopes(method, kinds=kinds):
            self.scopes_used.add(needed)
            if self.scopes is not None and needed not in self.scopes:
                provided = ",".join(sorted(self.scopes))
                raise Refused("missing_scope", needed=needed, provided=provided)

    def _do(self, method: str, args: Json, token: str | None) -> Json:
        try:
            if method not in self.methods:
                raise Refused("unknown_method", req_method=method)  # noqa: TRY301 - one way out
            self.check_token(token, method)
            self._check_scope(method, args)
            grid = self._world.grid
            if grid is not None and (code := grid.refuses_call(method, args)):
                raise Refused(code)  # noqa: TRY301 - one way out
            return {"ok": True} | self.methods[method](self._world, Args(args))
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

    def _open_connection(self, _: World, __: Args) -> Json:
        address = self._world.url.replace("http://", "ws://")
        return {"url": f"{address}/socket?ticket={self._new_ticket()}"}


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


def http_status(status: int) -> Fault:
    """Do nothing and answer this status with a body that is not JSON."""
    return Fault("http_status", code=status, body="an injected fault")


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
