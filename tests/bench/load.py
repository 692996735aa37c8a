"""Putting load on a server, and how long its answers take."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from tests.bench.connection import Connection, connections
from tests.bench.figures import Measured
from tests.bench.processes import Child

#: How many requests are under way at the same time.
AT_ONCE = 16

Request = Callable[[], bytes]


class UnexpectedAnswer(Exception):
    """The measured answer is not the intended one: its status and the beginning of its body."""


async def closed_loop(
    server: Child,
    requests: Iterable[Request],
    *,
    seconds: float,
    expect: int,
    at_once: int = AT_ONCE,
) -> Measured:
    """Send one after the other on each of some connections, until the time or they are over."""
    left: Iterator[Request] = iter(requests)
    latencies: list[float] = []
    async with connections(server.port, at_once) as opened:
        cpu = server.cpu_seconds()
        began = time.monotonic()

        async def one_after_another(connection: Connection) -> None:
            for make in left:
                latencies.append(await send(connection, make(), expect=expect))
                if time.monotonic() - began >= seconds:
                    return

        await asyncio.gather(*map(one_after_another, opened))
        took = time.monotonic() - began
        return Measured(took, tuple(latencies), server.cpu_seconds() - cpu)


async def open_loop(
    port: int, requests: Iterable[Request], *, rate: float, expect: int
) -> tuple[Measured, list[float]]:
    """Send so many a second, whether or not those before were answered; also when each was sent.

    How long one waited for a free connection counts, as it does for its sender.
    """
    latencies: list[float] = []
    sent: list[float] = []
    async with connections(port, AT_ONCE) as opened, asyncio.TaskGroup() as group:
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in opened:
            free.put_nowait(connection)

        async def one(make: Request, due: float) -> None:
            connection = await free.get()
            await send(connection, make(), expect=expect)
            latencies.append(time.monotonic() - due)
            free.put_nowait(connection)

        began = time.monotonic()
        tasks = []
        for number, make in enumerate(requests):
            due = began + number / rate
            await asyncio.sleep(due - time.monotonic())
            sent.append(due)
            tasks.append(group.create_task(one(make, due)))
        await asyncio.gather(*tasks)
        return Measured(time.monotonic() - began, tuple(latencies)), sent


async def send(connection: Connection, request: bytes, *, expect: int) -> float:
    """Send one request; how long its answer took. Raises UnexpectedAnswer."""
    began = time.monotonic()
    answer = await connection.send(request)
    took = time.monotonic() - began
    if answer.status != expect:
        raise UnexpectedAnswer(f"{answer.status}: {answer.body[:300].decode(errors='replace')}")
    return took
