"""Starts the host, and ends it in order."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from crewgate.crew_api.wire import FlowWebhook
from crewgate.domain.redaction import Redactor
from crewgate.host.context import Shared, random_id, utc_seconds
from crewgate.host.database import Database
from crewgate.host.errors import HostNotStarted
from crewgate.host.outbox import Outbox
from crewgate.host.runner import Runner
from crewgate.host.sender import FIRST_PAUSE, Sender
from crewgate.host.store import Store
from crewgate.host.target import Target
from crewgate.host.threads import Slots, Waiters
from crewgate.host.web import build_application
from crewgate.network.connections import Limits, listen
from crewgate.network.lookups import Lookups

log = structlog.get_logger(__name__)

#: The longest that a stop waits for requests and webhooks that are under way, in seconds.
STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command's options."""

    host: str
    port: int
    workers: int
    database: Path
    token: str
    public_url: str | None = None
    flow_webhook: FlowWebhook | None = None
    first_pause: float = FIRST_PAUSE
    """Seconds until what nobody took is sent again."""
    again_after: float = 30.0
    """Seconds until an execution goes on whose work could not be written to disk."""
    new_id: Callable[[], str] = random_id
    redactor: Redactor = field(default_factory=Redactor)
    """Knows what must not be told of the environment."""
    secret_keys: tuple[str, ...] = ()
    """The keys that credentials are encrypted with, the newest first."""
    limits: Limits = field(default_factory=Limits.of_process)
    lookups: Lookups = field(default_factory=Lookups)


async def serve(targets: Mapping[str, Target], options: Options) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises HostNotStarted."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with hosting(targets, options):
        await stop.wait()


@asynccontextmanager
async def hosting(targets: Mapping[str, Target], options: Options) -> AsyncIterator[str]:
    """Serve while the block lasts; yield the address. Raises HostNotStarted."""
    with (
        _bind(options.host, options.port) as listener,
        closing(Database(options.database, options.secret_keys)) as file,
    ):
        port = listener.getsockname()[1]
        url = options.public_url or f"http://{_reachable(options.host)}:{port}"
        sender = Sender(
            Outbox(file),
            options.flow_webhook,
            options.lookups,
            now=utc_seconds,
            pause=options.first_pause,
        )
        shared = _shared(file, options, url, sender)
        runner = Runner(targets, shared)
        application = build_application(
            targets, runner, shared.store, token=options.token, now=shared.now
        )
        sending = asyncio.create_task(sender.run())
        try:
            async with listen(
                application, listener, limits=options.limits, shutdown_timeout=STOP_SECONDS
            ):
                runner.take_up()
                log.info("started", address=url, serves=", ".join(targets), workers=options.workers)
                yield url
                log.info("stopping")
        finally:
            runner.stop()
            await sender.finish(STOP_SECONDS)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            log.info("stopped")


def _shared(file: Database, options: Options, url: str, sender: Sender) -> Shared:
    loop = asyncio.get_running_loop()

    def wake() -> None:
        # A thread that works is cut off only with the process, and may end after the loop did.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(sender.wake)

    return Shared(
        store=Store(file),
        outbox=Outbox(file),
        slots=Slots(options.workers),
        waiters=Waiters(),
        wake=wake,
        url=url,
        flow_webhook=options.flow_webhook,
        again_after=options.again_after,
        new_id=options.new_id,
        redact=options.redactor.error,
    )


def leave(status: int) -> None:
    """End the process without waiting for working threads: their work is done again."""
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
