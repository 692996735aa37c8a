"""A proxy on both ways between the bot and the host: it records, and fails on demand.

The addresses of webhooks in what it passes on are its own, so that it sees those too.
"""

from __future__ import annotations

import io
import json
from typing import Final

import aiohttp
from aiohttp import web

from crewgate.crew_api.wire import Json
from crewgate.demo.crew import Call, Deployment, Sent
from crewgate.demo.crew.wire import json_or_text, parse_object_or_nothing
from crewgate.demo.hosted.progress import Progress
from crewgate.demo.local_server import LocalServer

#: The address to which the host sends webhooks: `/webhooks/{kind}/{number}`.
WEBHOOKS: Final = "webhooks"
_URLS: Final = {"task": "taskWebhookUrl", "step": "stepWebhookUrl", "crew": "crewWebhookUrl"}
_NOT_FOUND: Final = 404
_BAD_GATEWAY: Final = 502


class Proxy:
    """Listens on 127.0.0.1 between `start` and `stop`."""

    def __init__(self, crew: Deployment) -> None:
        self._crew = crew
        self._progress = Progress(crew)
        self._host = ""
        self._addresses: list[str] = []
        """The addresses that webhooks are for, by number; empty for nowhere."""
        self._session: aiohttp.ClientSession | None = None
        self._server = LocalServer(self._add, most_bytes=2**23)

    @property
    def url(self) -> str:
        """Its address."""
        return self._server.url

    async def start(self, host: str, port: int = 0) -> None:
        """Listen, and pass on to the host at this address; 0 is the port before, or any."""
        self._host = host
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=30),
        )
        await self._server.start(port)

    async def stop(self) -> None:
        """Stop listening."""
        self._crew.faults.release()
        await self._server.stop()
        if self._session is not None:
            await self._session.close()

    def _add(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", f"/{WEBHOOKS}/{{kind}}/{{number}}", self._webhook)
        router.add_route("*", "/{path:.*}", self._request)

    # ---- from the bot to the host

    async def _request(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call = self._crew.called(request, raw)
        return await self._crew.answer(request, call, raw, lambda: self._pass_on(call, raw))

    async def _pass_on(self, call: Call, raw: bytes) -> web.Response:
        headers = {"Authorization": call.authorization, "Content-Type": "application/json"}
        changes_state = call.path in {"/kickoff", "/resume"}
        body = json.dumps(self._through_here(call.body)).encode() if changes_state else raw
        status, answer = await self._send(call.method, f"{self._host}{call.path}", body, headers)
        told = json_or_text(answer)
        if changes_state and status == 200:  # noqa: PLR2004
            call.effective = True
            if call.path == "/kickoff":
                self._progress.kicked_off(call.body, told)
            else:
                self._progress.resumed(raw)
        content_type = "text/plain" if isinstance(told, str) else "application/json"
        return web.Response(text=answer, status=status, content_type=content_type)

    def _through_here(self, body: Json) -> Json:
        """A kickoff or a resume whose webhooks come here first; unknown ones are only shown."""
        changed = dict(body)
        for kind, name in _URLS.items():
            changed[name] = self._address(kind, body.get(name))
        match body.get("humanInputWebhook"):
            case {"url": str(url), **rest}:
                changed["humanInputWebhook"] = {**rest, "url": self._address("human_input", url)}
        return changed

    def _address(self, kind: str, url: object) -> str:
        self._addresses.append(url if isinstance(url, str) else "")
        return f"{self.url}/{WEBHOOKS}/{kind}/{len(self._addresses) - 1}"

    # ---- from the host to wherever it was told to

    async def _webhook(self, request: web.Request) -> web.Response:
        kind, number = request.match_info["kind"], request.match_info["number"]
        raw = await request.read()
        body = parse_object_or_nothing(raw)
        if not number.isdecimal() or int(number) >= len(self._addresses):
            return web.json_response({}, status=_NOT_FOUND)
        url = self._addresses[int(number)]
        headers = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in request.headers
        }
        self._progress.told(kind, body)
        if not url:
            return web.json_response({})
        status, answer = await self._send("POST", url, raw, headers)
        reached = status if status != _BAD_GATEWAY else None
        error = "" if reached else answer
        self._crew.sent_log.append(
            Sent(kind, url, body, raw, headers, reached, answer, error, self._crew.now()), len(raw)
        )
        self._crew.changes.announce("sent", str(body.get("execution_id") or body.get("kickoff_id")))
        return web.Response(text=answer, status=status)

    async def _send(
        self, method: str, url: str, raw: bytes, headers: dict[str, str]
    ) -> tuple[int, str]:
        """Status and text; 502 where nobody answered."""
        if self._session is None:
            return _BAD_GATEWAY, "the demo is ending"
        try:
            async with self._session.request(
                method, url, data=io.BytesIO(raw) if raw else None, headers=headers
            ) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _BAD_GATEWAY, f"{type(error).__name__}: {error}"
