"""The Web API: tokens, scopes, arguments and faults, around the methods."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from crewgate.demo.faults import Faults, Work
from crewgate.demo.workspace import chat, files, reads, views
from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.wire import Args, Method, Refused
from crewgate.demo.workspace.world import World

#: The scopes that the bot's manifest asks for.
SCOPES: Final = (
    "channels:history,channels:read,chat:write,commands,files:write,groups:history,groups:read,"
    "im:history,im:read,im:write,reactions:write,usergroups:read,users:read,users:read.email"
)


class WebApi:
    """Slack's methods that the stand-in has, each by its name at Slack."""

    def __init__(self, world: World, *, bot_token: str = "xoxb-demo") -> None:
        self.bot_token = bot_token
        self.granted = SCOPES
        """The permissions of the bot token, as Slack names them in every answer."""
        self.faults = Faults(world.changes)
        self.methods: dict[str, Method] = {
            **chat.METHODS,
            **reads.METHODS,
            **views.METHODS,
            **files.METHODS,
        }
        self._world = world

    async def answer(self, request: web.Request, method: str) -> web.StreamResponse:
        """Answer a call: parse it, check its token, run the method, apply any fault."""
        args, token = await read_call(request)

        async def work() -> web.Response:
            headers = {} if token is None else {"x-oauth-scopes": self.granted}
            return web.json_response(self.reply(method, args, token), headers=headers)

        return await self.faulty(request, method, work)

    async def faulty(self, request: web.Request, name: str, work: Work) -> web.StreamResponse:
        """Do the work of a call, with the fault that is pending for its name, if any."""
        fault = self.faults.take(name)
        return await self.faults.carry_out(fault, request, work) or web.Response()

    def check_token(self, token: str | None) -> None:
        if token != self.bot_token:
            raise Refused("invalid_auth" if token else "not_authed")

    def run(self, method: str, args: Json, token: str | None) -> Json:
        """Run a method. Raises Refused."""
        if method not in self.methods:
            raise Refused("unknown_method", req_method=method)
        self.check_token(token)
        return self.methods[method](self._world, Args(args))

    def reply(self, method: str, args: Json, token: str | None) -> Json:
        try:
            return {"ok": True} | self.run(method, args, token)
        except Refused as refused:
            return {"ok": False, "error": refused.code} | refused.more


async def read_call(request: web.Request) -> tuple[Json, str | None]:
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
