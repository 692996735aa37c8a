"""Removes the texts of executions that ended long ago; decisions and audit entries stay."""

from datetime import datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.audit import without_texts
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.lessons import LessonState
from crewgate.domain.notification import UNKNOWN, CallerValues
from crewgate.domain.review import State
from crewgate.store.codec import codec
from crewgate.store.engine import Changing, write
from crewgate.store.lessons import TEACHES_A_FLOW, lessons
from crewgate.store.round_rows import EXECUTION_OF_REVIEW, ROUND, from_round, to_round
from crewgate.store.statements import one_of, setting
from crewgate.store.tables import (
    dead_letters,
    executions,
    flow_requests,
    notes,
    outbox,
    outputs,
    reviews,
    rounds,
    task_updates,
    unclear_kickoffs,
    webhooks,
)
from crewgate.store.unreadable import FIRST_MOMENT, or_none

#: The most executions, dead letters or lessons in one transaction: it takes some ms on SQLite.
BATCH: Final = 20
Place = tuple[datetime, str]
"""The place of an execution in the order in which executions ended: its end and id."""
_FIRST: Final[Place] = (FIRST_MOMENT, "")

_BEFORE: Final = sa.bindparam("before", type_=executions.c.ended_at.type)
_BEFORE_TS: Final[sa.BindParameter[str]] = sa.bindparam("before_ts")
_TS_LENGTH: Final = 17
_CREW: Final[sa.BindParameter[str]] = sa.bindparam("b_crew")
_EXECUTIONS: Final[sa.BindParameter[Any]] = sa.bindparam("executions", expanding=True)
_KEPT: Final = (
    executions.c.crew == _CREW,
    executions.c.removed_at.is_(None),
    executions.c.ended_at < _BEFORE,
)
#: Executions are locked before they are claimed. A claim that waits for a lock reads the other
#: tables as they were before the wait, and would miss a review that a webhook opened meanwhile.
_ENDED: Final = (
    sa.select(executions.c.ended_at, executions.c.execution_id)
    .where(
        *_KEPT,
        sa.tuple_(executions.c.ended_at, executions.c.execution_id)
        > sa.tuple_(
            sa.bindparam("after", type_=executions.c.ended_at.type), sa.bindparam("after_id")
        ),
    )
    .order_by(executions.c.ended_at, executions.c.execution_id)
    .limit(BATCH)
    .with_for_update()
)
#: Executions that wait for people or the crew, or did so lately. A card's time counts too, for it
#: is by Slack's clock: this machine's clock may have been wrong when an end was stored.
_IN_USE: Final = sa.exists().where(
    EXECUTION_OF_REVIEW,
    rounds.c.review_id == reviews.c.id,
    one_of(rounds.c.state, (State.WAITING, State.DECIDED, State.STUCK))
    | (rounds.c.ended_at >= _BEFORE)
    # Slack's times all have this length, so they compare as texts; damaged values are left out.
    | ((sa.func.length(rounds.c.card_ts) == _TS_LENGTH) & (rounds.c.card_ts >= _BEFORE_TS)),
)


def _has_job(set_aside: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        set_aside,
        outbox.c.execution_id == executions.c.execution_id,
        outbox.c.crew == executions.c.crew,
    )


_REMOVABLE: Final = (
    *_KEPT,
    ~_IN_USE.correlate(executions),
    ~_has_job(outbox.c.set_aside_at.is_(None)),
    # The comparison stands for IS NOT NULL, for which SQLite uses no range of the index.
    ~_has_job(outbox.c.set_aside_at > _FIRST[0]),
)
#: The process that claims an execution removes its texts; another process finds it claimed.
_CLAIM: Final = (
    sa.update(executions)
    .where(*_REMOVABLE, executions.c.execution_id.in_(_EXECUTIONS))
    .values(
        removed_at=sa.bindparam("now", type_=executions.c.removed_at.type),
        inputs=codec(CallerValues).dump(UNKNOWN),
        meta=None,
        named=None,
        also_started=None,
        subject=None,
        step="",
        error="",
        result=None,
    )
    .returning(
        *(executions.c[name] for name in ("execution_id", "progress_ts", "channel", "thread_ts"))
    )
)


def _of_removed_executions(table: sa.Table) -> sa.ColumnElement[bool]:
    return (table.c.crew == _CREW) & table.c.execution_id.in_(_EXECUTIONS)


_ROUNDS: Final = ROUND.where(_of_removed_executions(reviews))
#: Rounds are locked, then read: `_ROUNDS` joins rules, which a read that waits does not read anew.
_LOCK_ROUNDS: Final = _ROUNDS.with_only_columns(rounds.c.id).with_for_update(of=rounds)
_WIPED: Final = (
    *("digest", "salt", "feedback", "votes", "question", "call", "reason_words", "call_result"),
    *("reason_code", "referrals", "removed_at"),
)
#: The values for a row that cannot be read: each of these columns may hold people's words.
_DAMAGED_WIPED: Final[dict[str, Any]] = dict.fromkeys(_WIPED) | dict.fromkeys(
    ("digest", "reason_code", "reason_words"), ""
)
_WIPE: Final = (
    sa.update(rounds)
    .where(rounds.c.id == sa.bindparam("b_id"))
    .values(setting(rounds, *_WIPED) | {"version": rounds.c.version + 1})
)
_ROUND_IDS: Final = sa.select(rounds.c.id).join(reviews).where(_of_removed_executions(reviews))
#: Removes texts from other tables. A note keeps its row, marked as deleted, because Slack may
#: repeat its message.
_BESIDE: Final = (
    sa.delete(webhooks).where(_of_removed_executions(webhooks)),
    sa.delete(task_updates).where(_of_removed_executions(task_updates)),
    sa.update(reviews).where(_of_removed_executions(reviews)).values(expected_output=None),
    sa.update(outputs)
    .where(outputs.c.round_id.in_(_ROUND_IDS))
    .values(text="", edited=None, rewritten=None),
    sa.update(notes).where(notes.c.round_id.in_(_ROUND_IDS)).values(text="", deleted=True),
    sa.update(flow_requests)
    .where(flow_requests.c.round_id.in_(_ROUND_IDS), ~TEACHES_A_FLOW)
    .values(callback_url=None, token=None),
)
_DEAD: Final = (
    sa.select(dead_letters.c.id)
    .where(
        dead_letters.c.crew == _CREW,
        dead_letters.c.removed_at.is_(None),
        dead_letters.c.received_at < _BEFORE,
        ~sa.exists().where(outbox.c.subject == dead_letters.c.id),
    )
    .order_by(dead_letters.c.received_at)
)
_NO_WORDS: Final = sa.case((dead_letters.c.dismissed_by.is_not(None), ""))
_IS_PROPOSED: Final = lessons.c.state == LessonState.PROPOSED.value
_NOW: Final = sa.bindparam("now", type_=lessons.c.ended_at.type)
_HAS_NO_TEXTS: Final = sa.exists().where(
    rounds.c.id == lessons.c.round_id, rounds.c.removed_at.is_not(None)
)
#: Lessons that still have a text and ended before a time; also proposals from before that time
#: whose review has no texts any more.
_ENDED_LESSONS: Final = (
    sa.select(lessons.c.id)
    .where(lessons.c.crew == _CREW, lessons.c.text != "")
    .where(
        (lessons.c.ended_at < _BEFORE)
        | (lessons.c.expires_at < _BEFORE)
        | (_IS_PROPOSED & (lessons.c.proposed_at < _BEFORE) & _HAS_NO_TEXTS)
    )
    .order_by(lessons.c.id)
)
_REMOVED_LESSONS: Final = (
    sa.update(lessons)
    .values(
        state=sa.case((_IS_PROPOSED, LessonState.DROPPED.value), else_=lessons.c.state),
        ended_at=sa.case((_IS_PROPOSED, _NOW), else_=lessons.c.ended_at),
        text="",
        digest=lessons.c.id,
    )
    .returning(lessons.c.id, lessons.c.round_id)
)
#: Removes proposals that nobody decided on, together with the texts of the reviews they come from.
_PROPOSED: Final = _REMOVED_LESSONS.where(
    lessons.c.crew == _CREW, _IS_PROPOSED, lessons.c.round_id.in_(_ROUND_IDS)
)
_COUNT: Final = sa.select(
    sa.select(sa.func.count()).select_from(executions).where(*_REMOVABLE).label("executions"),
    sa.select(sa.func.count()).select_from(_DEAD.subquery()).label("dead_letters"),
    sa.select(sa.func.count()).select_from(_ENDED_LESSONS.subquery()).label("lessons"),
)


class Removal(Changing):
    """Removes texts on a transaction's connection."""

    async def count(self, crew: str, *, before: datetime) -> dict[str, int]:
        """Count the executions, dead letters and lessons whose texts would be removed."""
        found = await self._connection.execute(_COUNT, _parameters(crew, before))
        return dict(found.mappings().one())

    async def remove(
        self, crew: str, *, before: datetime, after: Place | None, at: datetime
    ) -> tuple[dict[str, list[Effect]], Place | None]:
        """Remove the texts of the next executions, up to BATCH, except executions in use.

        Return the effects that update messages, by execution, and the last execution's place, or
        None if no executions are left.
        """
        about = _parameters(crew, before)
        place = dict(zip(("after", "after_id"), after or _FIRST, strict=True))
        ended = [tuple(row) for row in await self._connection.execute(_ENDED, about | place)]
        about |= {"now": at, "executions": [execution_id for _, execution_id in ended]}
        claimed = (await self._connection.execute(_CLAIM, about)).all()
        effects: dict[str, list[Effect]] = {}
        threads = {(row.execution_id, row.channel, row.thread_ts) for row in claimed}
        effect = partial(Effect, crew=crew)
        for row in claimed:
            key = row.execution_id
            progress = effect(kind=EffectKind.REFRESH_PROGRESS, target=key, execution_id=key)
            effects[key] = [progress] if row.progress_ts else []
        of = {"b_crew": crew, "executions": list(effects)}
        wiped, places = [], {}
        await self._connection.execute(_LOCK_ROUNDS, of)
        for row in (await self._connection.execute(_ROUNDS, of)).all():
            execution_id = places[row.id] = row.review_execution_id
            columns = _DAMAGED_WIPED | {"removed_at": at}
            if (found := or_none(to_round, row)) is not None:
                round_ = without_texts(found, at)
                columns = from_round(round_) | {"salt": None}
                effects[execution_id].append(round_.effect(EffectKind.REFRESH))
            wiped.append({"b_id": row.id} | {name: columns[name] for name in _WIPED})
            threads.add((execution_id, row.card_channel, row.card_thread_ts))
        for key, channel, ts in threads:
            if ts is not None:
                clear = effect(
                    kind=EffectKind.CLEAR_THREAD, target=ts, execution_id=key, channel=channel
                )
                effects[key].append(clear)
        if wiped:
            await write(self._connection, _WIPE, wiped)
        for statement in _BESIDE:
            await self._connection.execute(statement, of)
        for row in await self._connection.execute(_PROPOSED, of | {"now": at}):
            effects[places[row.round_id]].append(_refreshed(row.id, crew))
        return effects, ended[-1] if len(ended) == BATCH else None

    async def forget_kickoffs(self, crew: str, *, before: datetime) -> None:
        """Forget kickoffs without a clear answer, with the values that they name people by."""
        of = unclear_kickoffs.c.crew == crew, unclear_kickoffs.c.sent_at < before
        await self._connection.execute(sa.delete(unclear_kickoffs).where(*of))

    async def remove_dead_letters(self, crew: str, *, before: datetime, at: datetime) -> int:
        """Remove the bodies of BATCH dead letters that came before a time; return their number."""
        statement = (
            sa.update(dead_letters)
            .where(dead_letters.c.id.in_(_DEAD.limit(BATCH)))
            .values(body=b"", reason="", dismissed_why=_NO_WORDS, removed_at=at)
        )
        done = await self._connection.execute(statement, {"b_crew": crew, "before": before})
        return done.rowcount

    async def remove_lessons(self, crew: str, *, before: datetime, at: datetime) -> list[Effect]:
        """Remove the texts of BATCH lessons that ended before a time; return effects for cards."""
        statement = _REMOVED_LESSONS.where(lessons.c.id.in_(_ENDED_LESSONS.limit(BATCH)))
        done = await self._connection.execute(statement, _parameters(crew, before) | {"now": at})
        return [_refreshed(row.id, crew) for row in done]


def _refreshed(lesson_id: str, crew: str) -> Effect:
    return Effect(kind=EffectKind.REFRESH_LESSON, target=lesson_id, crew=crew)


def _parameters(crew: str, before: datetime) -> dict[str, Any]:
    before_ts = f"{max(before.timestamp(), 0):0{_TS_LENGTH}.6f}"
    return {"b_crew": crew, "before": before, "before_ts": before_ts}
