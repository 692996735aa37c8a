"""The workspace's HTTP server: the Web API, uploads and `response_url`s."""

from aiohttp import web
from typing_extensions import override

from crewgate.demo.servers import LocalServer
from crewgate.demo.workspace import blocks, files, response_urls, web_api
from crewgate.demo.workspace.world import World

_MOST_BYTES = 64 * 1024 * 1024


class Server(LocalServer):
    """The workspace's routes."""

    def __init__(self, world: World, api: web_api.WebApi) -> None:
        self._world = world
        self._api = api
        super().__init__(self.add_routes, most_bytes=_MOST_BYTES)

    @override
    async def start(self, port: int = 0) -> None:
        await super().start(port)
        self._world.url = self.url

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", "/api/{method}", self._on_call)
        router.add_post("/upload/{file}", self._on_upload)
        router.add_post("/respond/{name}", self._on_answer)

    async def _on_call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        return await self._api.answer(request, method)

    async def _on_upload(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()

        async def work() -> web.Response:
            return files.receive_upload(self._world, request.match_info["file"], content)

        return await self._api.faulty(request, "upload", work)

    async def _on_answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()

        async def work() -> web.Response:
            status, answer = self.respond(request.match_info["name"], body)
            return web.json_response(answer, status=status)

        return await self._api.faulty(request, "response_url", work)

    def respond(self, name: str, body: blocks.Json) -> tuple[int, blocks.Json]:
        return response_urls.post(self._world, name, body)
