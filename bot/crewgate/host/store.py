"""The host's stored executions; each change is one transaction, on disk when it returns.

Times are seconds since the epoch.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from sqlite3 import Connection
from typing import Final, TypeAlias

from crewgate.crew_api import wire
from crewgate.crew_api.wire import Json, Kickoff, Refusal, Urls, sendable
from crewgate.host import records
from crewgate.host.database import SEALED, Database, readable

#: Seconds between two tries of a webhook, at most.
LONGEST_PAUSE: Final = 300.0
#: A function that makes the webhooks about the end of a call or of a question within a task.
Closing: TypeAlias = Callable[[records.Round], Iterable[records.Webhook]]


def utc_seconds() -> float:
    return time.time()


class Store:
    """Executions, their finished tasks, rounds and questions."""

    def __init__(self, database: Database, now: Callable[[], float] = utc_seconds) -> None:
        self._database = database
        self.now = now

    # ---- executions

    def add(self, execution_id: str, target: str, kickoff: Kickoff) -> bool:
        """Store a kickoff; return False if there is one with this id."""
        with self._database.transaction() as sql:
            if sql.execute("SELECT 1 FROM executions WHERE id = ?", (execution_id,)).fetchone():
                return False
            _insert(
                sql,
                "executions",
                id=execution_id,
                target=target,
                kickoff=records.kickoff_to_text(kickoff),
                state=records.State.QUEUED,
                created_at=self.now(),
            )
            _set_urls(sql, execution_id, kickoff.urls)
            return True

    def get(self, execution_id: str, target: str) -> records.Execution:
        """Return an execution of this target. Raises Refusal (404)."""
        query = "SELECT * FROM executions WHERE id = ? AND target = ?"
        rows = self._database.rows(query, execution_id, target)
        if not rows:
            raise Refusal.not_found("Execution not found")
        return records.execution_from_row(rows[0])

    def unfinished(self) -> list[records.Execution]:
        query = "SELECT * FROM executions WHERE ended_at IS NULL ORDER BY created_at, id"
        rows = readable("executions", self._database.rows(query))
        return [records.execution_from_row(row) for row in rows]

    def lessons(self, target: str) -> list[Json]:
        """Return the lessons of a target that people kept and that have not ended, newest last."""
        rows = self._database.rows(
            f"SELECT * FROM executions WHERE id GLOB '{records.LESSON}*' AND target = ?"  # noqa: S608  # ours
            " AND result = ? AND (lesson_until IS NULL OR lesson_until > ?) ORDER BY ended_at",
            *(target, records.KEEP, self.now()),
        )
        found = readable("executions", rows)
        return [records.execution_from_row(row).kickoff.inputs for row in found]

    def add_lesson(self, name: str, target: str, kickoff: Kickoff) -> str | None:
        """Store a lesson to ask people about, and return its id; None if they were asked before.

        People are asked anew once a kept lesson has ended by time.
        """
        [[ended]] = self._database.rows(
            "SELECT count(*) FROM executions WHERE (id = ? OR id GLOB ? || '-*')"
            " AND result = ? AND lesson_until > 0 AND lesson_until <= ?",
            *(name, name, records.KEEP, self.now()),
        )
        name = f"{name}-{ended}" if ended else name
        return name if self.add(name, target, kickoff) else None

    def retire(self, execution_id: str) -> None:
        """End a lesson, also one whose answer is not carried out yet."""
        with self._database.transaction() as sql:
            _update(sql, "executions", {"id": execution_id}, lesson_until=0)

    def begin(
        self, execution_id: str, tasks: Sequence[records.TaskRow]
    ) -> tuple[records.TaskRow, ...]:
        """Mark the execution as running on these tasks, and return its tasks as first stored.

        Raises TargetChanged if these tasks differ from the stored tasks.
        """
        with self._database.transaction() as sql:
            row = sql.execute("SELECT * FROM executions WHERE id = ?", (execution_id,)).fetchone()
            known = records.execution_from_row(row).tasks or tuple(tasks)
            if [task.key for task in known] != [task.key for task in tasks]:
                raise records.TargetChanged(
                    "The tasks of this crew are not those with which this execution began; it goes"
                    " on once the host is started with the crew as it was"
                )
            rows = json.dumps([asdict(task) for task in known])
            _update(sql, "executions", {"id": execution_id}, tasks=rows)
            _set_state(sql, execution_id)
            return known

    def end(
        self,
        execution_id: str,
        *,
        result: str = "",
        error: str = "",
        closing: Closing = lambda _: (),
        webhooks: Iterable[records.Webhook] = (),
    ) -> list[str]:
        """Store the end, drop announcements of pauses; return ids of closed calls and questions."""
        state = records.State.ERROR if error else records.State.COMPLETED
        with self._database.transaction() as sql:
            closed = self._close(sql, execution_id, "TRUE", [], closing)
            _update(
                sql,
                "executions",
                {"id": execution_id},
                state=state,
                result=sendable(result),
                error=sendable(error),
                ended_at=self.now(),
            )
            self._carry_out(sql, execution_id)
            sql.execute(
                "DELETE FROM webhooks WHERE execution_id = ? AND about != ''", (execution_id,)
            )
            self._put(sql, execution_id, webhooks)
            return closed

    # ---- tasks and rounds of a crew

    def finish_task(
        self,
        execution_id: str,
        task_id: str,
        position: int,
        output: Json,
        *,
        seconds: float,
        closing: Closing = lambda _: (),
        webhooks: Iterable[records.Webhook] = (),
    ) -> list[str]:
        """Store a task's output; give up its open calls and questions, and return their ids."""
        with self._database.transaction() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO finished VALUES (?, ?, ?, ?)",
                (execution_id, position, sendable(json.dumps(output, ensure_ascii=False)), seconds),
            )
            closed = self._close(sql, execution_id, "asker = ?", [task_id], closing)
            self._put(sql, execution_id, webhooks)
            return closed

    def finished(self, execution_id: str) -> list[records.Finished]:
        query = "SELECT * FROM finished WHERE execution_id = ? ORDER BY position"
        return [records.finished_from_row(row) for row in self._database.rows(query, execution_id)]

    def pause(
        self,
        execution_id: str,
        task_id: str,
        output: str,
        *,
        pending: records.Pending | None = None,
        webhooks: Iterable[records.Webhook] = (),
    ) -> None:
        """Store an output, call or question that waits, and forget the webhook URLs.

        Raises HostStops if the execution has ended: a thread of its own may go on for a while.
        """
        asker, role, body = (None, "", {})
        if pending is not None:
            asker, role, body = pending.asker, pending.role, pending.body
        call = body.get("tool_call")
        with self._database.transaction() as sql:
            _require_open(sql, execution_id)
            sql.execute(
                "INSERT INTO rounds (execution_id, task_id, number, output, asker, role,"
                " notification, digest) SELECT ?, ?, 1 + count(*), ?, ?, ?, ?, ? FROM rounds"
                " WHERE execution_id = ? AND task_id = ?",
                (
                    *(execution_id, task_id, sendable(output), asker, role),
                    sendable(json.dumps(body, ensure_ascii=False)),
                    None if call is None else records.Call.from_body(call).digest,
                    *(execution_id, task_id),
                ),
            )
            _set_urls(sql, execution_id, Urls())
            _set_state(sql, execution_id)
            self._put(sql, execution_id, webhooks)

    def rounds(self, execution_id: str) -> list[records.Round]:
        query = "SELECT * FROM rounds WHERE execution_id = ? ORDER BY rowid"
        return [records.round_from_row(row) for row in self._database.rows(query, execution_id)]

    def decide(self, call: wire.Resume) -> bool:
        """Store a decision on the waiting round; the first one wins.

        Return False if a decision with this key is stored already. Raises Refusal (400) if no round
        of this task waits, the execution has ended meanwhile, or the decision's time is over.
        """
        with self._database.transaction() as sql:
            known = sql.execute(
                "SELECT approve FROM rounds"
                " WHERE execution_id = ? AND task_id = ? AND decision_key = ?",
                (call.execution_id, call.task_id, call.key),
            ).fetchone()
            if known is not None:
                if known["approve"] != call.is_approve:
                    why = "This key is that of another decision"
                    raise Refusal.bad_request(why, code=wire.ANSWERED)
                return False
            decided = sql.execute(
                "UPDATE rounds SET approve = ?, feedback = ?, edited = ?, decision_key = ?,"
                " valid_until = ?"
                " WHERE execution_id = ? AND task_id = ? AND approve IS NULL AND NOT spent"
                " AND EXISTS"
                " (SELECT 1 FROM executions WHERE id = execution_id AND ended_at IS NULL)"
                " RETURNING *",
                (
                    *(call.is_approve, call.human_feedback, call.edited, call.key),
                    *(call.valid_until, call.execution_id, call.task_id),
                ),
            ).fetchone()
            if decided is None:
                why = "Execution is not pending human input for this task"
                raise Refusal.bad_request(why, code=wire.ANSWERED)
            one = records.round_from_row(decided)
            if one.call is not None:
                if one.has_expired(self.now()):
                    why = "By this host's clock, the time of this approval is over"
                    raise Refusal.bad_request(why, code=wire.EXPIRED)
                _update(sql, "rounds", _key(call.execution_id, one), digest=one.call.digest)
            _set_urls(sql, call.execution_id, call.urls)
            if call.human_input is not None:
                [kickoff] = sql.execute(
                    "SELECT kickoff FROM executions WHERE id = ?", (call.execution_id,)
                ).fetchone()
                kickoff = records.with_human_input(kickoff, call.human_input)
                _update(sql, "executions", {"id": call.execution_id}, kickoff=kickoff)
            _set_state(sql, call.execution_id)
            forget_about(sql, call.execution_id, call.task_id)
            return True

    def decision(self, execution_id: str, task_id: str) -> records.Decision | None:
        of_task = [one for one in self.rounds(execution_id) if one.task_id == task_id]
        return of_task[-1].decision if of_task else None

    def spend(
        self,
        execution_id: str,
        task_id: str,
        closing: Callable[[str], Closing],
        *,
        told: Collection[str] = (),
    ) -> bool:
        """Mark an answer as delivered; return False if the answer is marked already, or closed.

        `told` has the calls whose ends the asking agent knows. Raises ApprovalEnded for a call that
        may not run, and closes it; `closing` makes the webhooks that say why.
        """
        with self._database.transaction() as sql:
            row = sql.execute(
                "UPDATE rounds SET spent = 1 WHERE execution_id = ? AND task_id = ? AND NOT spent"
                " RETURNING *",
                (execution_id, task_id),
            ).fetchone()
            if row is None:
                return False
            one = records.round_from_row(row)
            others = [it for it in self.rounds(execution_id) if it.task_id not in {task_id, *told}]
            why = ""
            if one.call is None or one.decision is None or not one.decision.approve:
                pass
            elif one.has_expired(self.now()):
                why = "Its approval ended before it ran. It is asked about again."
            elif row["digest"] not in {None, one.call.digest}:  # files of version 10 had no digests
                why = "It is not stored as it was approved. It is asked about again."
            elif any(map(one.repeats_unseen, others)):
                why = "An equal call may have been done already. It is asked about again."
            if not why:
                return True
            _record(sql, execution_id, one, {"state": "closed"})
            self._put(sql, execution_id, closing(why)(one))
        raise records.ApprovalEnded

    def record(
        self,
        execution_id: str,
        one: records.Round,
        outcome: Json,
        *,
        webhooks: Iterable[records.Webhook] = (),
    ) -> None:
        """Store the outcome of an approved call."""
        with self._database.transaction() as sql:
            _record(sql, execution_id, one, outcome)
            self._put(sql, execution_id, webhooks)

    def close(
        self,
        execution_id: str,
        task_ids: Sequence[str],
        closing: Closing,
        *,
        undecided: bool = True,
    ) -> list[str]:
        """Give up calls and questions, with `undecided` only undecided ones; return their ids."""
        which = f"task_id IN ({', '.join('?' * len(task_ids))})"
        which += " AND approve IS NULL" if undecided else ""
        with self._database.transaction() as sql:
            return self._close(sql, execution_id, which, task_ids, closing)

    # ---- questions of a flow

    def ask(
        self,
        question_id: str,
        execution_id: str,
        asked: records.Asked,
        *,
        token_hash: str,
        webhooks: Iterable[records.Webhook] = (),
    ) -> None:
        """Store a flow's question, and forget the URLs. Raises HostStops as `pause` does.

        Earlier questions count as carried out; `Flow.ask()` only replaces an open one at its place.
        """
        with self._database.transaction() as sql:
            _require_open(sql, execution_id)
            if asked.place is None:
                self._carry_out(sql, execution_id)
            at = self.now()
            for other in sql.execute(
                "UPDATE questions SET answered_at = ? WHERE execution_id = ? AND place = ?"
                " AND answered_at IS NULL RETURNING id",
                (at, execution_id, asked.place),
            ).fetchall():
                forget_about(sql, execution_id, other["id"])
            _insert(
                sql,
                "questions",
                id=question_id,
                execution_id=execution_id,
                method=asked.method,
                emit=json.dumps(list(asked.emit)),
                token_hash=token_hash,
                pending=json.dumps(asked.pending),
                asked_at=at,
                place=asked.place,
                expires_at=asked.expires_at,
            )
            _set_urls(sql, execution_id, Urls())
            _set_state(sql, execution_id)
            self._put(sql, execution_id, webhooks)

    def question(self, question_id: str) -> records.Question | None:
        return next(iter(self._questions("questions.id = ?", question_id)), None)

    def open_question(self, execution_id: str) -> records.Question | None:
        """Return the question that a flow waits for, or whose answer it was carrying out.

        Questions of `Flow.ask()` do not count: a thread waits for each.
        """
        which = "execution_id = ? AND NOT carried_out AND place IS NULL ORDER BY asked_at DESC"
        return next(iter(self._questions(which, execution_id)), None)

    def asks(self, execution_id: str) -> list[records.Question]:
        """Return the `Flow.ask()` questions since the flow's last `@human_feedback` question."""
        which = "execution_id = ? AND NOT carried_out AND place IS NOT NULL ORDER BY asked_at"
        return self._questions(which, execution_id)

    def _questions(self, which: str, value: str) -> list[records.Question]:
        rows = self._database.rows(
            "SELECT questions.*, target FROM questions"  # noqa: S608  # ours
            f" JOIN executions ON executions.id = execution_id WHERE {which}",
            value,
        )
        return [records.question_from_row(row) for row in rows]

    def answer(
        self, question_id: str, feedback: str | None, source: str, *, until: float | None = None
    ) -> records.Question | None:
        """Store an answer, or None for a time-out; the first one wins.

        `until` ends a lesson that the answer keeps. Return the question if it was over already.
        """
        with self._database.transaction() as sql:
            answered = sql.execute(
                "UPDATE questions SET feedback = ?, source = ?, answered_at = ?"
                " WHERE id = ? AND answered_at IS NULL RETURNING execution_id",
                (feedback, source, self.now(), question_id),
            ).fetchone()
            if answered is None:
                return self.question(question_id)
            execution_id = answered["execution_id"]
            _update(sql, "executions", {"id": execution_id}, lesson_until=until)
            _set_state(sql, execution_id)
            forget_about(sql, execution_id, question_id)
            return None

    # ---- webhooks

    def put(self, execution_id: str, webhooks: Iterable[records.Webhook]) -> None:
        """Store webhooks that belong to no other change."""
        with self._database.transaction() as sql:
            self._put(sql, execution_id, webhooks)

    def announce(self, execution_id: str, webhooks: Iterable[records.Webhook]) -> None:
        """Store announcements of pauses; each replaces an undelivered one about the same pause."""
        with self._database.transaction() as sql:
            for one in webhooks:
                forget_about(sql, execution_id, one.about)
                self._put(sql, execution_id, [one])

    def due(
        self, at: float, *, announcing: bool, limit: int, to_one_url: int, except_for: Iterable[int]
    ) -> list[records.DueWebhook]:
        """Return the webhooks that are due, the oldest first, except for those being sent.

        `announcing` chooses those that announce a pause, or all others; at most `to_one_url` are
        for one URL. A crew's end waits for its tasks' webhooks: receivers expect none after it.
        """
        held = json.dumps(list(except_for))
        rows = self._database.rows(
            "SELECT * FROM webhooks WHERE id IN"
            " (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY"
            " CASE WHEN url LIKE 'encrypted:%' THEN opened(url) ELSE url END ORDER BY id)"
            " AS place FROM webhooks AS one"
            # No pause is so long: the clock was set back, and the webhook is due, too.
            " WHERE (due_at <= ? OR due_at > ?) AND (about != '') = ?"
            " AND NOT (kind = 'crew' AND EXISTS (SELECT 1 FROM webhooks AS before"
            " WHERE before.execution_id = one.execution_id AND before.kind = 'task')))"
            " WHERE place <= ?)"
            " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
            *(at, at + LONGEST_PAUSE, announcing, to_one_url, held, limit),
        )
        return [records.webhook_from_row(row) for row in readable("webhooks", rows)]

    def next_due(self, *, after: float) -> float | None:
        [[at]] = self._database.rows("SELECT min(due_at) FROM webhooks WHERE due_at > ?", after)
        return None if at is None else float(at)

    def remove(self, webhook_id: int) -> None:
        """Delete a webhook that was delivered or given up."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,))

    def postpone(self, webhook_id: int, due_at: float) -> None:
        with self._database.transaction() as sql:
            sql.execute(
                "UPDATE webhooks SET tries = tries + 1, due_at = ? WHERE id = ?",
                (due_at, webhook_id),
            )

    # ---- parts of a transaction

    def _put(self, sql: Connection, execution_id: str, webhooks: Iterable[records.Webhook]) -> None:
        for one in webhooks:
            _insert(
                sql,
                "webhooks",
                execution_id=execution_id,
                kind=one.kind,
                about=one.about,
                url=one.url,
                headers=json.dumps(dict(one.headers)),
                body=sendable(json.dumps(one.body, ensure_ascii=False)),
                due_at=self.now(),
            )

    def _carry_out(self, sql: Connection, execution_id: str) -> None:
        sql.execute(
            "UPDATE questions SET carried_out = 1, pending = '{}',"
            " answered_at = coalesce(answered_at, ?) WHERE execution_id = ?",
            (self.now(), execution_id),
        )

    def _close(
        self,
        sql: Connection,
        execution_id: str,
        which: str,
        values: Sequence[str],
        closing: Closing,
    ) -> list[str]:
        """Mark waiting calls and questions as over, store the webhooks that say so; return ids."""
        closed = sql.execute(
            f"UPDATE rounds SET spent = 1, outcome = ? WHERE execution_id = ? AND {which}"  # noqa: S608  # ours
            " AND asker IS NOT NULL AND NOT spent RETURNING *",
            (json.dumps({"state": "closed"}), execution_id, *values),
        ).fetchall()
        for row in closed:
            forget_about(sql, execution_id, row["task_id"])
            self._put(sql, execution_id, closing(records.round_from_row(row)))
        _set_state(sql, execution_id)
        return [row["task_id"] for row in closed]


def _insert(sql: Connection, table: str, **values: object) -> None:
    marks = ", ".join(_mark(table, name) for name in values)
    statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608  # names of ours
    sql.execute(statement, tuple(values.values()))


def _update(sql: Connection, table: str, key: Mapping[str, object], **values: object) -> None:
    anew = ", ".join(f"{name} = {_mark(table, name)}" for name in values)
    which = " AND ".join(f"{name} = ?" for name in key)
    statement = f"UPDATE {table} SET {anew} WHERE {which}"  # noqa: S608  # names of ours
    sql.execute(statement, (*values.values(), *key.values()))


def _mark(table: str, column: str) -> str:
    """Return a column's placeholder in a statement: `sealed(?)` encrypts a credential."""
    return "sealed(?)" if column in SEALED.get(table, ()) else "?"


def _key(execution_id: str, one: records.Round) -> dict[str, object]:
    return {"execution_id": execution_id, "task_id": one.task_id, "number": one.number}


def forget_about(sql: Connection, execution_id: str, about: str) -> None:
    """Drop the announcements of a pause that is over."""
    sql.execute("DELETE FROM webhooks WHERE execution_id = ? AND about = ?", (execution_id, about))


def _require_open(sql: Connection, execution_id: str) -> None:
    query = "SELECT 1 FROM executions WHERE id = ? AND ended_at IS NOT NULL"
    if sql.execute(query, (execution_id,)).fetchone() is not None:
        raise records.HostStops


def _record(sql: Connection, execution_id: str, one: records.Round, outcome: Json) -> None:
    _update(sql, "rounds", _key(execution_id, one), outcome=sendable(json.dumps(outcome)))


def _set_urls(sql: Connection, execution_id: str, urls: Urls) -> None:
    """Store an execution's webhook URLs: none while it waits for people."""
    columns = {"task_url": urls.task, "step_url": urls.step, "crew_url": urls.crew}
    _update(sql, "executions", {"id": execution_id}, **columns)


def _set_state(sql: Connection, execution_id: str) -> None:
    sql.execute(
        "UPDATE executions SET state = CASE WHEN"
        " EXISTS (SELECT 1 FROM rounds WHERE execution_id = :id AND approve IS NULL"
        " AND NOT spent) OR"
        " EXISTS (SELECT 1 FROM questions WHERE execution_id = :id AND answered_at IS NULL)"
        " THEN :paused ELSE :running END WHERE id = :id AND ended_at IS NULL",
        {"id": execution_id, "paused": records.State.PAUSED, "running": records.State.RUNNING},
    )
