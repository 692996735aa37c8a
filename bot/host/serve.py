"""Starts the host, and ends it in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from bot.host.context import FlowWebhook, Shared, utc_seconds
from bot.host.database import Database
from bot.host.errors import HostNotStarted
from bot.host.outbox import Outbox
from bot.host.runner import Runner
from bot.host.sender import Sender
from bot.host.slots import Slots
from bot.host.store import Store
from bot.host.target import Target
from bot.host.waiters import Waiters
from bot.host.web import build_application

log = structlog.get_logger(__name__)

#: How long a stop waits for requests and for webhooks that are under way, in seconds.
STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command was given."""

    host: str
    port: int
    workers: int
    database: Path
    token: str
    public_url: str | None = None
    flow_webhook: FlowWebhook | None = None


async def serve(targets: Mapping[str, Target], options: Options) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises HostNotStarted."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with _bind(options.host, options.port) as listener:
        database = Database(options.database)
        try:
            await _serve(targets, options, database, listener, stop)
        finally:
            database.close()


async def _serve(
    targets: Mapping[str, Target],
    options: Options,
    database: Database,
    listener: socket.socket,
    stop: asyncio.Event,
) -> None:
    loop = asyncio.get_running_loop()
    outbox = Outbox(database)
    sender = Sender(outbox, options.flow_webhook, now=utc_seconds)

    def wake() -> None:
        loop.call_soon_threadsafe(sender.wake)

    port = listener.getsockname()[1]
    shared = Shared(
        store=Store(database),
        outbox=outbox,
        slots=Slots(options.workers),
        waiters=Waiters(),
        wake=wake,
        url=options.public_url or f"http://{_reachable(options.host)}:{port}",
        flow_webhook=options.flow_webhook,
    )
    runner = Runner(targets, shared)
    application = build_application(
        targets, runner, shared.store, token=options.token, now=shared.now
    )
    site = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_SECONDS)
    await site.setup()
    await web.SockSite(site, listener).start()
    sending = asyncio.create_task(sender.run())
    runner.take_up()
    log.info("started", address=shared.url, serves=", ".join(targets), workers=options.workers)
    try:
        await stop.wait()
    finally:
        log.info("stopping")
        await site.cleanup()
        runner.stop()
        sending.cancel()
        await sender.finish(STOP_SECONDS)
        await asyncio.gather(sending, return_exceptions=True)
        log.info("stopped")


def leave(status: int) -> None:
    """End the process without waiting for threads that work: what they do is done again."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _bind(host: str, port: int) -> socket.socket:
    """Raises HostNotStarted."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise HostNotStarted(f"cannot listen on {host}:{port}: {error}") from error


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104  # read, not bound
