"""`crewgate rotate --forget` takes nothing out by mistake."""

import fcntl
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crewgate.check.database import Ask, run_rotate
from crewgate.check.findings import NotDone
from crewgate.domain.audit import Code
from crewgate.encryption import Cipher, key_of
from crewgate.runtime import utc_now
from crewgate.settings.load import Settings
from crewgate.store.engine import Engines
from crewgate.store.secret_keys import use_keys
from crewgate.store.tables import audit_entries, dead_letters, heartbeat
from crewgate.store.unit_of_work import UnitOfWork
from tests.builders import a_dead_letter, a_secret_key

LOST, NEW = a_secret_key(1), a_secret_key(2)
SEEN = "    dead_letters.body: 1\n"


@pytest.fixture
async def stored(uow: UnitOfWork, engines: Engines) -> AsyncIterator[None]:
    """A credential that the key at hand does not open, and no bot."""
    await use_keys(engines.write, [LOST])
    async with uow.begin() as tx:
        await tx.dead_letters.store(a_dead_letter(body=b"x"))
    if engines.lock is None:
        yield
    else:
        fcntl.flock(engines.lock, fcntl.LOCK_UN)
        yield
        fcntl.flock(engines.lock, fcntl.LOCK_EX)


async def kept(engines: Engines) -> int:
    async with engines.read.connect() as connection:
        body = sa.type_coerce(dead_letters.c.body, sa.LargeBinary)
        [stored] = await connection.scalars(sa.select(body))
        codes = await connection.scalars(sa.select(audit_entries.c.body))
        told = [body for body in codes if Code.FORGOTTEN.encode() in body]
    assert bool(told) != (key_of(stored) == Cipher([LOST]).names[0])
    return len(told)


async def forget(url: str, *, yes: bool = False, ask: Ask = input) -> int:
    settings = Settings(slack_bot_token="xoxb-1", database_url=url, crews={}, secret_keys=(NEW,))
    return await run_rotate(settings, forget=True, yes=yes, ask=ask)


def nobody(_question: str) -> str:
    raise EOFError


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("ask", [lambda _: "no", lambda _: "", nobody])
async def test_it_shows_what_it_would_take_out_and_asks(
    database_url: str, engines: Engines, capsys: pytest.CaptureFixture[str], ask: Ask
) -> None:
    assert await forget(database_url, ask=ask) == 1
    said = capsys.readouterr().out
    assert SEEN in said
    assert said.endswith("✗ nothing was taken out; to do so without a question, add --yes\n")
    assert await kept(engines) == 0


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("yes", "ask"), [(False, lambda _: "yes "), (True, nobody)])
async def test_what_is_taken_out_is_in_the_trail(
    database_url: str,
    engines: Engines,
    capsys: pytest.CaptureFixture[str],
    yes: bool,  # of the table above
    ask: Ask,
) -> None:
    assert await forget(database_url, yes=yes, ask=ask) == 0
    assert SEEN in capsys.readouterr().out
    assert await kept(engines) == 1
    assert await forget(database_url, ask=nobody) == 0  # nothing is left to ask about


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_bot_that_was_there_lately_stops_it(database_url: str, engines: Engines) -> None:
    now = utc_now()
    async with engines.write.begin() as connection:
        beat = {"crew": "research", "at": now - timedelta(seconds=20)}
        await connection.execute(sa.insert(heartbeat), beat)
    with pytest.raises(NotDone, match="wait for a minute"):
        await forget(database_url, yes=True)
    assert await kept(engines) == 0
    async with engines.write.begin() as connection:
        await connection.execute(sa.update(heartbeat).values(at=now - timedelta(minutes=2)))
    assert await forget(database_url, yes=True) == 0


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_bot_that_has_the_file_stops_it(database_url: str, engines: Engines) -> None:
    await use_keys(engines.write, [LOST])
    with pytest.raises(NotDone, match="another bot is using"):
        await forget(database_url, yes=True)
