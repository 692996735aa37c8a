"""The workspace's HTTP server: the Web API, uploads, `response_url`s and the socket's address."""

from __future__ import annotations

from aiohttp import web

from crewgate.demo.hang_ups import forgive_hang_ups
from crewgate.demo.ports import free_port
from crewgate.demo.workspace.args import Refused
from crewgate.demo.workspace.files import receive_upload, show_file
from crewgate.demo.workspace.response_urls import ResponseUrls
from crewgate.demo.workspace.socket import Sockets
from crewgate.demo.workspace.web_api import WebApi
from crewgate.demo.workspace.world import World

_MOST_BYTES = 64 * 1024 * 1024


class Server:
    """Listens on 127.0.0.1 and can stop and come back on the same port."""

    def __init__(self, world: World, api: WebApi, sockets: Sockets) -> None:
        self.port = 0
        self._world = world
        self._api = api
        self._sockets = sockets
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int) -> None:
        """Listen; 0 is any free port, which can be had again after a stop."""
        # The application is made anew each time: aiohttp's cannot be started twice.
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or free_port(), reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._world.url = self.url

    async def stop(self) -> None:
        """Refuse new connections and cut the open ones."""
        self._sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_MOST_BYTES, middlewares=[forgive_hang_ups])
        application.router.add_route("*", "/api/{method}", self._on_call)
        application.router.add_post("/upload/{file}", self._on_upload)
        application.router.add_post("/respond/{name}", self._on_answer)
        application.router.add_get("/files/{file}/{name}", self._on_file)
        application.router.add_get("/socket", self._sockets.serve)
        return application

    async def _on_call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        return await self._api.answer(request, method)

    async def _on_upload(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()

        def work() -> web.Response:
            return receive_upload(self._world, request.match_info["file"], content)

        return await self._api.faulty(request, "upload", work)

    async def _on_answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()

        def work() -> web.Response:
            status, answer = ResponseUrls(self._world).post(request.match_info["name"], body)
            return web.json_response(answer, status=status)

        return await self._api.faulty(request, "response_url", work)

    async def _on_file(self, request: web.Request) -> web.StreamResponse:
        try:
            self._api.check_token(request.headers.get("Authorization", "").removeprefix("Bearer "))
        except Refused as refused:
            return web.Response(status=401, text=refused.code)
        return show_file(self._world, request.match_info["file"])
