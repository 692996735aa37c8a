"""Webhooks that are taken back while they are sent: no other goes with them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from crewgate.host.database import Database
from crewgate.host.records import Webhook
from crewgate.host.store import Store, forget_about
from crewgate.host.webhooks import Sender
from crewgate.network.untrusted_addresses import Lookups
from tests.host.client import Listener


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a new host keeps everything."""
    return tmp_path / "host.db"


@asynccontextmanager
async def sending(outbox: Store) -> AsyncIterator[Sender]:
    """Send what is due."""
    sender = Sender(outbox, None, Lookups(), pause=0.001)
    running = asyncio.create_task(sender.run())
    yield sender
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def decide_while_it_is_announced(database: Database, listener: Listener) -> None:
    """Something else is to be sent before the announcement is answered."""
    outbox = Store(database)
    announcement = Webhook("human_input", f"{listener.url}/human-input", {}, about="draft")
    listener.hangs = "/human-input"
    arrived = listener.changed
    outbox.put("e-1", [announcement])
    async with sending(outbox) as sender:
        await arrived.wait()
        with database.transaction() as sql:
            forget_about(sql, "e-1", "draft")
        outbox.put("e-1", [Webhook("task", f"{listener.url}/task", {})])
        listener.release.set()
        sender.wake()
        await listener.pause(path="/task")


async def test_a_webhook_is_not_taken_for_one_that_was_taken_back(
    file: Path, listener: Listener
) -> None:
    with closing(Database(file)) as database:
        await decide_while_it_is_announced(database, listener)
