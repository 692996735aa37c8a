"""The stand-in crew's HTTP server: the bearer token, the request log, and injected faults."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web

from crewgate.crew_api.wire import Refusal
from crewgate.demo.crew.flows import PREFIX
from crewgate.demo.local_server import LocalServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from crewgate.demo.crew.deployment import Deployment
    from crewgate.demo.crew.records import Call

    Handle = Callable[[Call, list[str], bytes], object]
    """(request, path segments, body) -> answer, text or JSON. Raises Refusal."""


class Server:
    """A listening server on 127.0.0.1 that can go down and come back on the same port."""

    def __init__(self, handle: Handle, crew: Deployment) -> None:
        self._handle = handle
        self._crew = crew
        self._server = LocalServer(
            lambda router: router.add_route("*", "/{path:.*}", self._serve), most_bytes=2**20
        )
        self.start = self._server.start
        self.stop = self._server.stop

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return self._server.url

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        too_large: Refusal | None = None
        raw = b""
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            too_large = Refusal(413, "Payload Too Large", "The body is over 1 MiB")
        call = self._crew.called(request, raw)
        # The undecoded path, so that an id with a slash in it stays one segment.
        segments = [unquote(part) for part in request.rel_url.raw_path.split("/")[1:]]

        async def work() -> web.Response:
            return self._answer(call, segments, raw, too_large)

        return await self._crew.answer(request, call, raw, work)

    def _answer(
        self, call: Call, segments: list[str], raw: bytes, too_large: Refusal | None
    ) -> web.Response:
        try:
            if too_large is not None:
                raise too_large
            # A flow's answer has a token of its own in its address.
            if segments != [""] and segments[0] != PREFIX[0]:
                self._check_token(call)
            answer = self._handle(call, segments, raw)
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        if isinstance(answer, str):
            return web.Response(text=answer)
        return web.json_response(answer)

    def _check_token(self, call: Call) -> None:
        wanted = f"Bearer {self._crew.token}".encode()
        if not hmac.compare_digest(call.authorization.encode(errors="replace"), wanted):
            raise Refusal(401, "Unauthorized", "Invalid or missing bearer token")
