"""The stand-in crew's HTTP server: the bearer token, the request log, and injected faults."""

from __future__ import annotations

import asyncio
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web

from crewgate.crew_api.wire import Refusal
from crewgate.demo.crew.faults import Fault, How
from crewgate.demo.crew.flows import PREFIX
from crewgate.demo.crew.records import Call
from crewgate.demo.crew.wire import parse_object_or_nothing
from crewgate.demo.local_server import LocalServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crewgate.demo.crew.deployment import Deployment

    Handle = Callable[[Call, list[str], bytes], object]
    """(request, path segments, body) -> answer, text or JSON. Raises Refusal."""

#: The longest that connections may take to end when the crew goes down, in seconds.
SHUTDOWN_SECONDS = 1.0


class Server:
    """A listening server on 127.0.0.1 that can go down and come back on the same port."""

    def __init__(self, handle: Handle, crew: Deployment) -> None:
        self._handle = handle
        self._crew = crew
        self._closing = asyncio.Event()
        self._server = LocalServer(
            lambda router: router.add_route("*", "/{path:.*}", self._serve),
            most_bytes=2**20,
            shutdown_seconds=SHUTDOWN_SECONDS,
        )

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return self._server.url

    async def start(self, port: int = 0) -> None:
        """Listen; 0 is the port it had before, or any."""
        self._closing.clear()
        await self._server.start(port)

    async def stop(self) -> None:
        """Stop listening and drop every connection, the hanging ones too."""
        self._closing.set()
        await self._server.stop()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        too_large: Refusal | None = None
        raw = b""
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            too_large = Refusal(413, "Payload Too Large", "The body is over 1 MiB")
        call = Call(
            method=request.method,
            path=request.path,
            body=parse_object_or_nothing(raw),
            authorization=request.headers.get("Authorization", ""),
            at=self._crew.now(),
            query=dict(request.query),
        )
        self._crew.call_log.append(call, len(raw))
        self._crew.changes.announce("called", "")
        # The undecoded path, so that an id with a slash in it stays one segment.
        segments = [unquote(part) for part in request.rel_url.raw_path.split("/")[1:]]

        def respond() -> web.Response:
            return self._answer(call, segments, raw, too_large)

        fault = self._crew.faults.take(f"/{segments[0]}")
        if fault is not None and fault.how is How.ECHO:
            head = f"Authorization: {call.authorization}"
            fault = replace(fault, body=fault.answer_to(head, raw.decode(errors="replace")))
        response = await self._fail(fault, respond) if fault else respond()
        if response is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        call.status = response.status
        call.answer = _json_or_text(response)
        self._crew.changes.announce("answered", "")
        return response

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

    async def _fail(self, fault: Fault, respond: Callable[[], web.Response]) -> web.Response | None:
        """The response under a fault; None closes the connection without an answer."""
        response = respond() if fault.applied else None
        match fault.how:
            case How.STATUS | How.ECHO | How.GARBAGE:
                return failing_response(fault)
            case How.DROP:
                return None
            case How.SLOW:
                if await self._closes_within(fault.seconds):
                    return None
            case How.HANG:
                if not await self._released():
                    return None
        return response or respond()

    async def _closes_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False

    async def _released(self) -> bool:
        """Wait for `release()`; false when the crew goes down first."""
        # `released()` is called here, not in its task: a release before that task runs counts too.
        released = asyncio.ensure_future(self._crew.faults.released())
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({released, closing}, return_when=asyncio.FIRST_COMPLETED)
            return released.done()
        finally:
            released.cancel()
            closing.cancel()


def failing_response(fault: Fault) -> web.Response:
    """Return the answer under a fault that gives one."""
    if fault.how is How.GARBAGE:
        return web.Response(text="<html>It works!</html>", content_type="text/html")
    headers: Mapping[str, str] = dict(fault.headers)
    if isinstance(fault.body, str):
        return web.Response(text=fault.body, status=fault.code, headers=headers)
    body = fault.body
    if body is None:
        body = {"error": f"HTTP {fault.code}", "message": "An injected fault"}
    return web.json_response(body, status=fault.code, headers=headers)


def _json_or_text(response: web.Response) -> object:
    text = response.text or ""
    try:
        return json.loads(text)
    except ValueError:
        return text
