"""The bot's processes: one on SQLite, or two on PostgreSQL behind a balancer."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from crewgate.demo.servers import COMMAND, BotProcess, free_port

_CHUNK = 64 * 2**10


class _Bot(BotProcess):
    start_seconds = 120  # beside all the load, on a machine that others use too


@dataclass(frozen=True, slots=True)
class Bots:
    """The processes, and where the world reaches them."""

    address: str
    processes: tuple[BotProcess, ...]
    database_url: str

    @property
    def logs(self) -> tuple[Path, ...]:
        """Return the log lines that the bots have written."""
        return tuple(process.log for process in self.processes)


@asynccontextmanager
async def one_bot(
    settings: Mapping[str, str], folder: Path, command: Sequence[str] = COMMAND
) -> AsyncIterator[Bots]:
    """A bot with a SQLite file."""
    database = f"sqlite:///{folder / 'crewgate.db'}"
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    configured = {"PUBLIC_URL": address, **settings, "DATABASE_URL": database}
    async with _Bot(configured, folder=folder, port=port, command=command) as bot:
        yield Bots(address, (bot,), database.replace("sqlite:", "sqlite+aiosqlite:"))


@asynccontextmanager
async def two_bots(
    settings: Mapping[str, str], folder: Path, command: Sequence[str] = COMMAND
) -> AsyncIterator[Bots]:
    """Two bots that share a PostgreSQL database."""
    # Half a second, and a package that only PostgreSQL needs.
    from tests.postgres import open_postgres  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(open_postgres())
        url = await stack.enter_async_context(postgres.database("template1"))
        ports = [free_port(), free_port()]
        address = await stack.enter_async_context(_balance(ports))
        configured = {**settings, "DATABASE_URL": url, "PUBLIC_URL": address}
        processes = []
        for port in ports:
            own = folder / str(port)
            own.mkdir()
            bot = _Bot(configured, folder=own, port=port, command=command)
            processes.append(await stack.enter_async_context(bot))
        yield Bots(address, tuple(processes), url)


@asynccontextmanager
async def _balance(ports: list[int]) -> AsyncIterator[str]:
    """Pass each connection on to the next process that takes it."""
    turn = 0
    open_: set[asyncio.Task[None]] = set()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        turn += 1
        task = asyncio.current_task()
        assert task is not None
        open_.add(task)
        task.add_done_callback(open_.discard)
        try:
            for port in ports[turn % len(ports) :] + ports[: turn % len(ports)]:
                with suppress(OSError):
                    await _join(reader, writer, *await asyncio.open_connection("127.0.0.1", port))
                    return
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(open_):
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    bot_reader: asyncio.StreamReader,
    bot_writer: asyncio.StreamWriter,
) -> None:
    """Both directions, until either side has ended; what is lost is lost, as behind any proxy."""
    there = asyncio.ensure_future(_copy(reader, bot_writer))
    back = asyncio.ensure_future(_copy(bot_reader, writer))
    try:
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        there.cancel()
        back.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        bot_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(_CHUNK):
        writer.write(part)
        await writer.drain()
