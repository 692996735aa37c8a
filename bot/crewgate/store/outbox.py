"""The table of effects not yet done, and its guarantees.

- An effect is enqueued in the transaction that makes it necessary: both are stored, or neither.
- An effect is carried out at least once. A worker may die after the other side acted and before the
  job was completed; each delivery must expect that (a post is looked for by its metadata, a resume
  in doubt by its evidence).
- Jobs of one ordering key are leased one at a time, in the order of their ids, also by several
  bots. Jobs of different keys have no order.
- A lease ends by the database's clock, not by a bot's. A job whose lease ended is leased again, and
  the late worker can no longer complete it.
- A job that waits for its time, its channel's budget or its card costs no lease and no try.
- Of several updates of one message the latest is carried out; it renders the present state.
- A job that failed for a day is set aside and kept. No job is dropped without a message or a log.

A new kind of effect gets all of this, its log lines and its metrics by its row in `EffectKind`.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
import structlog

from crewgate.domain import effects
from crewgate.domain.retry import LONGEST_ASKED, Budget
from crewgate.store import engine
from crewgate.store.column_types import MICROSECOND, is_time
from crewgate.store.statements import MOST, first_of_each, insert_of, insert_over, one_of
from crewgate.store.tables import budgets, heartbeat, outbox
from crewgate.store.unreadable import LAST_MOMENT, NO_TIME, require_times
from crewgate.usecases.ports.base import MISSED, Job, Leased
from crewgate.usecases.read_models import COUNTED

log = structlog.get_logger(__name__)

#: The crew of jobs that belong to no crew, such as posting the head of the audit trail.
NO_CREW = ""
#: The priority of a webhook that waits for another of its ordering key. The search for due jobs
#: skips this priority, so that any number may wait behind a failing webhook at no cost.
_BEHIND = effects.LAST + 1
_TRIED = sa.case((outbox.c.tries > 1, outbox.c.tries), else_=1)
_other = outbox.alias("other")
_card = outbox.alias("card")
#: A job of the last priority comes after all others of its ordering key, so no card waits for it.
_GOES_BEFORE = sa.case(
    (
        (_other.c.priority < effects.LAST) == (outbox.c.priority < effects.LAST),
        (_other.c.id < outbox.c.id),
    ),
    else_=_other.c.priority < effects.LAST,
)
_MERGED = frozenset(kind.value for kind in effects.MERGED)
_WAITS_FOR_CARD = sa.and_(
    one_of(outbox.c.kind, sorted(effects.NEEDS_THE_CARD)),
    sa.exists().where(
        _card.c.subject == outbox.c.subject,
        one_of(_card.c.kind, sorted(effects.POSTS_A_CARD)),
        _card.c.set_aside_at.is_(None),
    ),
)
#: Deletes the other jobs of a leased job's kind and ordering key, if the kind is merged: the leased
#: job renders the present state, which leaves the others nothing to do. A job that fails deletes
#: none: it is given up a day after its first failure, and the others would go with it.
_MERGE = sa.delete(outbox).where(
    outbox.c.ordering_key == sa.bindparam("key"),
    outbox.c.kind == sa.bindparam("merged"),
    outbox.c.id != sa.bindparam("job"),
    outbox.c.set_aside_at.is_(None),
)
_LEASE = (
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("b_job"))
    .values(
        lease_until=sa.bindparam("until", type_=outbox.c.lease_until.type),
        began_at=sa.func.coalesce(
            outbox.c.began_at, sa.bindparam("now", type_=outbox.c.began_at.type)
        ),
        # A try cut off by its process's end tells nothing about the destination: it does not count.
        tries=sa.case((outbox.c.lease_until.is_(None), outbox.c.tries + 1), else_=_TRIED),
    )
)
#: Sets aside rows that cannot be read, such as a later version's, so that no row waits for them.
_SET_UNREADABLE_ASIDE = sa.update(outbox).values(
    set_aside_at=sa.bindparam("now", type_=outbox.c.set_aside_at.type),
    set_aside_why="unreadable",
    lease_until=None,
)
_UNREADABLE = _SET_UNREADABLE_ASIDE.where(outbox.c.id == sa.bindparam("b_job"))
#: Sets aside rows that would never be due, or never be free again: one of their times is damaged.
#: SQLite orders texts behind all numbers, so a text in place of a time is above LAST_MOMENT.
_NEVER = _SET_UNREADABLE_ASIDE.where(
    outbox.c.set_aside_at.is_(None),
    (outbox.c.due_at > LAST_MOMENT) | (outbox.c.lease_until > LAST_MOMENT),
).returning(outbox.c.ordering_key)
_FIRST_OF_KEY = (
    sa.select(outbox.c.id)
    .where(outbox.c.ordering_key == sa.bindparam("key"), outbox.c.set_aside_at.is_(None))
    .order_by(outbox.c.id)
    .limit(1)
)
#: Locks the first job of an ordering key while a new job is put behind it. A transaction that
#: completes the first job has ended before, or waits for the lock, and then sees the new job.
_AHEAD = _FIRST_OF_KEY.with_for_update(read=True)
_NEXT = (
    sa.update(outbox)
    .where(outbox.c.id == _FIRST_OF_KEY.scalar_subquery(), outbox.c.priority == _BEHIND)
    .values(priority=effects.EffectKind.FORWARD.row.priority)
)
_first_set_aside = (
    sa.select(outbox.c.kind)
    .where(outbox.c.set_aside_at.is_not(None))
    .order_by(outbox.c.set_aside_at)
    .limit(COUNTED + 1)
    .subquery()
)
_SET_ASIDE = (
    sa.select(_first_set_aside.c.kind, sa.func.count().label("many"))
    .group_by(_first_set_aside.c.kind)
    .order_by(_first_set_aside.c.kind)
)


@cache
def _due(dialect: str, *, locked: bool = False) -> sa.Select[Any]:
    """Select the jobs of a destination that may be leased now, and the end of their leases.

    `locked` locks these jobs until the transaction ends, and skips jobs that others have locked.
    """
    until = _lease_clock(dialect) + sa.bindparam("lease", type_=sa.BigInteger)
    due = sa.select(outbox).where(
        outbox.c.destination == sa.bindparam("destination"),
        outbox.c.due_at <= sa.bindparam("now"),
        outbox.c.set_aside_at.is_(None),
        sa.or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= _lease_clock(dialect)),
        ~sa.exists().where(
            _other.c.ordering_key == outbox.c.ordering_key,
            _other.c.set_aside_at.is_(None),
            _GOES_BEFORE
            # A job may appear after one with a higher id was leased: it waits until the lease ends.
            | ((_other.c.id != outbox.c.id) & (_other.c.lease_until > _lease_clock(dialect))),
        ),
        ~_WAITS_FOR_CARD,
    )
    if locked:
        due = due.with_for_update(skip_locked=True)
    # Each priority is a range of the index; one range for all would be read to its end. Jobs of the
    # last priority remove texts from Slack, even for a crew that the settings no longer name.
    each = first_of_each(
        due.where(outbox.c.priority == priority, named).order_by(outbox.c.due_at, outbox.c.id)
        for priority, named in (
            (0, _is_named(dialect)),
            (1, _is_named(dialect)),
            (effects.LAST, sa.true()),
        )
    )
    return (
        sa.select(each, sa.type_coerce(until, outbox.c.lease_until.type).label("held_until"))
        .order_by(each.c.priority, each.c.due_at, each.c.id)
        .limit(MOST)
    )


def _is_named(dialect: str) -> sa.ColumnElement[bool]:
    """Compare a job's crew with any number of names, in one parameter."""
    if dialect == "postgresql":
        return outbox.c.crew == sa.any_(sa.bindparam("crews", type_=sa.ARRAY(sa.Text)))
    names = sa.func.json_each(sa.bindparam("crews", type_=sa.JSON)).table_valued("value")
    return outbox.c.crew.in_(sa.select(names.c.value))


def _lease_clock(dialect: str) -> sa.ColumnElement[Any]:
    """Return the clock of leases, in microseconds since 1970.

    Several processes share a PostgreSQL, so leases go by its clock: a process with a fast clock
    would take over jobs that another is still delivering. A SQLite file has one process and one
    clock.
    """
    if dialect == "postgresql":
        seconds = sa.extract("epoch", sa.func.clock_timestamp())
        return sa.cast(seconds * 1_000_000, sa.BigInteger)
    return sa.bindparam("now", type_=outbox.c.lease_until.type)


@cache
def _budget(dialect: str) -> sa.Select[Any]:
    """Select the time when a budget refills, and the present time by the leases' clock."""
    return sa.select(budgets.c.paid_until, _now(dialect)).where(
        budgets.c.name == sa.bindparam("budget")
    )


@cache
def _locked_budget(dialect: str) -> Any:
    return (
        insert_of(dialect)(budgets)
        .values(name=sa.bindparam("budget"), paid_until=_now(dialect))
        .on_conflict_do_update(
            index_elements=[budgets.c.name], set_={"paid_until": budgets.c.paid_until}
        )
        .returning(budgets.c.paid_until, _now(dialect))
    )


_SPEND = (
    sa.update(budgets)
    .where(budgets.c.name == sa.bindparam("budget"))
    .values(paid_until=sa.bindparam("until", type_=budgets.c.paid_until.type))
)


_LOCK = sa.text("LOCK TABLE outbox IN EXCLUSIVE MODE")


def _lost_since(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    last, now = (sa.bindparam(name, type_=column.type) for name in ("last", "now"))
    return sa.case(
        (column.between(last, now), now - column), else_=sa.bindparam("lost", type_=sa.BigInteger)
    )


# A damaged time stays as it is: PostgreSQL refuses a sum that is too large for its column.
_LATER = (
    sa.update(outbox)
    .where(is_time(outbox.c.due_at), ~one_of(outbox.c.kind, sorted(effects.ABSOLUTE)))
    .values(due_at=outbox.c.due_at + _lost_since(outbox.c.created_at))
)
_TIMED_LATER = _LATER.where(one_of(outbox.c.kind, sorted(effects.TIMED)))
#: A message that may have been posted is searched for from `began_at` on, so this time goes back
#: with a clock that was set back.
_BEGAN_SOONER = (
    sa.update(outbox)
    .where(is_time(outbox.c.began_at))
    .values(began_at=outbox.c.began_at + sa.bindparam("lost", type_=sa.BigInteger))
)
#: A job is given up some time after `failing_since`; time in which no bot served it does not count.
_FAILING_LATER = (
    sa.update(outbox)
    .where(is_time(outbox.c.failing_since))
    .values(failing_since=outbox.c.failing_since + _lost_since(outbox.c.failing_since))
)
_PAID_SOONER = sa.update(budgets).values(
    paid_until=budgets.c.paid_until + sa.bindparam("lost", type_=sa.BigInteger)
)


def _now(dialect: str) -> sa.ColumnElement[Any]:
    return sa.type_coerce(_lease_clock(dialect), budgets.c.paid_until.type).label("now")


class Outbox(engine.Reading):
    """The outbox of a database, for the jobs of `crews` and of no crew.

    Of other crews, only the removal of texts from Slack is leased, and no time is counted: another
    process may serve them.
    """

    def __init__(self, engines: engine.Engines[engine.Reader], crews: Collection[str]) -> None:
        super().__init__(engines.read)
        self._crews = crews
        self._engines = engines
        self._dialect = engines.write.dialect.name
        self._noted_at: datetime | None = None
        self._other_at: datetime | None = None

    @property
    def _named(self) -> list[str]:
        return [*sorted(self._crews), NO_CREW]

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[engine.Connection]:
        with engine.translate_errors():
            async with self._engines.write.begin() as connection:
                yield connection

    async def lease(
        self,
        destination: str,
        *,
        now: datetime,
        lease: timedelta,
        limit: int,
        budget: Budget | None = None,
        under_way: Collection[int] = (),
    ) -> Leased:
        """Lease due jobs of one destination, at most one per ordering key.

        Jobs go by priority, then by due time. Each job spends one of `budget`; the last of a burst
        is left to the first priority. A job that needs a card waits until the card is posted.
        Effects that a leased job carries out too are deleted. `now` decides which jobs are due;
        leases go by a clock that all processes share. Jobs `under_way` in this process are not
        leased again, even if a step of the clock ends their leases.
        """
        if budget is not None and not budget.rate.interval:
            budget = None
        due = {
            "destination": destination,
            "now": now,
            "most": limit + len(under_way),
            "lease": lease // MICROSECOND,
            "crews": self._named,
        }
        if nothing := await self._look(due, budget):
            return nothing
        async with self._writing() as connection:
            if budget is not None:
                until, at = await self._open_budget(connection, budget, now)
                room = budget.rate.room(until, at)
                limit = min(limit, room)
                due["most"] = limit + len(under_way)
            found = await engine.rows(connection, _due(self._dialect, locked=True), due)
            jobs: Sequence[Any] = [row for row in found if row.id not in under_way][:limit]
            if budget is not None:
                jobs = _within(room, budget, jobs)
            read = {row.id: job for row in jobs if (job := _to_job(row))}
            if unread := [{"b_job": row.id, "now": now} for row in jobs if row.id not in read]:
                await engine.write(connection, _UNREADABLE, unread)
                behind = [{"key": row.ordering_key} for row in jobs if row.id not in read]
                await engine.write(connection, _NEXT, behind)
                jobs = [row for row in jobs if row.id in read]
            if jobs:
                leased = [{"b_job": row.id, "until": row.held_until, "now": now} for row in jobs]
                await engine.write(connection, _LEASE, leased)
            if jobs and budget is not None:
                paid = budget.rate.pay(until, at, len(jobs))
                await engine.write(connection, _SPEND, {"budget": budget.name, "until": paid})
            if merged := [row for row in jobs if row.kind in _MERGED and not row.failing_since]:
                same = [
                    {"key": row.ordering_key, "merged": row.kind, "job": row.id} for row in merged
                ]
                await engine.write(connection, _MERGE, same)
        return Leased(tuple(read.values()))

    async def _look(self, due: dict[str, Any], budget: Budget | None) -> Leased | None:
        """Return a Leased without jobs if none can be leased now, else None; write nothing."""
        async with self._connected() as connection:
            first = await engine.rows(connection, _due(self._dialect), due | {"most": 1})
            if not first:
                return Leased()
            if budget is not None:
                named = {"budget": budget.name, "now": due["now"]}
                for stored, at in await engine.rows(connection, _budget(self._dialect), named):
                    until = budget.rate.believed(stored, at)
                    room = budget.rate.room(until, at)
                    if not room:
                        return Leased(again_in=budget.rate.wait(until, at))
                    if not _within(room, budget, first):
                        return Leased()
        return None

    async def pause(self, budget: Budget, *, now: datetime, pause: timedelta) -> None:
        """Spend nothing of a budget for `pause`, LONGEST_ASKED at most, as the other side asked."""
        async with self._writing() as connection:
            until, at = await self._open_budget(connection, budget, now)
            paid = budget.rate.paused(until, at + min(pause, LONGEST_ASKED))
            await engine.write(connection, _SPEND, {"budget": budget.name, "until": paid})

    async def _open_budget(
        self, connection: engine.Connection, budget: Budget, now: datetime
    ) -> tuple[datetime, datetime]:
        """Lock a budget until the transaction ends; return the time when it refills, and now."""
        named = {"budget": budget.name, "now": now}
        [(until, at)] = await engine.rows(connection, _locked_budget(self._dialect), named)
        return budget.rate.believed(until, at), at

    async def note_alive(self, *, now: datetime, compare: bool) -> timedelta:
        """Note that a bot serves these crews now; return the longest time in which none did.

        Without `compare` no time counts as lost. With it, timers are put off by the time lost since
        they were scheduled, and failing jobs may fail for longer by it; each crew by itself, for a
        crew that the settings did not name has lost that time too. After a clock was set back the
        loss is negative: everything is due sooner.
        """
        most = timedelta()
        async with self._writing() as connection:
            since: dict[datetime, list[str]] = {}
            if compare:
                own = heartbeat.c.crew.in_(self._named)
                beats_of = sa.select(heartbeat).where(own).order_by(heartbeat.c.crew)
                for row in await connection.execute(beats_of.with_for_update()):
                    # A row whose time is damaged tells no lost time; it is written anew below.
                    if row.at is not NO_TIME and abs(now - row.at) > MISSED:
                        since.setdefault(row.at, []).append(row.crew)
            if since and self._dialect == "postgresql":
                # The updates below lock many rows, and other transactions lock some of these in
                # another order. So this one waits here, before it locks a row, until the others
                # have ended.
                await connection.execute(_LOCK)
            if compare:
                never = (await connection.execute(_NEVER, {"now": now})).all()
                if behind := [{"key": row.ordering_key} for row in never]:
                    await engine.write(connection, _NEXT, behind)
            for last, crews in since.items():
                lost = now - last
                most = max(most, lost, key=abs)
                about = {"last": last, "now": now, "lost": lost // MICROSECOND}
                later = (_LATER, _BEGAN_SOONER) if lost < timedelta() else (_TIMED_LATER,)
                for statement in (*later, _FAILING_LATER):
                    of_crews = statement.where(outbox.c.crew.in_(crews))
                    await connection.execute(of_crews, about)
            # On PostgreSQL budgets go by the database's own clock, which was not set back.
            if most < timedelta() and self._dialect != "postgresql":
                await connection.execute(_PAID_SOONER, {"lost": most // MICROSECOND})
            await self._look_for_others(connection, now)
            beats = [{"crew": crew, "at": now} for crew in self._named]
            await insert_over(connection, heartbeat, beats)
        self._noted_at = now
        return most

    async def _look_for_others(self, connection: engine.Connection, now: datetime) -> None:
        """Remember that another bot noted these crews after this one did."""
        others = heartbeat.c.crew.in_(self._named) & (heartbeat.c.at != self._noted_at)
        if self._noted_at and await connection.scalar(sa.select(sa.exists().where(others))):
            self._other_at = now

    def is_alone(self, now: datetime) -> bool:
        """Return True if no other bot noted that it serves these crews, within MISSED."""
        return self._other_at is None or now - self._other_at > MISSED

    async def release(self, *, due_at: datetime) -> int:
        """End the leases of a crashed process, so that its jobs are due at `due_at`; count them.

        Call this only if no other process uses the database. The try under way does not count, but
        `began_at` stays: its outcome is unknown. Timers keep their times: `note_alive` puts them
        off by the time without a bot.
        """
        is_timer = one_of(outbox.c.kind, sorted(effects.TIMED))
        at = sa.literal(due_at, outbox.c.due_at.type)
        due = sa.case((is_timer, outbox.c.due_at), else_=at)
        async with self._writing() as connection:
            released = await connection.execute(
                sa.update(outbox)
                .where(outbox.c.lease_until.is_not(None))
                .values(lease_until=None, due_at=due, tries=_TRIED - 1)
            )
        return released.rowcount

    async def count_set_aside(self) -> dict[str, int]:
        """Count the jobs that are set aside, by kind; COUNTED + 1 stands for any larger number."""
        return {row.kind: row.many for row in await self._rows(_SET_ASIDE)}

    async def orphaned_destinations(self, destinations: Collection[str]) -> tuple[str, ...]:
        """Return destinations that have jobs, but no worker in this process.

        A crew that the settings do not name counts under its own destination.
        """
        found = await self._rows(
            sa.select(outbox.c.destination, outbox.c.crew)
            .where(
                outbox.c.destination.not_in(destinations) | outbox.c.crew.not_in(self._named),
                outbox.c.set_aside_at.is_(None),
            )
            .distinct()
        )
        named = self._named
        to = {
            row.destination if row.crew in named else effects.crew_destination(row.crew)
            for row in found
        }
        return tuple(sorted(to))


def _within(room: int, budget: Budget, jobs: Sequence[sa.Row[Any]]) -> Sequence[sa.Row[Any]]:
    """Return the jobs that a budget has room for, by priority.

    The last post of a burst is reserved for the first priority: a card must not wait behind a
    message that nobody waits for.
    """
    first = sum(row.priority == 0 for row in jobs)
    return jobs[: max(first, room - 1 if budget.rate.burst > 1 else room)]


def _to_job(row: sa.Row[Any]) -> Job | None:
    try:
        require_times(row.created_at, row.began_at, row.failing_since)
        effect = effects.Effect(
            kind=effects.EffectKind(row.kind),
            target="",
            crew=row.crew,
            execution_id=row.execution_id,
            channel=row.channel,
        ).named(row.subject)
        return Job(
            id=row.id,
            effect=effect,
            tries=row.tries + 1 if row.lease_until is None else max(row.tries, 1),
            created_at=row.created_at,
            lease_until=row.held_until,
            began_at=row.began_at,
            failing_since=row.failing_since,
        )
    except (ValueError, TypeError) as error:
        why = str(error)
        log.warning("set_aside", kind=row.kind, subject=row.subject, crew=row.crew, why=why)
        return None


async def queue_up(connection: engine.Connection, row: dict[str, Any]) -> None:
    """Put a new webhook behind unsent webhooks of its ordering key."""
    is_forwarded = row["kind"] == effects.EffectKind.FORWARD
    if is_forwarded and await engine.rows(connection, _AHEAD, {"key": row["ordering_key"]}):
        row["priority"] = _BEHIND


async def let_next_go(connection: engine.Connection, job: Job) -> None:
    """Let the webhook that waits behind this job be leased; a no-op for other effects."""
    if job.effect.kind is effects.EffectKind.FORWARD:
        await engine.write(connection, _NEXT, {"key": job.effect.ordering_key})


def from_effect(effect: effects.Effect) -> dict[str, Any]:
    return {
        "destination": effect.destination,
        "priority": effect.priority,
        "ordering_key": effect.ordering_key,
        "kind": effect.kind.value,
        "subject": effect.names,
        "crew": effect.crew,
        "execution_id": effect.execution_id,
        "channel": effect.channel,
    }
