"""Starting and stopping: what listens, what works, and how both come to an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.usecases.delivery.worker import Worker

#: How long a stop waits for requests and for calls under way, in seconds. Heroku kills after 30 s;
#: a call that takes longer counts as unknown at the next start.
STOP_LISTENING_SECONDS = 5
STOP_WORKING_SECONDS = 20


@asynccontextmanager
async def serve_http(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Listen, and give the address; at the end take nothing more and answer what is under way."""
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=STOP_LISTENING_SECONDS,
        auto_decompress=False,  # see `web.bodies`
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def run_workers(
    workers: dict[str, Worker], background: list[Callable[[], Coroutine[Any, Any, None]]]
) -> AsyncIterator[None]:
    """Run the workers and what else goes on; at the end lease no more and finish what is held."""
    loops = [asyncio.create_task(worker.run()) for worker in workers.values()]
    others = [asyncio.create_task(run()) for run in background]
    try:
        yield
    finally:
        for worker in workers.values():
            worker.stop()
        for task in others:
            task.cancel()
        _, late = await asyncio.wait(loops, timeout=STOP_WORKING_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*loops, *others, return_exceptions=True)
