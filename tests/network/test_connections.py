"""Connections that only cost, over real sockets."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from crewgate.network.connections import Limits, listen
from crewgate.network.requests import read_body
from crewgate.web.context import explain_failures

SOON = 0.05
GET = b"GET /ok HTTP/1.1\r\nHost: bot\r\n\r\n"


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self) -> tuple[int, str]:
        """The status and the body of one answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        [length] = [
            int(line.partition(":")[2])
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        ]
        return int(head.split()[1]), (await self.reader.readexactly(length)).decode()

    async def closed(self) -> None:
        """Waits until the other side has closed it."""
        try:
            while await self.reader.read(1_000):
                pass
        except ConnectionError:
            pass


@dataclass
class Server:
    port: int = 0
    clients: list[Client] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Counts the bodies for `/hang`, which answers once it is `going`."""
    going: asyncio.Event = field(default_factory=asyncio.Event)

    async def hang(self, request: web.Request) -> web.Response:
        body = await read_body(request, of="a")
        self.arrived.release()
        await self.going.wait()
        return web.Response(body=body.content)

    async def connect(self, sending: bytes = b"") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        await client.send(sending)
        return client

    async def begin(self, path: str) -> Client:
        """A client that has sent half of a body; its request is under way."""
        head = f"POST {path} HTTP/1.1\r\nHost: bot\r\nExpect: 100-continue\r\nContent-Length: 4"
        client = await self.connect(f"{head}\r\n\r\nab".encode())
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        return client


Serve = Callable[[Limits], AbstractAsyncContextManager[Server]]


@pytest.fixture
def serve() -> Serve:
    async def ok(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def big(_request: web.Request) -> web.Response:
        return web.Response(body=io.BytesIO(bytes(50_000_000)))

    async def fail(_request: web.Request) -> web.Response:
        raise LookupError

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=401)

    async def echo(request: web.Request) -> web.Response:
        seconds = float(request.query.get("seconds", "5"))
        return web.Response(body=(await read_body(request, of="a", seconds=seconds)).content)

    async def anybody(request: web.Request) -> web.Response:
        return web.Response(body=(await read_body(request, of=None)).content)

    @asynccontextmanager
    async def serving(limits: Limits) -> AsyncIterator[Server]:
        app = web.Application(middlewares=[explain_failures])
        app.router.add_get("/ok", ok)
        app.router.add_get("/big", big)
        app.router.add_get("/fail", fail)
        app.router.add_post("/refuse", refuse)
        app.router.add_post("/echo", echo)
        app.router.add_post("/anybody", anybody)
        server = Server()
        app.router.add_post("/hang", server.hang)
        async with listen(app, ("127.0.0.1", 0), limits=limits, shutdown_timeout=1) as server.port:
            yield server
            for client in server.clients:
                client.writer.close()

    return serving


async def test_a_stop_waits_for_a_request_only_so_long() -> None:
    """By itself, aiohttp would wait twice as long."""
    asked = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/ok", hang)
    stack = AsyncExitStack()
    port = await stack.enter_async_context(
        listen(app, ("127.0.0.1", 0), limits=Limits(), shutdown_timeout=3)
    )
    client = await Server(port=port).connect(GET)
    await asked.wait()
    stopping = asyncio.create_task(stack.aclose())
    stopped, _ = await asyncio.wait([stopping], timeout=5.7)
    assert stopped
    await client.closed()
    client.writer.close()


async def test_requests_follow_each_other_on_one_connection(serve: Serve) -> None:
    async with serve(Limits()) as server:
        client = await server.connect(GET)
        assert await client.answer() == (200, "ok")
        await client.send(GET)
        assert await client.answer() == (200, "ok")


@pytest.mark.parametrize("sent", [b"", GET[:-2], GET[:4]])
async def test_a_connection_without_a_whole_first_request_is_closed(
    serve: Serve, sent: bytes
) -> None:
    async with serve(Limits(first_request=SOON)) as server:
        client = await server.connect(sent)
        await client.closed()


async def test_headers_that_trickle_have_no_more_time(serve: Serve) -> None:
    async with serve(Limits(first_request=SOON)) as server:
        client = await server.connect(b"GET /ok HTTP/1.1\r\n")
        ending = asyncio.create_task(client.closed())
        while not ending.done():
            client.writer.write(b"X-More: header\r\n")
            await asyncio.wait([ending], timeout=SOON / 10)


@pytest.mark.parametrize("sent", [b"", GET[:-2]])
async def test_a_connection_without_a_whole_next_request_is_closed(
    serve: Serve, sent: bytes
) -> None:
    async with serve(Limits(next_request=SOON)) as server:
        client = await server.connect(GET)
        assert await client.answer() == (200, "ok")
        await client.send(sent)
        await client.closed()


async def test_a_request_may_take_longer_than_connections_wait(serve: Serve) -> None:
    async with serve(Limits(first_request=SOON, next_request=SOON)) as server:
        client = await server.connect(
            b"POST /echo HTTP/1.1\r\nHost: bot\r\nContent-Length: 4\r\n\r\nab"
        )
        other = await server.connect()
        await other.closed()
        await client.send(b"cd")
        assert await client.answer() == (200, "abcd")


async def test_idle_connections_make_room_the_longest_idle_first(serve: Serve) -> None:
    async with serve(Limits(connections=3)) as server:
        never = await server.connect()
        kept = await server.connect(GET)
        assert await kept.answer() == (200, "ok")
        used = await server.connect(GET)
        assert await used.answer() == (200, "ok")

        for _ in range(10):
            await kept.send(GET)
            assert await kept.answer() == (200, "ok")
            new = await server.connect(GET)
            assert await new.answer() == (200, "ok")

        await never.closed()
        await used.closed()
        assert not kept.reader.at_eof()


async def test_a_connection_whose_request_arrived_in_full_never_makes_room(serve: Serve) -> None:
    async with serve(Limits(connections=2)) as server:
        asking = [await server.begin("/hang") for _ in range(2)]
        for client in asking:
            await client.send(b"cd")
            await server.arrived.acquire()
        for _ in range(5):
            got = await server.connect(GET)
            assert await got.answer() == (200, "ok")
        server.going.set()
        for client in asking:
            assert await client.answer() == (200, "abcd")


@pytest.mark.parametrize("path", ["/echo", "/anybody"])
async def test_whoever_holds_most_connections_gives_the_oldest_of_them(
    serve: Serve, path: str
) -> None:
    """Proven or not: who holds all connections and makes more must not close those of others."""
    other = {"/echo": "/anybody", "/anybody": "/echo"}[path]
    async with serve(Limits(connections=8)) as server:
        slow = await server.begin(other)
        idle = await server.connect()
        for _ in range(20):
            many = [await server.begin(path) for _ in range(8)]
            just_made = await server.connect()
            await just_made.send(GET)
            assert await just_made.answer() == (200, "ok")
            await many[0].closed()
            just_made.writer.close()
            await just_made.closed()
        await slow.send(b"cd")
        assert await slow.answer() == (200, "abcd")
        await idle.send(GET)
        assert await idle.answer() == (200, "ok")


async def test_each_connection_that_comes_closes_another_one(serve: Serve) -> None:
    """Of 8 unfinished bodies, 4 make room for 7 that come at once: then idle ones are as many."""
    async with serve(Limits(connections=8)) as server:
        posting = [await server.begin("/echo") for _ in range(8)]
        await asyncio.gather(*(server.connect(GET) for _ in range(7)))
        answered = 0
        for client in posting:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await client.send(b"cd")
                await client.answer()
                answered += 1
        assert answered == 4


async def test_a_connection_whose_answer_nobody_reads_makes_room(serve: Serve) -> None:
    async with serve(Limits(connections=1)) as server:
        never_read = await server.connect(GET.replace(b"/ok", b"/big"))
        await never_read.reader.readuntil(b"\r\n\r\n")
        other = await server.connect(GET)
        assert await other.answer() == (200, "ok")
        await never_read.closed()


@pytest.mark.parametrize(
    ("files", "connections"), [(-1, 500), (1_048_576, 500), (1_024, 500), (256, 128), (100, 50)]
)
def test_connections_take_half_of_the_files_at_most(files: int, connections: int) -> None:
    assert Limits.within(files).connections == connections


async def test_a_body_that_does_not_arrive_is_refused(serve: Serve) -> None:
    async with serve(Limits(leftover=SOON)) as server:
        client = await server.connect(
            b"POST /echo?seconds=0.05 HTTP/1.1\r\nHost: bot\r\nContent-Length: 4\r\n\r\nab"
        )
        status, body = await client.answer()
        assert (status, "did not arrive" in body) == (400, True)
        await client.closed()


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"-1\r\n\r\n", b"ffffffffffffffffffff\r\n"])
async def test_a_body_in_broken_chunks_is_refused_without_a_traceback(
    serve: Serve, caplog: pytest.LogCaptureFixture, chunks: bytes
) -> None:
    async with serve(Limits(leftover=SOON)) as server:
        head = (
            b"POST /echo?seconds=0.05 HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        client = await server.connect(head + b"1\r\na\r\n")
        await client.send(chunks)
        status, _ = await client.answer()
        assert status == 400
        await client.closed()
    assert not _tracebacks(caplog)


async def test_a_body_that_nobody_reads_is_not_waited_for(serve: Serve) -> None:
    async with serve(Limits(leftover=SOON)) as server:
        client = await server.connect(
            b"POST /refuse HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000000\r\n\r\nab"
        )
        assert (await client.answer())[0] == 401
        await client.closed()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 20 + b"\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: bot\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_without_a_traceback(
    serve: Serve, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    async with serve(Limits(leftover=SOON)) as server:
        client = await server.connect(sent)
        status, body = await client.answer()
        assert (status, '"malformed"' in body) == (400, True)
        await client.closed()
    assert not _tracebacks(caplog)


async def test_what_nobody_foresaw_has_a_traceback(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(Limits()) as server:
        client = await server.connect(GET.replace(b"/ok", b"/fail"))
        assert (await client.answer())[0] == 500
    [record] = _tracebacks(caplog)
    assert record.exc_info


def _tracebacks(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]
