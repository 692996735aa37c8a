"""Mentions: the number of waiting rounds of one task and rule, and the latest mention of people."""

from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import NO_RULE
from crewgate.domain.subjects import call_of
from crewgate.store.engine import Changing, Reading, rows, write
from crewgate.store.round_rows import from_rule
from crewgate.store.statements import Insert, insert_of, insert_over
from crewgate.store.tables import mentions, outbox, rounds

#: The state is a literal, because a plan for any state could not use the index that has only
#: waiting rounds.
_WAITING: Final = (
    sa.select(rounds.c.id)
    .where(
        rounds.c.crew == sa.bindparam("crew"),
        rounds.c.task_key == sa.bindparam("task"),
        rounds.c.state == sa.literal_column(f"'{State.WAITING.value}'"),
    )
    .limit(sa.bindparam("limit"))
)
_KEY: Final = ("crew", "task_key", "people")
#: A job that has begun and has no outcome yet: its message may be in Slack.
_IS_ON_ITS_WAY: Final = sa.select(outbox.c.id).where(
    outbox.c.id == sa.bindparam("job"),
    outbox.c.began_at.is_not(None),
    outbox.c.set_aside_at.is_(None),
)
_CLAIMED_BY: Final = sa.select(mentions.c.people).where(
    mentions.c.crew == sa.bindparam("crew"),
    mentions.c.task_key == sa.bindparam("task_key"),
    mentions.c.job == sa.bindparam("job"),
)
_FORGET_OLD: Final = sa.delete(mentions).where(
    mentions.c.at < sa.bindparam("before", type_=mentions.c.at.type)
)


def task_key(round_: Round) -> str:
    """Return a digest of a round's task or tool, and of its rule."""
    review, rule = round_.review, round_.rule
    call = call_of(round_.subject)
    name = call.tool if call is not None else review.task_name or review.task_id
    asks = name if rule == NO_RULE else f"{name}\n{from_rule(rule)}"
    return sha256(asks.encode()).hexdigest()[:16]


@cache
def _open(dialect: str) -> Insert:
    """Insert a row, unless there is one; lock and return the row."""
    return (
        insert_of(dialect)(mentions)
        .on_conflict_do_update(
            index_elements=[mentions.c[name] for name in _KEY], set_={"at": mentions.c.at}
        )
        .returning(mentions.c.at, mentions.c.job)
    )


class MentionQueries(Reading):
    """Counts waiting rounds."""

    async def count_waiting(self, round_: Round, *, limit: int) -> int:
        """Count the waiting rounds of a round's crew, task and rule."""
        of = {"crew": round_.review.crew, "task": task_key(round_), "limit": limit}
        return len(await self._prepared(_WAITING, of))


class Mentions(Changing):
    """Notes in a transaction which message mentions a set of people, a row for each set.

    `at` is the time at which Slack took the latest message that mentions them; or, with `job`, the
    time at which a try of that job began, whose message is to mention them. The latter lasts until
    the outcome of that job is known.
    """

    async def claim(
        self,
        round_: Round,
        people: str,
        *,
        job: int,
        at: datetime,
        every: timedelta,
    ) -> bool | None:
        """Return True if a job's message may mention these people, False if another did lately.

        None: another job's message is on its way. `every` is the time from one mention to the next.
        """
        claim = _key(round_, people) | {"at": at, "job": job}
        found = await self._open(claim)
        # A time far ahead is of a clock that was set back.
        if found.job is None and abs(at - found.at) < every:
            return False
        if found.job not in (None, job) and await rows(
            self._connection, _IS_ON_ITS_WAY, {"job": found.job}
        ):
            return None
        await insert_over(self._connection, mentions, claim)
        return True

    async def note(self, round_: Round, people: str, *, at: datetime, every: timedelta) -> None:
        """Store that Slack has taken a message that mentions these people; forget old rows."""
        row = _key(round_, people) | {"at": at, "job": None}
        await insert_over(self._connection, mentions, row)
        await write(self._connection, _FORGET_OLD, {"before": at - 2 * every})

    async def note_found(
        self, round_: Round, people: str, *, job: int, at: datetime, every: timedelta
    ) -> None:
        """Store that Slack took a job's message at an earlier time.

        The try that posted it may have claimed other people: some have approved meanwhile.
        """
        row = _key(round_, people) | {"at": at, "job": None}
        claimed = await rows(self._connection, _CLAIMED_BY, row | {"job": job})
        for mentioned in sorted({people, *(one.people for one in claimed)}):
            found = await self._open(row | {"people": mentioned})
            # A later message may have mentioned them.
            if found.job is not None or not timedelta() < found.at - at < every:
                await insert_over(self._connection, mentions, row | {"people": mentioned})

    async def _open(self, row: dict[str, Any]) -> Any:
        [found] = await rows(self._connection, _open(self._connection.dialect.name), row)
        return found


def _key(round_: Round, people: str) -> dict[str, Any]:
    return {"crew": round_.review.crew, "task_key": task_key(round_), "people": people}
