"""A file that cannot be written for a while: nothing is kept by halves, and all goes on after."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crewgate.crew_api.wire import Kickoff
from crewgate.domain.redaction import Redactor
from crewgate.host import records
from crewgate.host.database import VERSION, Database, make_private
from crewgate.host.records import DueWebhook, NotKept, State, Webhook
from crewgate.host.run import Options, Shared, Slots, Waiters
from crewgate.host.runner import Runner
from crewgate.host.serve import build_application
from crewgate.host.store import Store, utc_seconds
from crewgate.host.webhooks import Sender
from crewgate.network.untrusted_addresses import Lookups
from tests.host.client import TOKEN, Api, Listener
from tests.host.standins import StandInCrew
from tests.servers import serve_limited

DAY = 86_400.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "host.db")) as opened:
        yield opened


def fill(database: Database, *, room: int = 0) -> None:
    """Let the file grow by this many pages and no more, as on a full disk."""
    with database.reading() as sql:
        [pages] = sql.execute("PRAGMA page_count").fetchone()
        sql.execute(f"PRAGMA max_page_count = {pages + room}")


def empty(database: Database) -> None:
    with database.reading() as sql:
        sql.execute("PRAGMA max_page_count = 1000000")


def kick_off(database: Database, name: str, *, size: int = 100_000) -> None:
    Store(database).add(name, "crew", Kickoff({"topic": "x" * size}))


def kept(database: Database) -> list[str]:
    return [one.id for one in Store(database).unfinished()]


def test_a_file_that_others_may_read_is_made_private(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("wide.db", "wide.db-wal", "wide.db-shm")]
    for one in files:
        one.touch(0o644)
        one.chmod(0o664)
    make_private(files[0])
    make_private(tmp_path / "new.db")
    assert {one.stat().st_mode & 0o777 for one in tmp_path.glob("*.db*")} == {0o600}


def test_a_file_of_the_last_version_is_brought_over_with_what_waits_in_it(tmp_path: Path) -> None:
    path, lesson = tmp_path / "old.db", f"{records.LESSON}1"
    with closing(Database(path)) as new:
        kick_off(new, "old", size=1)
        Store(new).pause("old", "task", "Text")
        store = Store(new, lambda: 0.0)
        store.add(lesson, "crew", Kickoff({"lesson": "Cite it."}))
        store.end(lesson, result=records.KEEP)
    with closing(sqlite3.connect(path)) as old:
        for column in ("digest", "valid_until", "outcome"):
            old.execute(f"ALTER TABLE rounds DROP COLUMN {column}")
        old.execute("ALTER TABLE rounds RENAME COLUMN role TO place")
        old.execute("ALTER TABLE executions DROP COLUMN lesson_until")
        old.execute("PRAGMA user_version = 10")
    for _ in range(2):
        with closing(Database(path)) as opened:
            [one] = Store(opened).rounds("old")
            assert one.output == "Text"
            assert one.waits
            # Nobody said until when it was kept: as long as others are by default.
            kept_then = Store(opened, lambda: 90 * DAY - 1).lessons("crew")
            assert kept_then == [{"lesson": "Cite it."}]
            assert Store(opened, lambda: 90 * DAY).lessons("crew") == []
            [version] = opened.rows("PRAGMA user_version")[0]
    assert version == VERSION


def test_what_does_not_fit_is_refused_and_the_next_that_fits_is_kept(database: Database) -> None:
    fill(database)
    for _ in range(2):
        with pytest.raises(NotKept, match="full"):
            kick_off(database, "too-large")
    empty(database)
    kick_off(database, "fits")

    assert kept(database) == ["fits"]


def test_a_commit_that_fails_leaves_nothing_behind(database: Database) -> None:
    with database.transaction() as sql:
        sql.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
        sql.execute("CREATE TABLE b (of INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)")
    with database.reading() as sql:
        sql.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(NotKept), database.transaction() as sql:
        sql.execute("INSERT INTO b VALUES (7)")  # found out at the commit
    kick_off(database, "after", size=1)

    assert kept(database) == ["after"]
    with database.reading() as sql:
        assert sql.execute("SELECT count(*) FROM b").fetchone()[0] == 0


def shared_of(database: Database) -> Shared:
    slots = Slots(1)
    return Shared(
        store=Store(database),
        slots=slots,
        waiters=Waiters(slots),
        wake=lambda: None,
        url="",
        options=Options(
            host="",
            port=0,
            workers=1,
            database=Path(),
            token=TOKEN,
            again_after=0,
            close_after=0.01,
            tool_timeout=1,
            new_id=lambda: "e-1",
        ),
    )


async def test_a_kickoff_that_cannot_be_kept_is_answered_with_an_error(database: Database) -> None:
    runner = Runner({"crew": StandInCrew()}, shared_of(database))
    fill(database)
    async with serve_limited(build_application(runner)) as url:
        body = {"inputs": {"topic": "x" * 100_000}}
        status, _ = await Api(url).call("POST", "/kickoff", body)

    assert status == 500
    assert kept(database) == []


def test_a_pause_that_cannot_be_kept_is_no_error_of_the_crew(database: Database) -> None:
    """The task runs again once it can be."""
    shared = shared_of(database)
    again = threading.Event()

    def work(_: str) -> None:
        if not crew.worked:
            fill(database)
            return
        empty(database)
        again.set()

    crew = StandInCrew(tasks=["draft"], work=work)
    runner = Runner({"crew": crew}, shared)
    execution = runner.kick_off(crew, Kickoff({"topic": "x" * 100_000}))
    assert again.wait(20)
    while shared.store.get(execution, "crew").state is not State.PAUSED:
        pass
    runner.stop()

    assert crew.worked == ["draft", "draft"]
    assert len(shared.store.rounds(execution)) == 1


async def test_a_webhook_of_which_nothing_can_be_kept_is_sent_once(
    database: Database, listener: Listener
) -> None:
    looks, looked_often = 0, asyncio.Event()

    def now() -> float:
        nonlocal looks
        looks += 1
        if looks == 10:
            looked_often.set()
        return utc_seconds()

    outbox = Store(database, now)
    sender = Sender(outbox, None, Lookups(), redactor=Redactor(), pause=0.001)
    outbox.put("e-1", [Webhook("task", f"{listener.url}/task", {})])
    with database.reading() as sql:
        sql.execute("PRAGMA query_only = ON")
    sending = asyncio.create_task(sender.run())
    with capture_logs() as logs:
        async with asyncio.timeout(60):
            await looked_often.wait()
    with database.reading() as sql:
        sql.execute("PRAGMA query_only = OFF")
    outbox.put("e-1", [Webhook("task", f"{listener.url}/later", {})])
    await listener.pause(path="/later")
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    assert len(listener.at("/task")) == 1
    assert {"webhooks_not_kept"} < {one["event"] for one in logs}
    assert all(one.webhook.url.endswith("/later") for one in due(outbox))


def due(outbox: Store) -> list[DueWebhook]:
    return outbox.due(utc_seconds(), announcing=False, limit=9, to_one_url=9, except_for=())
