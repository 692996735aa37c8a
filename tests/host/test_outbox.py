"""Webhooks of a host: taken back while they are sent, sent for days, and under a wrong clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from crewgate.domain.redaction import Redactor
from crewgate.host.database import Database
from crewgate.host.records import Webhook
from crewgate.host.store import LONGEST_PAUSE, Store, forget_about
from crewgate.host.webhooks import Sender
from crewgate.network.untrusted_addresses import Lookups
from tests.host.client import Listener


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file in which a new host keeps everything."""
    return tmp_path / "host.db"


@asynccontextmanager
async def sending(outbox: Store) -> AsyncIterator[Sender]:
    """Send what is due."""
    sender = Sender(outbox, None, Lookups(), redactor=Redactor(), pause=0.001)
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


async def test_a_webhook_that_was_not_taken_for_days_is_sent_after_the_longest_pause_again(
    file: Path, listener: Listener
) -> None:
    """1,024 pauses of five minutes are three and a half days, and 2**1024 is too large a float."""
    listener.refuse, arrived = 9, listener.changed
    with closing(Database(file)) as database:
        outbox = Store(database, now=lambda: 1_000.0)
        outbox.put("e-1", [Webhook("human_input", listener.url, {}, about="draft")])
        with database.transaction() as sql:
            sql.execute("UPDATE webhooks SET tries = 1024")
        async with sending(outbox) as sender:
            await arrived.wait()
            await sender.finish(60)
        [[tries, due_at]] = database.rows("SELECT tries, due_at FROM webhooks")
    assert (tries, due_at) == (1_025, 1_000 + LONGEST_PAUSE)


async def test_a_pause_is_announced_at_once_after_the_clock_was_set_back(
    file: Path, listener: Listener
) -> None:
    clock = [2 * 86_400.0]
    with closing(Database(file)) as database:
        outbox = Store(database, now=lambda: clock[0])
        outbox.put("e-1", [Webhook("human_input", f"{listener.url}/human-input", {}, about="a")])
        clock[0] = 86_400.0
        async with sending(outbox):
            await listener.pause()


def test_a_webhook_is_not_due_before_its_time_by_a_right_clock(file: Path) -> None:
    with closing(Database(file)) as database:
        outbox = Store(database, now=lambda: 1_000.0 + LONGEST_PAUSE)
        outbox.put("e-1", [Webhook("task", "http://127.0.0.1:1/task", {})])
        assert not outbox.due(1_000.0, announcing=False, limit=9, to_one_url=9, except_for=())
