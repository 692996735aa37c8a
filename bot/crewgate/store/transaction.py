"""The transaction of a use case, with the statements of rounds and the outbox."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from crewgate.domain.audit import BOT, Code, Entry, digest_of
from crewgate.domain.effects import LAST, OF_WAITING, TIMED, Effect
from crewgate.domain.errors import ChangedMeanwhile, RoundNotFound, RuleLost
from crewgate.domain.notification import Callback, Format, Output, Question, Rewritten, WebhookUrls
from crewgate.domain.people import EmailOwner, Installation, ReviewerRef
from crewgate.domain.reason import ExecutionGone
from crewgate.domain.review import Review, Round, State
from crewgate.domain.rules.rule import NO_RULE
from crewgate.domain.stats import made_in_seconds
from crewgate.store import round_rows, statements, tables
from crewgate.store.absences import Absences
from crewgate.store.audit import Audit
from crewgate.store.codec import codec
from crewgate.store.dead_letters import DeadLetters
from crewgate.store.engine import Connection, rows, write
from crewgate.store.executions import Executions, from_webhooks
from crewgate.store.lessons import Lessons
from crewgate.store.mentions import Mentions, task_key
from crewgate.store.mornings import Mornings
from crewgate.store.notes import Notes
from crewgate.store.outbox import from_effect, let_next_go, queue_up
from crewgate.store.removal import Removal
from crewgate.store.unreadable import each
from crewgate.usecases.log_fields import log_about
from crewgate.usecases.ports.base import Clock, Job
from crewgate.usecases.read_models import Heard, MessageRef

T = TypeVar("T")

#: Columns of rounds that `save` leaves out: written once, or by statements of their own.
_WRITTEN_ONCE: Final = frozenset(
    {"id", "review_id", "crew", "number", "version", "opened_at", "digest", "unchanged", "salt"}
    | {"pause_id", "takes_edits", "takes_key", "edited_by", "origin_id", "call", "tools_used"}
    | {"next_task", "is_act", "is_fetched"}
)
_VERSION: Final = sa.select(tables.rounds.c.version).where(
    tables.rounds.c.id == sa.bindparam("round")
)
_OUTPUT: Final = sa.select(tables.outputs).where(tables.outputs.c.round_id == sa.bindparam("round"))
_LOCKED: Final = round_rows.ROUND.where(statements.among(tables.rounds.c.id, "rounds")).order_by(
    tables.rounds.c.opened_at
)
_ONE_ROUND: Final = round_rows.ROUND.where(tables.rounds.c.id == sa.bindparam("round"))
_LATEST_ROUND: Final = (
    round_rows.ROUND.where(tables.rounds.c.review_id == sa.bindparam("review"))
    .order_by(
        sa.case((tables.rounds.c.pause_id == sa.bindparam("pause"), 0), else_=1),
        tables.rounds.c.number.desc(),
    )
    .limit(1)
)
_ROUND_OF_REQUEST: Final = round_rows.ROUND.join(
    tables.flow_requests, tables.flow_requests.c.round_id == tables.rounds.c.id
).where(
    tables.flow_requests.c.crew == sa.bindparam("crew"),
    tables.flow_requests.c.execution_id == sa.bindparam("execution"),
    tables.flow_requests.c.request_id == sa.bindparam("request"),
)
_UNFINISHED: Final = round_rows.ROUND.where(
    *round_rows.OF_EXECUTION, round_rows.IS_UNFINISHED
).order_by(tables.rounds.c.opened_at)
_newer = tables.rounds.alias("newer")
_CLOSED_AS_GONE: Final = round_rows.ROUND.where(
    *round_rows.OF_EXECUTION,
    tables.rounds.c.state == State.CLOSED.value,
    tables.rounds.c.removed_at.is_(None),
    (tables.rounds.c.reason == round_rows.from_reason(ExecutionGone())["reason"])
    | (tables.rounds.c.reason_code == round_rows.WHILE_WAITING),
    ~sa.exists().where(
        _newer.c.review_id == tables.rounds.c.review_id, _newer.c.number > tables.rounds.c.number
    ),
).order_by(tables.rounds.c.opened_at)
_ADD_ROUND: Final = sa.insert(tables.rounds)
_ADD_OUTPUT: Final = sa.insert(tables.outputs)
_ADD_EFFECT: Final = sa.insert(tables.outbox).inline()
_CANCEL: Final = sa.delete(tables.outbox).where(
    tables.outbox.c.subject == sa.bindparam("round"),
    statements.one_of(tables.outbox.c.kind, sorted(OF_WAITING)),
)
#: Of a round that waits on, its messages stay.
_CANCEL_TIMERS: Final = _CANCEL.where(statements.one_of(tables.outbox.c.kind, sorted(TIMED)))
#: The worker's own job: a job whose lease was lost belongs to another worker.
_OURS: Final = (
    tables.outbox.c.id == sa.bindparam("b_job"),
    tables.outbox.c.lease_until == sa.bindparam("b_lease", type_=tables.outbox.c.lease_until.type),
)
_COMPLETE: Final = sa.delete(tables.outbox).where(*_OURS)
_HAS: Final = sa.select(tables.outbox.c.id).where(*_OURS)
_SAME_EFFECT: Final = (
    tables.outbox.c.ordering_key == sa.bindparam("b_ordering_key"),
    tables.outbox.c.kind == sa.bindparam("b_kind"),
    tables.outbox.c.set_aside_at.is_(None),
)
_WAITS_ALREADY: Final = sa.select(tables.outbox.c.id).where(*_SAME_EFFECT).limit(1)
#: A job that is under way may have read an earlier state, so it does not make a new job needless.
_WAITS_UNBEGUN: Final = _WAITS_ALREADY.where(tables.outbox.c.lease_until.is_(None))
_AT: Final = sa.bindparam("b_at", type_=tables.outbox.c.due_at.type)
_EXPEDITE: Final = (
    sa.update(tables.outbox)
    .where(*_SAME_EFFECT)
    .values(
        # A leased job gets the new time in any case, and its retry then never comes later.
        due_at=sa.case(
            (
                sa.and_(tables.outbox.c.lease_until.is_(None), tables.outbox.c.due_at < _AT),
                tables.outbox.c.due_at,
            ),
            else_=_AT,
        ),
        created_at=_AT,
        tries=0,
    )
)


@cache
def _open_review(dialect: str) -> statements.Insert:
    """Upsert a review, lock it and return it."""
    key, fields = ("crew", "execution_id", "task_id"), ("task_name", "agent", "expected_output")
    upsert = statements.insert_or_fill(dialect, tables.reviews, key, fields)
    return upsert.returning(*tables.reviews.c)


@cache
def _save(columns: tuple[str, ...], *, under_rule: bool) -> sa.Update:
    """Compare and swap: set these columns of a round, unless somebody saved it meanwhile.

    A save without a rule matches only rounds without one: a round never loses its rule.
    """
    saved = round_rows.THIS_ROUND.where(
        tables.rounds.c.version == sa.bindparam("b_version")
    ).values(statements.setting(tables.rounds, *columns) | {"version": tables.rounds.c.version + 1})
    return saved if under_rule else saved.where(tables.rounds.c.rule_id == "")


@cache
def _lock_of(found: sa.Select[Any]) -> sa.Select[Any]:
    return found.with_only_columns(tables.rounds.c.id).with_for_update(of=tables.rounds)


@cache
def _open_email_owner(dialect: str) -> statements.Insert:
    """Insert the owner of an address, unless there is one; lock and return the owner."""
    return (
        statements.insert_of(dialect)(tables.email_owners)
        .on_conflict_do_update(
            index_elements=[tables.email_owners.c.address],
            set_={"user_id": tables.email_owners.c.user_id},
        )
        .returning(tables.email_owners.c.user_id, tables.email_owners.c.moved_to)
    )


@cache
def _settle(columns: tuple[str, ...]) -> sa.Update:
    """Set these columns of a job, unless its lease was lost.

    A job that was expedited during its lease stays due at that earlier time.
    """
    values: dict[str, Any] = dict(statements.setting(tables.outbox, *columns))
    if "due_at" in values:
        expedited = sa.and_(tables.outbox.c.tries == 0, tables.outbox.c.due_at < values["due_at"])
        values["due_at"] = sa.case((expedited, tables.outbox.c.due_at), else_=values["due_at"])
    return sa.update(tables.outbox).where(*_OURS).values(values)


def _part(kind: Callable[[Connection], T]) -> cached_property[T]:
    """Return a part of a transaction, made when first asked for: few need it."""
    return cached_property(lambda tx: kind(tx._connection))  # noqa: SLF001  # a part of its class


class Tx:
    """A transaction on one connection; the unit of work begins and commits it.

    On PostgreSQL rows are locked in one order, so that no two transactions ever wait for each
    other: the execution, the review, the round, its rows, mentions, the outbox. A change of an
    execution and a round opens the execution first.
    """

    executions = _part(Executions)
    lessons = _part(Lessons)
    mentions = _part(Mentions)
    notes = _part(Notes)
    absences = _part(Absences)
    mornings = _part(Mornings)
    dead_letters = _part(DeadLetters)
    removal = _part(Removal)

    def __init__(
        self, connection: Connection, *, clock: Clock, kept_rules: Collection[str] = ()
    ) -> None:
        """`kept_rules` are the ids of rules known to be stored."""
        self._connection = connection
        self._kept_rules = kept_rules
        self.rules_seen: set[str] = set()
        """The ids of rules that are stored after the commit."""
        self._dialect = connection.dialect.name
        self._found: dict[str, Round] = {}
        """The rounds as they were read."""
        self.changed: set[str] = set()
        """The crews with new effects: what people see of these crews may have changed."""
        self.woken: set[str] = set()
        """Destinations with new work after the commit."""
        self._new_effects: list[dict[str, Any]] = []
        self.audit = Audit(connection, clock)

    async def open_review(
        self, candidate: Review, pause_id: str | None = None
    ) -> tuple[Review, Round | None]:
        """Upsert the review of this crew, execution and task; return it and its last round.

        A known `pause_id` gives the round of that pause instead. The execution must be opened
        first. Nobody else can change the round until the transaction ends.
        """
        # The upsert locks the review's row until the transaction ends.
        statement = _open_review(self._dialect)
        [opened] = await rows(self._connection, statement, round_rows.from_review(candidate))
        review = round_rows.to_review(opened)
        if review.id == candidate.id:
            return review, None
        latest = await self._lock(_LATEST_ROUND, {"review": review.id, "pause": pause_id})
        return review, latest[0] if latest else None

    async def round(self, round_id: str) -> Round:
        """Lock a round until the transaction ends. Raises RoundNotFound."""
        found = await self._lock(_ONE_ROUND, {"round": round_id})
        if not found:
            raise RoundNotFound(round_id)
        return log_about(found[0])

    async def unfinished(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        return await self._lock(_UNFINISHED, {"crew": crew, "execution": execution_id}, alone=False)

    async def heard_since(self, round_: Round) -> Heard:
        review = round_.review
        about = {"review": review.id, "task": review.task_id, "name": review.task_name}
        key = {"crew": review.crew, "execution": review.execution_id}
        parameters = {**about, **key, "activity": round_.activity_before}
        [heard] = await rows(self._connection, round_rows.HEARD, parameters)
        return Heard(bool(heard.done), heard.named, bool(heard.beside))

    async def closed_as_gone(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        """Return the rounds closed only because a status said that the execution is gone or over.

        The list has at most the latest round of each review. The execution must be opened first.
        """
        about = {"crew": crew, "execution": execution_id}
        return await self._lock(_CLOSED_AS_GONE, about, alone=False)

    async def round_of_request(self, crew: str, execution_id: str, request_id: str) -> Round | None:
        """Lock and return the round that a flow's request opened; None if the request is new.

        The execution must be opened first.
        """
        about = {"crew": crew, "execution": execution_id, "request": request_id}
        found = await self._lock(_ROUND_OF_REQUEST, about)
        return found[0] if found else None

    async def open_round(
        self,
        round_: Round,
        output: Output,
        carried: WebhookUrls,
        reviewers: Iterable[ReviewerRef] = (),
    ) -> None:
        """Store a new round with its output and the URLs of its notification.

        `reviewers` are the crew's own.
        """
        row = round_rows.from_round(round_)
        await self._keep_rule(round_, row["rule_id"])
        row["characters"] = len(output.text)
        row["task_key"] = task_key(round_)
        row["made_in_seconds"] = made_in_seconds(round_, self._found.values())
        self._found[round_.id] = round_
        is_first = await self.executions.is_without_reviews(round_.review)
        self.audit.opened(round_, output, reviewers, is_first=is_first)
        await write(self._connection, _ADD_ROUND, statements.without_nulls(row))
        text = {"round_id": round_.id, "format": output.format.value, "text": output.text}
        rewritten = codec(Rewritten | None).dump(output.rewritten)
        more = {"rewritten": rewritten, "erased": output.erased or None}
        await write(self._connection, _ADD_OUTPUT, statements.without_nulls(text | more))
        if carried:
            review = round_.review
            key = {"crew": review.crew, "execution_id": review.execution_id, "origin": round_.id}
            await self._connection.execute(sa.insert(tables.webhooks), key | from_webhooks(carried))

    async def output(self, round_id: str) -> Output:
        [row] = await rows(self._connection, _OUTPUT, {"round": round_id})
        return Output(row.text, Format(row.format), erased=row.erased or 0)

    async def keep_edited(self, round_: Round, text: str) -> None:
        """Store the text that a revision asks the crew for."""
        outputs_of = sa.update(tables.outputs).where(tables.outputs.c.round_id == round_.id)
        await self._connection.execute(outputs_of.values(edited=text))

    async def save(self, round_: Round) -> None:
        """Store a changed round.

        A flow's address is deleted once the round takes no answer. Raises ChangedMeanwhile if the
        round was saved since it was read, and RuleLost if its stored rule is missing.
        """
        # The row locks exclude a conflict. The version is compared all the same: a caller that
        # forgot its lock fails here, and does not replace a decision that it never saw. `task_key`
        # is set anew, because it is of the present rule.
        row = round_rows.from_round(round_) | {"task_key": task_key(round_)}
        await self._keep_rule(round_, row["rule_id"])
        values = {name: value for name, value in row.items() if name not in _WRITTEN_ONCE}
        where = {"b_id": round_.id, "b_version": round_.version}
        statement = _save(tuple(values), under_rule=round_.rule != NO_RULE)
        if await write(self._connection, statement, values | where) != 1:
            now = await rows(self._connection, _VERSION, {"round": round_.id})
            unchanged = bool(now) and now[0].version == round_.version
            raise (RuleLost if unchanged else ChangedMeanwhile)(round_.id)
        self.audit.changed(self._found[round_.id], round_)
        if round_.is_of_flow and not round_.may_be_sent:
            await self.lessons.forget_callback(round_.id)

    async def keep_callback(self, round_: Round, callback: Callback) -> None:
        question = round_.subject
        assert isinstance(question, Question), "only a round with a question has a callback"
        review = round_.review
        row = {
            "crew": review.crew,
            "execution_id": review.execution_id,
            "request_id": question.request_id,
            "round_id": round_.id,
            "callback_url": callback.url,
            "token": callback.token,
        }
        await self._connection.execute(sa.insert(tables.flow_requests), row)

    async def place_card(
        self,
        round_: Round,
        ref: MessageRef,
        *,
        at: datetime,
        shown: int,
        masked: int = 0,
        text: str = "",
        no_approver: bool = False,
    ) -> None:
        """Store the place of a round's card, and the percentage of the output that it shows.

        If some passages are masked, `text` is the whole output as people see it. `no_approver` is
        for lists: too few people may approve.

        The card starts the execution's thread if there is none, unless it is in another channel.
        """
        review = round_.review
        where: dict[str, Any] = {"channel": ref.channel, "ts": ref.ts, "thread_ts": None}
        if round_.rule.channel is None:
            await self.executions.join_thread(review.crew, review.execution_id, ref)
        else:
            where["thread_ts"] = ref.thread_ts
        shows = {"shown": shown, "masked": masked, "no_approver": no_approver}
        await write(
            self._connection, round_rows.PLACE_CARD, {"b_id": round_.id, "at": at, **shows, **where}
        )
        card = {"channel": ref.channel, "message_ts": ref.ts, "shown": shown}
        if masked:
            card |= {"masked": masked, "output": digest_of(text, round_.salt)}
        self.audit.of_round(Entry(Code.SHOWN, BOT, card), round_)

    async def forget_card(self, round_: Round, card: MessageRef | None) -> bool:
        """Forget a deleted card; return False if the round has another card by now."""
        gone = await self._connection.execute(
            sa.update(tables.rounds)
            .where(
                tables.rounds.c.id == round_.id,
                tables.rounds.c.card_ts.is_not_distinct_from(card and card.ts),
            )
            .values(card_channel=None, card_ts=None, card_thread_ts=None)
        )
        return gone.rowcount > 0

    async def forget_thread(
        self, round_: Round, channel: str | None, thread_ts: str | None
    ) -> None:
        """Forget a thread whose first message was deleted; the next message starts a new one."""
        if round_.rule.channel is None:
            review = round_.review
            await self.executions.forget_thread(review.crew, review.execution_id, thread_ts)
        else:
            gone = {"b_channel": channel, "b_thread": thread_ts}
            await self._connection.execute(round_rows.FORGET_THREAD, gone)

    async def record_drawn(self, round_: Round, *, shown: int, no_approver: bool) -> None:
        """Store what an updated card shows; `shown` and `no_approver` are those of `place_card`."""
        values = {"b_id": round_.id, "shown": shown, "no_approver": no_approver}
        await write(self._connection, round_rows.RECORD_DRAWN, values)

    async def place_direct_message(self, round_: Round, user: str, ref: MessageRef) -> None:
        row = {"round_id": round_.id, "user_id": user, "channel": ref.channel, "ts": ref.ts}
        await statements.insert_once(self._connection, tables.direct_messages, row)

    async def enqueue(
        self,
        effects: Iterable[Effect],
        *,
        at: datetime,
        due_at: datetime | None = None,
        last: bool = False,
    ) -> None:
        """Store effects in the outbox with the transaction; `at` is now.

        The effects are due at `due_at` or, with a wake-up of the workers after the commit, at once.
        `last` puts the effects behind all other effects of their destination.
        """
        for effect in effects:
            row = from_effect(effect) | {"created_at": at, "due_at": due_at or at, "tries": 0}
            self._new_effects.append(row | {"priority": LAST} if last else row)
            if due_at is None:
                self.woken.add(effect.destination)
                self.changed.add(effect.crew)

    async def enqueue_once(
        self, effect: Effect, *, at: datetime, due_at: datetime | None = None, last: bool = False
    ) -> None:
        """Enqueue an effect unless an equal one waits, not yet begun."""
        same = {"b_ordering_key": effect.ordering_key, "b_kind": effect.kind.value}
        if not await rows(self._connection, _WAITS_UNBEGUN, same):
            await self.enqueue([effect], at=at, due_at=due_at, last=last)

    async def expedite(self, effect: Effect, *, at: datetime) -> None:
        """Make an effect due at `at` or earlier: one that waits already, else a new one.

        Tries and their time limit start anew.
        """
        same = {"b_ordering_key": effect.ordering_key, "b_kind": effect.kind.value}
        if not await rows(self._connection, _WAITS_ALREADY, same):
            await self.enqueue([effect], at=at, due_at=at)
            return
        await write(self._connection, _EXPEDITE, same | {"b_at": at})

    async def cancel(self, round_id: str) -> None:
        """Delete the reminders and other jobs of a round that no longer waits."""
        await write(self._connection, _CANCEL, {"round": round_id})

    async def cancel_timers(self, round_id: str) -> None:
        """Delete the timers of a round whose time begins anew."""
        await write(self._connection, _CANCEL_TIMERS, {"round": round_id})

    async def flush(self) -> None:
        """Store the effects and the audit entries before the commit, in two statements."""
        for row in self._new_effects:
            await queue_up(self._connection, row)
        if self._new_effects:
            await write(self._connection, _ADD_EFFECT, self._new_effects)
        await self.audit.flush()

    async def has(self, job: Job) -> bool:
        """Return False if a job was cancelled, or another bot has it now."""
        return bool(await rows(self._connection, _HAS, _ours(job)))

    async def complete(self, job: Job) -> bool:
        """Delete a job; return False if it was cancelled, or another bot has it now."""
        is_ours = await write(self._connection, _COMPLETE, _ours(job)) > 0
        await let_next_go(self._connection, job)
        return is_ours

    async def retry(
        self, job: Job, *, at: datetime, in_doubt: bool, failed_at: datetime | None = None
    ) -> None:
        """Give the job back, to be tried at the given time.

        `failed_at` is for a failure of the job's own; only the first is stored.
        """
        values: dict[str, Any] = {"due_at": at, "lease_until": None}
        if failed_at is not None:
            values["failing_since"] = job.failing_since or failed_at
        if not (in_doubt or job.in_doubt):
            values["began_at"] = None
        await write(self._connection, _settle(tuple(values)), values | _ours(job))

    async def set_aside(self, job: Job, why: str, *, at: datetime) -> None:
        """Give the job up: keep it for people to see, and release the jobs behind it."""
        values = {"set_aside_at": at, "set_aside_why": why, "lease_until": None}
        await write(self._connection, _settle(tuple(values)), values | _ours(job))
        await let_next_go(self._connection, job)

    async def open_email_owner(self, candidate: EmailOwner) -> EmailOwner:
        """Return the owner of an address, locked: the candidate if the address is new."""
        row = {
            "address": candidate.address.lower(),
            "user_id": candidate.user,
            "moved_to": candidate.moved_to,
        }
        [found] = await self._connection.execute(_open_email_owner(self._dialect), row)
        return EmailOwner(candidate.address, found.user_id, found.moved_to)

    async def save_email_owner(self, owner: EmailOwner) -> None:
        await self._connection.execute(
            sa.update(tables.email_owners)
            .where(tables.email_owners.c.address == owner.address.lower())
            .values(user_id=owner.user, moved_to=owner.moved_to)
        )

    async def save_installation(self, token_digest: str, installation: Installation) -> None:
        row = {"token_digest": token_digest, **asdict(installation)}
        await statements.insert_over(self._connection, tables.installations, row)

    async def write_nothing(self) -> None:
        """Write present values again, to test whether the database takes writes."""
        await self._connection.execute(
            sa.text("UPDATE alembic_version SET version_num = version_num")
        )

    async def _lock(
        self, statement: sa.Select[Any], parameters: dict[str, Any], *, alone: bool = True
    ) -> tuple[Round, ...]:
        """Lock the rounds that a statement finds, then read them; of several, the readable rounds.

        After waiting for a lock, PostgreSQL reads only the locked row anew, not joined rows: a
        round whose rule has changed would come without a rule. On SQLite nobody else writes.
        """
        if self._dialect == "postgresql":
            locked = (await self._connection.execute(_lock_of(statement), parameters)).scalars()
            statement, parameters = _LOCKED, {"rounds": list(locked)}
        found = await rows(self._connection, statement, parameters)
        self.rules_seen.update(row.rule_id for row in found)
        read = tuple((map if alone else each)(round_rows.to_round, found))
        self._found |= {one.id: one for one in read}
        return read

    async def _keep_rule(self, round_: Round, rule_id: str) -> None:
        """Store a round's rule if it is new, which is rare."""
        if rule_id and rule_id not in self._kept_rules and rule_id not in self.rules_seen:
            await statements.insert_once(
                self._connection, tables.rules, round_rows.from_rule_of(round_)
            )
            self.rules_seen.add(rule_id)


def _ours(job: Job) -> dict[str, Any]:
    return {"b_job": job.id, "b_lease": job.lease_until}
