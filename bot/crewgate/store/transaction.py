"""One transaction: what a use case may change."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crewgate.domain.effects import Effect
from crewgate.domain.errors import ChangedMeanwhile, RoundNotFound, RuleLost
from crewgate.domain.notification import Output, WebhookUrls
from crewgate.domain.people import EmailOwner, Installation
from crewgate.domain.question import Callback
from crewgate.domain.reason import Dismissed
from crewgate.domain.review import Review, Round
from crewgate.store.absences import SqlAbsences
from crewgate.store.dead_letters import find_dead_letter
from crewgate.store.engine import Connection, rows, write
from crewgate.store.executions import SqlExecutions
from crewgate.store.mappers import (
    from_effect,
    from_review,
    from_round,
    from_webhooks,
    to_review,
    to_round,
)
from crewgate.store.notes import SqlNotes
from crewgate.store.rules import from_rule_of, rule_id_of
from crewgate.store.statements import (
    ADD_EFFECT,
    ADD_OUTPUT,
    ADD_ROUND,
    CANCEL,
    CLOSED_AS_GONE,
    COMPLETE_JOB,
    FORGET_CALLBACK,
    FORGET_THREAD,
    HASTEN,
    LATEST_ROUND,
    LOCKED_ROUNDS,
    ONE_ROUND,
    PLACE_CARD,
    RECORD_SHOWN,
    ROUND_OF_REQUEST,
    UNFINISHED,
    VERSION_OF_ROUND,
    WAITS_ALREADY,
    changing,
    insert_of,
    keep_rule,
    lock_of,
    open_review,
    save_round,
    settle_job,
)
from crewgate.store.tables import (
    dead_letters,
    direct_messages,
    email_owners,
    flow_requests,
    installations,
    rounds,
    webhooks,
)
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import DeadLetter, MessageRef


class SqlTransaction(Tx):
    """A transaction on one connection; the unit of work begins and commits it.

    On PostgreSQL rows are locked in one order, so that no two transactions ever wait for each
    other: the execution, the review, the round, the outbox. Whoever changes an execution and a
    round opens the execution first.
    """

    def __init__(self, connection: Connection, *, kept_rules: Collection[str] = ()) -> None:
        """`kept_rules` are the ids of rules that are surely stored."""
        self._connection = connection
        self._kept_rules = kept_rules
        self.rules_seen: set[str] = set()
        """The ids of rules that are stored once this is committed."""
        self._dialect = connection.dialect.name
        self._insert = insert_of(self._dialect)
        self.executions = SqlExecutions(connection)
        self.notes = SqlNotes(connection)
        self.absences = SqlAbsences(connection)
        self.woken: set[str] = set()
        """Destinations that have something new to do after the commit."""
        self._new_effects: list[dict[str, Any]] = []

    async def open_review(self, candidate: Review) -> tuple[Review, Round | None]:
        # The upsert locks what it finds.
        statement = open_review(self._dialect)
        [opened] = await rows(self._connection, statement, from_review(candidate))
        review = to_review(opened)
        if review.id == candidate.id:
            return review, None
        latest = await self._lock(LATEST_ROUND, {"review": review.id})
        return review, latest[0] if latest else None

    async def round(self, round_id: str) -> Round:
        found = await self._lock(ONE_ROUND, {"round": round_id})
        if not found:
            raise RoundNotFound(round_id)
        return found[0]

    async def cancel(self, round_id: str) -> None:
        await write(self._connection, CANCEL, {"round": round_id})

    async def unfinished(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        return await self._lock(UNFINISHED, {"crew": crew, "execution": execution_id})

    async def closed_as_gone(self, crew: str, execution_id: str) -> tuple[Round, ...]:
        return await self._lock(CLOSED_AS_GONE, {"crew": crew, "execution": execution_id})

    async def open_round(self, round_: Round, output: Output, carried: WebhookUrls) -> None:
        await self._keep_rule(round_)
        await write(self._connection, ADD_ROUND, from_round(round_))
        await write(
            self._connection,
            ADD_OUTPUT,
            {"round_id": round_.id, "format": output.format.value, "text": output.text},
        )
        if carried:
            review = round_.review
            await self._remember(review.crew, review.execution_id, round_.id, carried)

    async def save(self, round_: Round) -> None:
        # Compare and swap; the row locks already exclude a conflict.
        await self._keep_rule(round_)
        values = changing(rounds, from_round(round_))
        where = {"b_id": round_.id, "b_version": round_.version}
        statement = save_round(tuple(values), under_rule=round_.rule is not None)
        if await write(self._connection, statement, values | where) != 1:
            now = await rows(self._connection, VERSION_OF_ROUND, {"round": round_.id})
            unchanged = bool(now) and now[0].version == round_.version
            raise (RuleLost if unchanged else ChangedMeanwhile)(round_.id)
        if round_.question is not None and not round_.may_be_sent:
            await write(self._connection, FORGET_CALLBACK, {"b_round": round_.id})

    async def round_of_request(self, crew: str, execution_id: str, request_id: str) -> Round | None:
        about = {"crew": crew, "execution": execution_id, "request": request_id}
        found = await self._lock(ROUND_OF_REQUEST, about)
        return found[0] if found else None

    async def keep_callback(self, round_: Round, callback: Callback) -> None:
        assert round_.question is not None  # noqa: S101  # only such a round has one
        review = round_.review
        row = {
            "crew": review.crew,
            "execution_id": review.execution_id,
            "request_id": round_.question.request_id,
            "round_id": round_.id,
            "callback_url": callback.url,
            "token": callback.token,
        }
        await self._connection.execute(sa.insert(flow_requests), row)

    async def enqueue(
        self, effects: Iterable[Effect], *, at: datetime, due_at: datetime | None = None
    ) -> None:
        for effect in effects:
            row = from_effect(effect) | {"created_at": at, "due_at": due_at or at, "tries": 0}
            self._new_effects.append(row)
            if due_at is None:
                self.woken.add(effect.destination)

    async def expedite(self, effect: Effect, *, at: datetime) -> None:
        same = {"b_ordering_key": effect.ordering_key, "b_kind": effect.kind.value}
        if not await rows(self._connection, WAITS_ALREADY, same):
            await self.enqueue([effect], at=at, due_at=at)
            return
        await write(self._connection, HASTEN, same | {"b_at": at})

    async def flush(self) -> None:
        """Store what was enqueued, in one statement; called just before the commit."""
        if self._new_effects:
            await write(self._connection, ADD_EFFECT, self._new_effects)

    async def open_email_owner(self, candidate: EmailOwner) -> EmailOwner:
        upsert = (
            self._insert(email_owners)
            .values(
                address=candidate.address.lower(),
                user_id=candidate.user,
                moved_to=candidate.moved_to,
            )
            .on_conflict_do_update(
                index_elements=[email_owners.c.address], set_={"user_id": email_owners.c.user_id}
            )
            .returning(email_owners.c.user_id, email_owners.c.moved_to)
        )
        row = (await self._connection.execute(upsert)).one()
        return EmailOwner(candidate.address, row.user_id, row.moved_to)

    async def save_email_owner(self, owner: EmailOwner) -> None:
        await self._connection.execute(
            sa.update(email_owners)
            .where(email_owners.c.address == owner.address.lower())
            .values(user_id=owner.user, moved_to=owner.moved_to)
        )

    async def save_installation(self, token_digest: str, installation: Installation) -> None:
        values = asdict(installation)
        await self._connection.execute(
            self._insert(installations)
            .values(token_digest=token_digest, **values)
            .on_conflict_do_update(index_elements=[installations.c.token_digest], set_=values)
        )

    async def store_dead_letter(self, dead_letter: DeadLetter) -> None:
        row = {
            "id": dead_letter.id,
            "crew": dead_letter.crew,
            "reason": dead_letter.reason,
            "body": dead_letter.body,
            "received_at": dead_letter.received_at,
        }
        await self._connection.execute(sa.insert(dead_letters), row)

    async def dead_letter(self, dead_letter_id: str) -> DeadLetter | None:
        return await find_dead_letter(self._connection, dead_letter_id)

    async def place_report(self, dead_letter_id: str, ref: MessageRef) -> None:
        await self._connection.execute(
            sa.update(dead_letters)
            .where(dead_letters.c.id == dead_letter_id)
            .values(report_channel=ref.channel, report_ts=ref.ts)
        )

    async def dismiss_dead_letter(
        self, dead_letter_id: str, dismissed: Dismissed, *, at: datetime
    ) -> bool:
        done = await self._connection.execute(
            sa.update(dead_letters)
            .where(dead_letters.c.id == dead_letter_id, dead_letters.c.dismissed_at.is_(None))
            .values(
                dismissed_by=dismissed.by.id,
                dismissed_by_name=dismissed.by.name,
                dismissed_why=dismissed.why,
                dismissed_at=at,
            )
        )
        return bool(done.rowcount)

    async def place_card(self, round_: Round, ref: MessageRef, *, shown: int) -> None:
        review = round_.review
        where: dict[str, Any] = {"channel": ref.channel, "ts": ref.ts, "thread_ts": None}
        if round_.other_channel is None:
            await self.executions.join_thread(review.crew, review.execution_id, ref)
        else:
            where["thread_ts"] = ref.thread_ts
        await write(self._connection, PLACE_CARD, {"b_id": round_.id, "shown": shown, **where})

    async def forget_thread(
        self, round_: Round, channel: str | None, thread_ts: str | None
    ) -> None:
        if round_.other_channel is None:
            review = round_.review
            await self.executions.forget_thread(review.crew, review.execution_id)
        else:
            gone = {"b_channel": channel, "b_thread": thread_ts}
            await self._connection.execute(FORGET_THREAD, gone)

    async def record_shown(self, round_: Round, shown: int) -> None:
        await write(self._connection, RECORD_SHOWN, {"b_id": round_.id, "shown": shown})

    async def place_direct_message(self, round_: Round, user: str, ref: MessageRef) -> None:
        await self._connection.execute(
            self._insert(direct_messages)
            .values(round_id=round_.id, user_id=user, channel=ref.channel, ts=ref.ts)
            .on_conflict_do_nothing()
        )

    async def complete(self, job: Job) -> None:
        # A job whose lease was lost belongs to somebody else.
        await write(self._connection, COMPLETE_JOB, _ours(job))

    async def forget_card(self, round_: Round) -> None:
        await self._connection.execute(
            sa.update(rounds)
            .where(rounds.c.id == round_.id)
            .values(card_channel=None, card_ts=None, card_thread_ts=None)
        )

    async def retry(
        self, job: Job, *, at: datetime, in_doubt: bool, failed_at: datetime | None = None
    ) -> None:
        values: dict[str, Any] = {"due_at": at, "lease_until": None}
        if failed_at is not None:
            values["failing_since"] = job.failing_since or failed_at
        if not (in_doubt or job.in_doubt):
            values["began_at"] = None
        await write(self._connection, settle_job(tuple(values)), values | _ours(job))

    async def set_aside(self, job: Job, why: str, *, at: datetime) -> None:
        values = {"set_aside_at": at, "set_aside_why": why, "lease_until": None}
        await write(self._connection, settle_job(tuple(values)), values | _ours(job))

    async def write_nothing(self) -> None:
        """Write what is there already, to see whether the database takes it."""
        await self._connection.execute(
            sa.text("UPDATE alembic_version SET version_num = version_num")
        )

    async def _lock(
        self, statement: sa.Select[Any], parameters: dict[str, Any]
    ) -> tuple[Round, ...]:
        """Lock the rounds that a statement finds, and read them.

        Of what it had to wait for PostgreSQL reads only the locked row anew, and what is joined to
        it as it was before: a round whose rule has changed would be read without any. So rounds are
        read once they are locked. On SQLite nobody else writes.
        """
        if self._dialect == "postgresql":
            locked = (await self._connection.execute(lock_of(statement), parameters)).scalars()
            statement, parameters = LOCKED_ROUNDS, {"rounds": list(locked)}
        found = await rows(self._connection, statement, parameters)
        self.rules_seen.update(row.rule_id for row in found)
        return tuple(map(to_round, found))

    async def _keep_rule(self, round_: Round) -> None:
        """Store a round's rule; hardly ever, for it stays the same."""
        rule_id = rule_id_of(round_)
        if rule_id and rule_id not in self._kept_rules and rule_id not in self.rules_seen:
            await self._connection.execute(keep_rule(self._dialect), from_rule_of(round_))
            self.rules_seen.add(rule_id)

    async def _remember(self, crew: str, execution: str, origin: str, urls: WebhookUrls) -> None:
        await self._connection.execute(
            sa.insert(webhooks),
            {
                "crew": crew,
                "execution_id": execution,
                "origin": origin,
                **from_webhooks(urls),
            },
        )


def _ours(job: Job) -> dict[str, Any]:
    return {"b_job": job.id, "b_lease": job.lease_until}
