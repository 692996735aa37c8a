"""Executions: their rows, and statements that read and change them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain import notification
from crewgate.domain.execution import (
    Execution,
    ExecutionState,
    TaskUpdate,
    all_starters,
    id_beginning,
    starter_named,
)
from crewgate.domain.masking import NOTHING
from crewgate.domain.people import Email, User
from crewgate.domain.review import Review
from crewgate.domain.verdict import Person
from crewgate.store import statements
from crewgate.store.codec import Columns, codec
from crewgate.store.engine import Changing, Connection, MaskedReading, rows, write
from crewgate.store.round_rows import LATEST_OUTPUTS
from crewgate.store.tables import (
    REGISTERED,
    executions,
    flow_requests,
    forwarded_webhooks,
    kickoff_forms,
    outputs,
    reviews,
    rounds,
    task_updates,
    unclear_kickoffs,
    webhooks,
)
from crewgate.store.unreadable import each, reads
from crewgate.usecases import read_models

#: The most finished tasks that the message about an execution lists.
FINISHED: Final = 8
#: The columns that an execution's topic is made of.
_OF_TOPIC: Final = ("inputs", "meta")
_EXECUTION: Final = Columns(Execution, executions, apart={"starter", "result", "activity_count"})


def _same_execution(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.crew == sa.bindparam("b_crew"),
        table.c.execution_id == sa.bindparam("b_execution"),
    )


def _key(crew: str, execution_id: str) -> dict[str, Any]:
    return {"b_crew": crew, "b_execution": execution_id}


# This condition is text, because SQLAlchemy's RETURNING would leave out `executions.`, and then
# the table would be compared with itself.
_HAS_REVIEWS: Final[sa.ColumnElement[bool]] = sa.literal_column(
    "EXISTS (SELECT 1 FROM reviews WHERE reviews.crew = executions.crew"
    " AND reviews.execution_id = executions.execution_id)",
    sa.Boolean,
).label("has_reviews")
_THIS: Final = sa.update(executions).where(*_same_execution(executions))
_FIND: Final = sa.select(executions).where(*_same_execution(executions))
_OTHER_REVIEWS: Final = (
    sa.select(reviews.c.id)
    .where(*_same_execution(reviews), reviews.c.id != sa.bindparam("b_review"))
    .limit(1)
)
_UNDO_ACTIVITY: Final = _THIS.values(activity_count=executions.c.activity_count - 1)
_PLACE_PROGRESS: Final = _THIS.values(
    statements.setting(executions, "progress_channel", "progress_ts")
)
_PLACE_THREAD: Final = _THIS.values(statements.setting(executions, "channel", "thread_ts"))
_START_THREAD: Final = _PLACE_THREAD.where(executions.c.thread_ts.is_(None))
_FORGET_THREAD: Final = _PLACE_THREAD.where(executions.c.thread_ts == sa.bindparam("b_gone"))
_WEBHOOKS: Final = sa.select(webhooks).where(*_same_execution(webhooks))
_CALLBACKS: Final = sa.select(flow_requests.c.callback_url).where(
    *_same_execution(flow_requests), flow_requests.c.callback_url.is_not(None)
)
_FINISHED: Final = (
    sa.select(
        task_updates,
        sa.select(sa.func.count())
        .select_from(task_updates)
        .where(*_same_execution(task_updates))
        .scalar_subquery()
        .label("total"),
    )
    .where(*_same_execution(task_updates))
    .order_by(task_updates.c.received_at.desc(), task_updates.c.id.desc())
    .limit(FINISHED)
)
_KEYS: Final[sa.BindParameter[Any]] = sa.bindparam("keys", expanding=True)
_POSTINGS: Final = sa.select(executions).where(
    sa.tuple_(executions.c.crew, executions.c.execution_id).in_(_KEYS)
)
_second = rounds.alias("second")
#: The latest outputs of an execution's reviews with several rounds. People may have edited such an
#: output, so a passage to mask may be spelled differently in it, and in the execution's result.
_REVISED: Final = (
    sa.select(reviews.c.crew, reviews.c.execution_id, outputs.c.text)
    .select_from(LATEST_OUTPUTS)
    .where(sa.tuple_(reviews.c.crew, reviews.c.execution_id).in_(_KEYS))
    .where(sa.exists().where(_second.c.review_id == reviews.c.id, _second.c.number == 2))  # noqa: PLR2004
    .limit(read_models.COUNTED)
)


@cache
def _open(dialect: str) -> statements.Insert:
    """Upsert an execution, add to its activity count, lock it and return it.

    Activity may bring texts, so it sets `removed_at` to null.
    """
    statement = statements.insert_of(dialect)(executions)
    is_activity = statement.excluded.activity_count > sa.literal_column("0")
    return statement.on_conflict_do_update(
        index_elements=[executions.c.crew, executions.c.execution_id],
        set_={
            "activity_count": executions.c.activity_count + statement.excluded.activity_count,
            "removed_at": sa.case((is_activity, sa.null()), else_=executions.c.removed_at),
        },
    ).returning(*executions.c, _HAS_REVIEWS)


@cache
def _save(names: tuple[str, ...]) -> sa.Update:
    return _THIS.values(statements.setting(executions, *names))


@cache
def _register(dialect: str) -> statements.Insert:
    """Upsert an execution's registered URLs; absent URLs stay as they were."""
    key, urls = ("crew", "execution_id", "origin"), ("task_url", "step_url", "crew_url")
    return statements.insert_or_fill(dialect, webhooks, key, urls)


@cache
def _running(crews: int) -> sa.Select[Any]:
    """Select the first running executions of each crew, as `first_of_each` does."""
    key = executions.c.crew, executions.c.execution_id
    each = statements.first_of_each(
        sa.select(*key)
        .where(executions.c.crew == sa.bindparam(f"crew_{number}"))
        .where(executions.c.tracked, executions.c.state == ExecutionState.RUNNING.value)
        .order_by(executions.c.began_at)
        for number in range(crews)
    )
    is_one = sa.and_(*(each.c[column.name] == column for column in key))
    return sa.select(executions).join(each, is_one)


class ExecutionQueries(MaskedReading):
    """Reads executions, their webhooks and their thread; texts for messages come masked."""

    async def find(self, crew: str, execution_id: str) -> Execution | None:
        found = await self._prepared(_FIND, _key(crew, execution_id))
        return to_execution(found[0]) if found else None

    async def starting_with(
        self, prefix: str, *, crews: Collection[str], limit: int
    ) -> tuple[tuple[str, str], ...]:
        found = await self._rows(
            sa.select(executions.c.crew, executions.c.execution_id)
            .where(
                statements.begins_with(executions.c.execution_id, prefix),
                executions.c.crew.in_(crews),
            )
            .order_by(executions.c.execution_id)
            .limit(limit)
        )
        return tuple((row.crew, row.execution_id) for row in found)

    async def crews_with(self, execution_id: str) -> tuple[str, ...]:
        found = await self._rows(
            sa.select(executions.c.crew).where(executions.c.execution_id == execution_id)
        )
        return tuple(row.crew for row in found)

    async def running(
        self, *, crews: Collection[str], limit: int
    ) -> tuple[read_models.ExecutionPosting, ...]:
        found: list[sa.Row[Any]] = []
        names = sorted(crews)
        for begin in range(0, len(names), statements.RANGES):
            some = names[begin : begin + statements.RANGES]
            of = {f"crew_{number}": name for number, name in enumerate(some)}
            found += await self._rows(_running(len(some)), of | {"most": limit})
        found.sort(key=lambda row: row.began_at)
        return await self._postings(found[:limit])

    async def postings(
        self, executions: Collection[tuple[str, str]]
    ) -> tuple[read_models.ExecutionPosting, ...]:
        """Return these executions, by crew and id, in any order."""
        if not executions:
            return ()
        found = await self._rows(_POSTINGS, {"keys": [list(key) for key in executions]})
        return await self._postings(found)

    async def posting(self, crew: str, execution_id: str) -> read_models.ExecutionPosting | None:
        key = _key(crew, execution_id)
        found = await self._prepared(_FIND, key)
        if not found:
            return None
        finished = (await self._rows(_FINISHED, key))[::-1]
        postings = await self._postings(found, finished)
        return postings[0] if postings else None

    async def _postings(
        self, found: Sequence[sa.Row[Any]], finished: Sequence[sa.Row[Any]] = ()
    ) -> tuple[read_models.ExecutionPosting, ...]:
        texts = await self.revised((row.crew, row.execution_id) for row in found)

        def masked(row: sa.Row[Any]) -> read_models.ExecutionPosting:
            masking = self._masking.get(row.crew, NOTHING)
            also = masking.also_those_in(texts[row.crew, row.execution_id])
            return also.shown(_to_posting(row, finished))

        return await self._off_loop(lambda: tuple(each(masked, found)))

    async def revised(
        self, executions: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Sequence[str]]:
        """Return, by execution, the outputs that people may have edited, for crews that mask texts.

        A passage that is masked there must be masked in the execution's result too.
        """
        texts = defaultdict[tuple[str, str], list[str]](list)
        keys = [list(key) for key in executions if self._masking.get(key[0])]
        for row in await self._rows(_REVISED, {"keys": keys}) if keys else ():
            texts[row.crew, row.execution_id].append(row.text)
        return texts

    async def given_webhooks(self, crew: str, execution_id: str) -> notification.WebhookUrls:
        """Return the URLs that a caller gave for an execution: registered, else carried."""
        found = await self._rows(
            _WEBHOOKS.order_by(webhooks.c.origin != REGISTERED), _key(crew, execution_id)
        )
        urls = notification.WebhookUrls()
        for given in map(to_webhooks, found):
            if not given.is_readable:
                return given
            urls = urls.or_else(given)
        return urls

    async def has_registered(self, crew: str, execution_id: str) -> bool:
        """Return True if a caller's URLs are registered, as they are with a kickoff's answer."""
        registered = _WEBHOOKS.where(webhooks.c.origin == REGISTERED).limit(1)
        return bool(await self._rows(registered, _key(crew, execution_id)))

    async def addresses_of(self, crew: str, execution_id: str) -> tuple[str, ...]:
        """Return the addresses in an execution's webhooks, and those where its flow is answered."""
        key = _key(crew, execution_id)
        urls = map(to_webhooks, await self._rows(_WEBHOOKS, key))
        callbacks = await self._rows(_CALLBACKS, key)
        found = (*(one for each in urls for one in each.addresses), *(one[0] for one in callbacks))
        return tuple(dict.fromkeys(filter(None, found)))

    async def forwarded_webhook(self, webhook_id: str) -> read_models.ForwardedWebhook | None:
        found = await self._rows(
            sa.select(forwarded_webhooks).where(forwarded_webhooks.c.id == webhook_id)
        )
        return read_models.ForwardedWebhook(**found[0]._mapping) if found else None


class Executions(Changing, ExecutionQueries):
    """Changes executions on a transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._dialect = connection.dialect.name
        self._without_reviews: set[tuple[str, str]] = set()
        """Opened executions that had no review before."""
        self._stored: dict[tuple[str, str], Execution] = {}
        """The opened executions as they are stored."""

    async def open(
        self, crew: str, execution_id: str, *, at: datetime, activity: int = 0
    ) -> Execution:
        """Upsert and lock an execution; `activity` is added to the number of its webhooks."""
        row = _NEW | {
            "crew": crew,
            "execution_id": execution_id,
            "began_at": at,
            "subject": id_beginning(execution_id),
            "activity_count": activity,
        }
        [opened] = await rows(self._connection, _open(self._dialect), row)
        if not opened.has_reviews:
            self._without_reviews.add((crew, execution_id))
        execution = self._stored[crew, execution_id] = to_execution(opened)
        return execution

    async def undo_activity(self, execution: Execution) -> None:
        key = _key(execution.crew, execution.execution_id)
        await write(self._connection, _UNDO_ACTIVITY, key)

    async def save(self, execution: Execution, *, tracked: bool = False) -> None:
        """Store the changes of an execution; Slack shows a `tracked` one from now on.

        An execution that was not opened in this transaction is read first.
        """
        key = execution.crew, execution.execution_id
        before = self._stored.get(key) or await self.find(*key)
        assert before is not None, "what is saved was stored"
        values = from_execution(execution, before=before)
        if tracked and not before.tracked:
            values["tracked"] = True
        self._stored[key] = execution
        if values:
            await write(self._connection, _save(tuple(values)), _key(*key) | values)

    async def record_kickoff(
        self,
        kickoff: str,
        crew: str,
        starter: User | Email | None,
        *,
        named: notification.Given = (),
        at: datetime,
    ) -> None:
        """Store a kickoff before the crew answers it."""
        row = {"id": kickoff, "crew": crew, "starter": str(starter or ""), "sent_at": at}
        await self._connection.execute(sa.insert(unclear_kickoffs), row | {"named": named})

    async def forget_kickoff(self, kickoff: str) -> None:
        gone = sa.delete(unclear_kickoffs).where(unclear_kickoffs.c.id == kickoff)
        await self._connection.execute(gone)

    async def unclear_kickoffs(
        self, crew: str, *, since: datetime, until: datetime
    ) -> tuple[read_models.UnclearKickoff, ...]:
        """Return the kickoffs of a crew in this span whose answers are unknown."""
        found = await self._connection.execute(
            sa.select(unclear_kickoffs)
            .where(unclear_kickoffs.c.crew == crew)
            .where(unclear_kickoffs.c.sent_at.between(since, until))
            .order_by(unclear_kickoffs.c.sent_at, unclear_kickoffs.c.starter)
        )
        return tuple(
            read_models.UnclearKickoff(
                starter_named(row.starter), dict(row.named or ()), row.sent_at
            )
            for row in found
        )

    async def register(self, crew: str, execution_id: str, urls: notification.WebhookUrls) -> None:
        """Store the URLs that a caller gave; absent URLs stay as they were."""
        key = {"crew": crew, "execution_id": execution_id, "origin": REGISTERED}
        await self._connection.execute(_register(self._dialect), key | from_webhooks(urls))

    async def is_without_reviews(self, review: Review) -> bool:
        """Return True, once, if an execution opened in this transaction had no review before."""
        key = review.crew, review.execution_id
        is_without = key in self._without_reviews
        self._without_reviews.discard(key)
        if is_without and self._dialect == "postgresql":
            # The upsert may have waited for a lock, and then it has read `reviews` as they were
            # before the wait. So another statement looks for such rows.
            others = await self._prepared(_OTHER_REVIEWS, _key(*key) | {"b_review": review.id})
            return not others
        return is_without

    async def record_kickoff_form(self, form: str, crew: str, *, at: datetime) -> bool:
        """Store the id of a form that starts a crew; return False for a repeated one."""
        row = {"form": form, "crew": crew, "sent_at": at}
        return await statements.insert_once(self._connection, kickoff_forms, row)

    async def add_task_update(
        self, update_id: str, execution: Execution, update: TaskUpdate, *, at: datetime
    ) -> bool:
        """Store a completed task; return False if this update was stored already."""
        row = {
            "id": update_id,
            "crew": execution.crew,
            "execution_id": execution.execution_id,
            "received_at": at,
            "activity": execution.activity_count,
            **asdict(update),
        }
        return await statements.insert_once(self._connection, task_updates, row)

    async def place_progress_message(
        self, crew: str, execution_id: str, ref: read_models.MessageRef
    ) -> None:
        """Store the place of the progress message, which starts the thread if none exists."""
        where = {"progress_channel": ref.channel, "progress_ts": ref.ts}
        await write(self._connection, _PLACE_PROGRESS, _key(crew, execution_id) | where)
        await self.join_thread(crew, execution_id, ref)

    async def join_thread(self, crew: str, execution_id: str, ref: read_models.MessageRef) -> None:
        """Store the thread of a message about the execution, if no thread is stored yet."""
        where = {"channel": ref.channel, "thread_ts": ref.thread_ts}
        await write(self._connection, _START_THREAD, _key(crew, execution_id) | where)

    async def forget_thread(self, crew: str, execution_id: str, thread_ts: str | None) -> None:
        """Forget a thread whose first message was deleted: the next message starts a new one.

        Another message may have started it already, which stays.
        """
        gone: dict[str, Any] = {"channel": None, "thread_ts": None, "b_gone": thread_ts}
        await write(self._connection, _FORGET_THREAD, _key(crew, execution_id) | gone)

    async def add_forwarded_webhook(self, webhook: read_models.ForwardedWebhook) -> None:
        await self._connection.execute(sa.insert(forwarded_webhooks), asdict(webhook))

    async def remove_forwarded_webhook(self, webhook_id: str) -> None:
        await self._connection.execute(
            sa.delete(forwarded_webhooks).where(forwarded_webhooks.c.id == webhook_id)
        )


def to_caller_values(stored: Any) -> notification.CallerValues:
    came: notification.CallerValues = codec(notification.CallerValues).load(stored or ())
    return came


def to_starter(row: sa.Row[Any]) -> Person | None:
    return Person(row.starter, row.starter_name) if row.starter else None


@reads("executions")
def to_starters(row: sa.Row[Any]) -> tuple[User | Email, ...]:
    return all_starters(to_starter(row), to_caller_values(row.meta), row.also_started or ())


@reads("executions")
def to_execution(row: sa.Row[Any]) -> Execution:
    return Execution(
        starter=to_starter(row),
        activity_count=row.activity_count,
        result=None
        if row.result is None
        else notification.Output(row.result, notification.Format(row.result_format)),
        **_EXECUTION.read(row),
    )


def from_execution(execution: Execution, *, before: Execution) -> dict[str, Any]:
    """Return the columns that differ from those of `before`, the execution as it is stored."""
    starter, result = execution.starter, execution.result
    columns = _EXECUTION.write(execution, before)
    if starter != before.starter:
        columns |= {"starter": starter and starter.id, "starter_name": starter and starter.name}
    if result != before.result:
        columns["result"] = result and result.text
        columns["result_format"] = result and result.format.value
    if not columns.keys().isdisjoint(_OF_TOPIC):
        columns["subject"] = execution.topic
    return columns


_ANY: Final = Execution(crew="", execution_id="", began_at=datetime(1970, 1, 1, tzinfo=UTC))
#: The columns that all new executions share, built once, because each webhook upserts a row.
_NEW: Final = statements.without_nulls(_EXECUTION.write(_ANY))


@reads("webhooks")
def to_webhooks(row: sa.Row[Any]) -> notification.WebhookUrls:
    return notification.WebhookUrls(
        task=row.task_url,
        step=row.step_url,
        crew=row.crew_url,
        human_input=notification.HumanInputWebhook(**row.human_input) if row.human_input else None,
    )


def from_webhooks(urls: notification.WebhookUrls) -> dict[str, Any]:
    return {
        "task_url": urls.task,
        "step_url": urls.step,
        "crew_url": urls.crew,
        "human_input": urls.human_input and asdict(urls.human_input),
    }


def _to_posting(
    row: sa.Row[Any], finished: Sequence[sa.Row[Any]] = ()
) -> read_models.ExecutionPosting:
    message = None
    if row.progress_ts is not None:
        thread_ts = row.thread_ts or row.progress_ts
        message = read_models.MessageRef(row.progress_channel, row.progress_ts, thread_ts)
    return read_models.ExecutionPosting(
        execution=to_execution(row),
        progress_message=message,
        channel=row.channel,
        thread_ts=row.thread_ts,
        finished=tuple(
            TaskUpdate(title=task.title, summary=task.summary, agent=task.agent)
            for task in finished
        ),
        finished_before=finished[0].total - len(finished) if finished else 0,
    )
