"""The stand-in workspace with all that only tests need of Slack.

Socket Mode, scopes, tokens that were revoked, an organisation, repeated events and requests that
are not Slack's.
"""

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Any, Final, TypeVar

from aiohttp import web
from typing_extensions import override

from crewgate.demo.faults import DROP_AFTER, HANG, Fault, Work
from crewgate.demo.workspace import delivery, forms, payloads, server, web_api, workspace
from crewgate.demo.workspace.blocks import Json, elements
from crewgate.demo.workspace.delivery import FORM, Kind, Reply
from crewgate.demo.workspace.forms import CannotDoThat
from crewgate.demo.workspace.user_actions import Written
from crewgate.demo.workspace.web_api import read_call
from crewgate.demo.workspace.wire import Args, Method, Refused
from crewgate.demo.workspace.workspace import buttons, message_text
from crewgate.demo.workspace.world import (
    BOT_USER_ID,
    TEAM_ID,
    Channel,
    ChannelKind,
    File,
    Message,
    ResponseUrl,
    User,
    View,
    World,
)
from tests.standins import limits
from tests.standins.changes import Change, Subscription
from tests.standins.faults import (
    DROP_BEFORE,
    SHARES_NOTHING,
    echo,
    error,
    http_status,
    malformed,
    rate_limited,
    replaces,
    slow,
)
from tests.standins.grid import Grid, GridWorld, Group, list_teams
from tests.standins.methods import METHODS
from tests.standins.scopes import all_scopes, needed_scopes
from tests.standins.sockets import Sockets

__all__ = [
    "BOT_USER_ID",
    "DROP_AFTER",
    "DROP_BEFORE",
    "HANG",
    "SHARES_NOTHING",
    "Call",
    "CannotDoThat",
    "Change",
    "Channel",
    "Fault",
    "File",
    "Grid",
    "Group",
    "Message",
    "Reply",
    "Subscription",
    "User",
    "View",
    "Workspace",
    "Written",
    "all_scopes",
    "buttons",
    "echo",
    "error",
    "http_status",
    "malformed",
    "message_text",
    "rate_limited",
    "slow",
]

_OPEN: Final = "apps.connections.open"
_MESSAGES: Final = frozenset({"chat.postMessage", "chat.update", "chat.postEphemeral"})
_KINDS: Final = {kind.value: kind for kind in ChannelKind}
_USER_METHODS: Final = ("users.info", "users.lookupByEmail")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API, without its token."""

    method: str
    args: Json
    answer: Json | None
    """The answer; None if a fault prevented the work."""
    at: float


class WebApi(web_api.WebApi):
    """The Web API with tokens, scopes, an organisation and a log of calls."""

    def __init__(
        self, world: GridWorld, *, bot_token: str, app_token: str, new_ticket: Callable[[], str]
    ) -> None:
        super().__init__(world, bot_token=bot_token)
        self.calls: deque[Call] = deque(maxlen=2_000)
        self.revoked = False
        self.scopes_used: set[str] = set()
        self._app_token = app_token
        self._new_ticket = new_ticket
        self._grid_world = world
        self.methods |= {
            **METHODS,
            "auth.teams.list": list_teams,
            "auth.test": self._auth_test(self.methods["auth.test"]),
            **{name: self._user(self.methods[name]) for name in _USER_METHODS},
        }

    @property
    def scopes(self) -> frozenset[str]:
        """The permissions of the bot token."""
        return frozenset(self.granted.split(","))

    @scopes.setter
    def scopes(self, scopes: Iterable[str]) -> None:
        self.granted = ",".join(sorted(scopes))

    @override
    async def faulty(self, request: web.Request, name: str, work: Work) -> web.StreamResponse:
        fault = self.faults.take(name)
        is_method = "." in name
        if fault is not None and replaces(fault) and is_method:
            self._log(name, (await read_call(request))[0], None)
        return await self.faults.carry_out(fault, request, work) or web.Response()

    @override
    def reply(self, method: str, args: Json, token: str | None) -> Json:
        answer = super().reply(method, args, token)
        self._log(method, args, answer)
        return answer

    def _log(self, method: str, args: Json, answer: Json | None) -> None:
        call = Call(method, args, answer, self._world.now())
        self.calls.append(call)
        self._world.changes.announce("call", call)

    @override
    def run(self, method: str, args: Json, token: str | None) -> Json:
        if method == _OPEN:
            self._check_app_token(token)
            return self._open_connection()
        if method in self.methods:
            self.check_token(token)
            self._check_scope(method, args)
            if method in _MESSAGES:
                limits.refuse_message(Args(args), self._grid_world.unknown_blocks)
            if method.startswith("views."):
                view = Args(args).json("view", "invalid_arguments")
                limits.refuse_view(view, self._grid_world.unknown_blocks)
            if method == "blocks.validate":
                limits.refuse_invalid(Args(args), self._grid_world.unknown_blocks)
            if self._grid_world.grid is not None:
                self._grid_world.grid.check(method, args, self._grid_world)
        return super().run(method, args, token)

    @override
    def check_token(self, token: str | None) -> None:
        if token == self.bot_token and self.revoked:
            raise Refused("token_revoked")
        if token == self._app_token:
            raise Refused("not_allowed_token_type")
        super().check_token(token)

    def _check_app_token(self, token: str | None) -> None:
        if token != self._app_token:
            self.check_token(token)
            raise Refused("not_allowed_token_type")

    def _check_scope(self, method: str, args: Json) -> None:
        channel = self._grid_world.channels.get(str(args.get("channel")))
        kind = ChannelKind.PUBLIC if channel is None else channel.kind
        names = str(args.get("types", kind)).split(",")
        kinds = [_KINDS.get(name.strip(), ChannelKind.PUBLIC) for name in names]
        for needed in needed_scopes(method, kinds=kinds):
            self.scopes_used.add(needed)
            if needed not in self.scopes:
                raise Refused("missing_scope", needed=needed, provided=self.granted)

    def _open_connection(self) -> Json:
        address = self._grid_world.url.replace("http://", "ws://")
        return {"url": f"{address}/socket?ticket={self._new_ticket()}"}

    def _auth_test(self, method: Method) -> Method:
        def in_organisation(world: World, args: Args) -> Json:
            grid = self._grid_world.grid
            return method(world, args) | ({} if grid is None else grid.of_token)

        return in_organisation

    def _user(self, method: Method) -> Method:
        def in_organisation(world: World, args: Args) -> Json:
            user, grid = method(world, args)["user"], self._grid_world.grid
            more = {} if grid is None else grid.of_user(user["id"], user["team_id"])
            return {"user": user | more}

        return in_organisation


class Payloads(payloads.Payloads):
    """The payloads, in an organisation too."""

    def __init__(self, world: GridWorld) -> None:
        super().__init__(world)
        self._grid_world = world

    @override
    def command(self, *args: Any) -> tuple[Json, Any]:
        command, response_url = super().command(*args)
        grid = self._grid_world.grid
        return command | ({} if grid is None else grid.of_command), response_url

    @override
    def event(self, event: Json) -> Json:
        wrapped, grid = super().event(event), self._grid_world.grid
        if grid is not None:
            [authorization] = wrapped["authorizations"]
            wrapped["authorizations"] = [authorization | grid.of_authorization]
        return wrapped

    @override
    def _interaction(self, kind: str, user: str) -> Json:
        grid = self._grid_world.grid
        return super()._interaction(kind, user) | ({} if grid is None else grid.of_interaction)


class Sender(delivery.Sender):
    """Delivers over HTTP, or without an address for it over a connected socket."""

    def __init__(
        self, world: World, sockets: Sockets, *, signing_secret: str, ack_seconds: float
    ) -> None:
        super().__init__(world, signing_secret=signing_secret, ack_seconds=ack_seconds)
        self._sockets = sockets
        self.retry: tuple[int, str] | None = None
        """The number and the reason of the repetition that is being sent."""
        self.posted: tuple[bytes, Mapping[str, str]] = b"", {}
        """The latest request over HTTP, body and headers."""
        self.sent: tuple[Kind, Json] = "interactive", {}
        """The latest payload."""

    @override
    async def post(self, content: bytes, headers: Mapping[str, str]) -> Reply:
        self.posted = content, headers
        return await super().post(content, headers)

    @override
    async def send(self, kind: Kind, payload: Json) -> Reply:
        retry, self.retry, self.sent = self.retry, None, (kind, payload)
        if self.events_url is None:
            body, problem = await self._sockets.send(kind, payload, retry)
            return Reply(0 if problem else 200, body, problem=problem)
        content, content_type = delivery.encode(kind, payload)
        headers = {"Content-Type": content_type, **self.sign(content)}
        if retry is not None:
            # Slack waits, and signs the repetition at the later time.
            headers |= self.sign(content, str(int(self._now()) + retry[0]))
            headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
        return await self.post(content, headers)


class Server(server.Server):
    """The workspace's routes, and the sockets' address."""

    def __init__(self, world: GridWorld, api: WebApi, sockets: Sockets) -> None:
        self._sockets = sockets
        self._grid_world = world
        super().__init__(world, api)

    @override
    def add_routes(self, router: web.UrlDispatcher) -> None:
        super().add_routes(router)
        router.add_get("/socket", self._sockets.serve)

    @override
    def application(self) -> web.Application:
        made = super().application()
        made.on_response_prepare.append(self._tell_time)
        return made

    async def _tell_time(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self._world.now(), usegmt=True)

    @override
    def respond(self, name: str, body: Json) -> tuple[int, Json]:
        try:
            limits.refuse_message(Args(body), self._grid_world.unknown_blocks)
        except Refused as refused:
            return 400, {"ok": False, "error": refused.code} | refused.more
        return super().respond(name, body)

    @override
    async def stop(self) -> None:
        self._sockets.drop()
        await super().stop()


class Workspace(workspace.Workspace):
    """The stand-in workspace, with all that only tests need."""

    world: GridWorld
    api: WebApi
    _sender: Sender

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-demo",
        app_token: str = "xapp-demo",
        signing_secret: str = "0123456789abcdef0123456789abcdef",
        now: Callable[[], float] = time.time,  # noqa: TID251  # a clock is an argument
        ack_seconds: float = 3,
        scopes: Iterable[str] | None = None,
        grid: Grid | None = None,
    ) -> None:
        """`now` returns the Unix time; the bot must answer within `ack_seconds`.

        `scopes` are the bot token's permissions; None permits everything. With `grid` the workspace
        belongs to an organisation.
        """
        self.app_token = app_token
        world = GridWorld(now=now, grid=grid)
        self.sockets = Sockets(world, ack_seconds)
        api = WebApi(
            world, bot_token=bot_token, app_token=app_token, new_ticket=self.sockets.ticket
        )
        if scopes is not None:
            api.scopes = frozenset(scopes)
        sender = Sender(world, self.sockets, signing_secret=signing_secret, ack_seconds=ack_seconds)
        served = Server(world, api, self.sockets)
        super().__init__(world, api, served, sender, Payloads(world))
        # Down, it refuses connections and closes the open ones, sockets too; the state is kept.
        self.go_down, self.come_back = served.stop, served.start
        self.fail, self.release = self.faults.fail, self.faults.release

    def clear_faults(self) -> None:
        self.faults.clear()
        self.faults.release()

    def subscribe(self, size: int = 256) -> Subscription:
        return Subscription(self.world.changes, size)

    @property
    def calls(self) -> list[Call]:
        """The latest 2,000 calls of the Web API, without tokens, the oldest first."""
        return list(self.api.calls)

    @override
    async def until(self, condition: Callable[[], T], timeout: float = 30) -> T:
        """Wait until the condition holds; a TimeoutError lists the latest calls."""
        return await self.world.changes.until(condition, timeout, self._describe)

    def _describe(self) -> str:
        recent = self.calls[-12:]
        lines = [
            f"  {call.method} {json.dumps(call.args, default=str)[:300]} -> "
            f"{json.dumps(call.answer, default=str)[:200]}"
            for call in recent
        ]
        return "\n".join([f"the latest {len(recent)} calls:", *lines])

    @override
    def add_user(
        self,
        user: str,
        name: str,
        email: str = "",
        *,
        is_guest: bool = False,
        team_id: str = TEAM_ID,
        tz: str | None = "Etc/UTC",
    ) -> User:
        """Add a person to the workspace; with another `team_id`, only to its shared channels."""
        email = email or f"{name}@example.com"
        joined = User(user, name, email, is_guest=is_guest, team_id=team_id, tz=tz)
        self.world.users[user] = joined
        return joined

    @override
    def add_channel(
        self,
        channel: str,
        name: str,
        *,
        members: Iterable[str] = (),
        private: bool = False,
        bot_is_member: bool = True,
    ) -> Channel:
        """Open a channel; its `archived`, `members` and `bot_is_member` may be changed later."""
        opened = Channel(channel, name, set(members), private=private, bot_is_member=bot_is_member)
        self.world.channels[channel] = opened
        return opened

    def add_group(self, group: str, handle: str, members: Iterable[str]) -> Group:
        self.world.groups[group] = made = Group(group, handle, tuple(members))
        return made

    def calls_of(self, method: str) -> list[Call]:
        return [call for call in self.api.calls if call.method == method]

    def pings(self, message: Message) -> frozenset[str]:
        """Return the people whom a message has notified since it was first posted."""
        return self.world.pings.get((message.channel, message.ts), frozenset())

    async def overflow(
        self, user: str, surface: Message | View, option: str, *, block_id: str | None = None
    ) -> Reply:
        """Choose from an overflow menu, or any single-choice menu, by the option's text."""
        found = [
            (block, element, one)
            for block, element in elements(self._visible_blocks(user, surface))
            for one in element.get("options", ())
            if option in {one["text"]["text"], one["value"]}
            and block_id in {None, block["block_id"]}
        ]
        if len(found) != 1:
            raise forms.CannotDoThat(f"{len(found)} choices are called {option!r}")
        [(block, element, chosen)] = found
        return await self._send_action(user, surface, (block, element), {"selected_option": chosen})

    @override
    def _apply(self, view: View, reply: Reply) -> Reply:
        answer = reply.body if isinstance(reply.body, dict) else {}
        if "view" in answer:
            limits.refuse_view(answer["view"], self.world.unknown_blocks)
        return super()._apply(view, reply)

    @override
    def _answer(self, response_url: ResponseUrl, body: Json) -> None:
        limits.refuse_message(Args(body), self.world.unknown_blocks)
        super()._answer(response_url, body)

    async def resend(
        self, delivered: Json, retry_num: int = 1, reason: str = "http_timeout"
    ) -> Reply:
        """Deliver an event (`Written.delivery`) again, as Slack does without an answer."""
        self._sender.retry = (retry_num, reason)
        return await self._sender.send("events_api", delivered)

    def seen_on_its_way(self) -> Callable[[], Awaitable[Reply]]:
        """Return a repeater of the latest request, signature and all, for whoever saw it."""
        return partial(self._sender.post, *self._sender.posted)

    def sent_again(self) -> Callable[[], Awaitable[Reply]]:
        """Return a repeater of the latest payload, newly signed: another bot knows no signature."""
        sent = self._sender.sent

        async def send() -> Reply:
            self._sender.retry = (1, "http_timeout")
            return await self._sender.send(*sent)

        return send

    async def send_raw(
        self,
        body: bytes | str,
        *,
        timestamp: str | None = None,
        signature: str | None = None,
        content_type: str = FORM,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST anything to the bot; signed properly unless timestamp or signature is given."""
        content = body.encode() if isinstance(body, str) else body
        signed = self._sender.sign(content, timestamp or "")
        if signature is not None:
            signed["X-Slack-Signature"] = signature
        return await self._sender.post(
            content, {"Content-Type": content_type, **(headers or {}), **signed}
        )
