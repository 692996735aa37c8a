"""`crewgate rotate`: all credentials under the newest key, also beside a running bot."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate.check.database import of_this_version, write_beside
from crewgate.check.findings import say
from crewgate.domain.audit import OPERATOR, Code, Entry
from crewgate.domain.errors import CrewgateError, StoreUnavailable
from crewgate.encryption import MAKE_KEY
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings
from crewgate.slack.strings import counted
from crewgate.store.engine import claim_file, open_beside, scrub
from crewgate.store.failures import translate_errors
from crewgate.store.secret_keys import count_unreadable, last_alive, rotate
from crewgate.usecases.ports.base import MISSED

Ask = Callable[[str], str]
"""Asks somebody at the terminal. Raises EOFError if nobody is there."""


class BotRuns(CrewgateError):
    """Nothing was taken out, because a running bot may need it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"stop the bot first, nothing was taken out: {why}")


async def run_rotate(
    settings: Settings, *, forget: bool = False, yes: bool = False, ask: Ask = input
) -> int:
    """Encrypt all credentials with the newest key; return 1 if some could not be read or taken out.

    Raises StoreUnavailable, SecretKeysRefused and BotRuns.
    """
    keys = settings.secret_keys
    if not keys:
        say(f"✗ SECRET_KEYS is not set; set it to what `{MAKE_KEY}` prints, and restart the bot")
        return 1
    async with of_this_version(open_beside(settings.database_url)) as engine:
        with translate_errors(), _alone(settings.database_url, forget=forget):
            if forget:
                await _see_that_none_runs(engine, Runtime().clock())
                unreadable = await count_unreadable(engine, keys)
                if unreadable and not _is_agreed(unreadable, yes=yes, ask=ask):
                    say("✗ nothing was taken out; to do so without a question, add --yes")
                    return 1
                if unreadable:
                    async with write_beside(settings.database_url) as tx:
                        tx.audit.add(Entry(Code.FORGOTTEN, OPERATOR, {"credentials": unreadable}))
            done, lost = await rotate(engine, keys, forget=forget, sleep=Runtime().sleep)
    is_scrubbed = await scrub(settings.database_url)
    if lost and not forget:
        say(
            f"✗ {counted(lost, 'credential')} cannot be read with any key: put the missing one back"
            " into SECRET_KEYS; if it is lost for good, --forget takes out what only it opens"
        )
        return 1
    if not is_scrubbed:
        say("! the database's -wal file is in use and may have what was replaced: try again")
    say(f"✓ encrypted {counted(done, 'credential')} with the first key; no other is needed now")
    if lost:
        say(f"! took out {counted(lost, 'credential')} that no key opens")
    return 0


@contextmanager
def _alone(url: str, *, forget: bool) -> Iterator[None]:
    """Keep a bot from starting on a SQLite file meanwhile. Raises BotRuns if one has it."""
    parsed = sa.make_url(url)
    if not forget or parsed.get_backend_name() != "sqlite":
        yield
        return
    try:
        lock = claim_file(parsed.database or "")
    except StoreUnavailable as error:
        raise BotRuns(str(error)) from error
    with lock:
        yield


async def _see_that_none_runs(engine: AsyncEngine, now: datetime) -> None:
    """Raise BotRuns if a bot on PostgreSQL noted lately that it runs."""
    at = None if engine.dialect.name == "sqlite" else await last_alive(engine)
    if at is not None and abs(now - at) <= MISSED:
        raise BotRuns(f"one ran at {at:%H:%M:%S} UTC; if all are stopped, wait for a minute")


def _is_agreed(unreadable: Counter[str], *, yes: bool, ask: Ask) -> bool:
    say("! no key in SECRET_KEYS opens these; the right key, put back, loses nothing:")
    for place, count in sorted(unreadable.items()):
        say(f"    {place}: {count:,}")
    try:
        return yes or ask("Take them out for good? Type yes: ").strip() == "yes"
    except EOFError:
        return False
