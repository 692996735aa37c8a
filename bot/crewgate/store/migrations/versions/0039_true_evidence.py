"""What reviews, timers and the audit trail need to be told apart."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from crewgate.store.append_only import keep

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


_OUTBOX_CREWS = """
INSERT INTO heartbeat (crew, at)
SELECT crew, COALESCE(MIN(CASE WHEN set_aside_why = 'unknown_crew' THEN set_aside_at END), :at)
FROM outbox WHERE crew != '' GROUP BY crew
"""
_TAKE_UP = """
UPDATE outbox SET set_aside_at = NULL, set_aside_why = NULL, failing_since = NULL
WHERE set_aside_why = 'unknown_crew' AND set_aside_at IS NOT NULL
"""
#: The columns of credentials, apart from JSON, which no text takes for encrypted.
_CREDENTIALS: Final[tuple[tuple[str, Any, tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        "webhooks",
        sa.Text(),
        ("crew", "execution_id", "origin"),
        ("task_url", "step_url", "crew_url"),
    ),
    (
        "flow_requests",
        sa.Text(),
        ("crew", "execution_id", "request_id"),
        ("callback_url", "token"),
    ),
    ("dead_letters", sa.LargeBinary(), ("id",), ("body",)),
)


def upgrade() -> None:
    """Change each table for its own subject, in a function below."""
    _remember_what_people_were_shown()
    _drop_event_stream()
    _several_starters()
    _note_time_of_each_crew()
    _evidence_of_a_review()
    _texts_of_people_and_times_in_a_row()
    _rounds_that_nobody_may_approve()
    _leave_notes_with_their_output()
    _tell_absences()
    _keep_heads_and_what_would_be_replaced()
    _mark_plain_credentials()
    _keep_names_of_lost_kickoffs()


def _remember_what_people_were_shown() -> None:
    for name, before in (("at_end", sa.true()), ("unmasked", sa.false())):
        column = sa.Column(name, sa.Boolean, nullable=False, server_default=before)
        op.add_column("read_to_end", column)
    op.add_column("read_to_end", sa.Column("pages", sa.Integer))
    op.add_column("read_to_end", sa.Column("seconds", sa.Integer))
    op.add_column("rounds", sa.Column("shown_little", sa.Integer))


def _drop_event_stream() -> None:
    op.drop_column("executions", "ended_by_event")


def _several_starters() -> None:
    op.add_column("executions", sa.Column("also_started", sa.JSON(none_as_null=True)))


def _note_time_of_each_crew() -> None:
    """Time counts for each crew; jobs of unknown crews are not set aside any longer, they wait."""
    connection = op.get_bind()
    at = connection.scalar(sa.text("SELECT at FROM heartbeat"))
    op.drop_table("heartbeat")
    op.create_table(
        "heartbeat",
        sa.Column("crew", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("crew"),
    )
    if at is not None:
        connection.execute(sa.text("INSERT INTO heartbeat (crew, at) VALUES ('', :at)"), {"at": at})
        connection.execute(sa.text(_OUTBOX_CREWS), {"at": at})
    connection.execute(sa.text(_TAKE_UP))


def _evidence_of_a_review() -> None:
    """Tell which of an execution's tasks webhooks and its status are about."""
    # Of tries from before nobody knows.
    op.add_column("rounds", sa.Column("was_alone", sa.Boolean, server_default=sa.false()))
    op.add_column("rounds", sa.Column("pause_id", sa.Text))
    op.add_column("rounds", sa.Column("takes_key", sa.Boolean))
    op.add_column("executions", sa.Column("asked_activity", sa.Integer))
    op.add_column("task_updates", sa.Column("task", sa.Text))
    op.add_column("task_updates", sa.Column("activity", sa.Integer))


def _texts_of_people_and_times_in_a_row() -> None:
    """Add when a person's text was there, which the stats read too, and what rules sent back."""
    op.add_column("rounds", sa.Column("edited_at", sa.BigInteger))
    op.add_column("rounds", sa.Column("sent_back", sa.Integer))
    op.drop_index("ix_rounds_decided", "rounds")
    is_decided = sa.text("decided_at IS NOT NULL")
    names = (
        *("crew", "rule_id", "state", "decided_at", "decided_by", "decided_via"),
        *("number", "is_approve", "opened_at", "characters", "waited_seconds", "made_in_seconds"),
        *("is_on_target", "edited_at"),
    )
    op.create_index(
        "ix_rounds_decided",
        "rounds",
        [*names],
        sqlite_where=is_decided,
        postgresql_where=is_decided,
    )


def _leave_notes_with_their_output() -> None:
    # Until now an edit moved notes to its own round, where they stay.
    op.add_column("rounds", sa.Column("origin_id", sa.Text))


def _tell_absences() -> None:
    """Put each absence that there is into the audit trail, under its person, as CG141 from now on.

    A proof has the absence of everybody for whom somebody decided.
    """
    connection = op.get_bind()
    people = connection.execute(sa.text("SELECT user_id, delegate_id, since, until FROM absences"))
    add = sa.text(
        "INSERT INTO audit_entries (at, crew, execution_id, body) VALUES (:at, '', :person, :body)"
    )
    for row in people.all():
        since, until = (
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
            for at in (row.since, row.until)
        )
        body = {
            "v": 2,
            "code": "CG141",
            "at": since.isoformat(timespec="microseconds"),
            "actor": row.user_id,
            "crew": "",
            "execution": row.user_id,
            "data": {"delegate": row.delegate_id, "until": until.isoformat()},
        }
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        connection.execute(add, {"at": row.since, "person": row.user_id, "body": text.encode()})


def _keep_heads_and_what_would_be_replaced() -> None:
    for table in ("audit_entries", "audit_heads"):
        keep(op.get_bind(), table)


def _rounds_that_nobody_may_approve() -> None:
    op.add_column("rounds", sa.Column("no_approver", sa.Boolean))
    where = sa.text("no_approver")
    op.create_index(
        "ix_rounds_no_approver",
        "rounds",
        ["crew", "opened_at"],
        sqlite_where=where,
        postgresql_where=where,
    )


def _mark_plain_credentials() -> None:
    """Mark plain values that look encrypted: a key's name and Fernet's first bytes tell others."""
    connection = op.get_bind()
    names = [*connection.scalars(sa.text("SELECT name FROM secret_keys"))]
    for table, kind, keys, columns in _CREDENTIALS:
        for name in columns:
            there = sa.table(table, sa.column(name, kind), *map(sa.column, keys))
            marked = there.c[name]

            def part(
                first: int, text: str, of: sa.ColumnElement[Any] = marked
            ) -> sa.ColumnElement[bool]:
                value = text.encode() if isinstance(of.type, sa.LargeBinary) else text
                return sa.func.substr(of, first, len(text)) == sa.literal(value, of.type)

            is_encrypted = sa.or_(part(20, "gAAAA"), *(part(11, one) for one in names))
            looks_alike = part(1, "plain:") | (part(1, "encrypted:") & ~is_encrypted)
            for row in connection.execute(sa.select(there).where(looks_alike)).all():
                value = row._mapping[name]
                mark: Any = b"plain:" if isinstance(value, bytes) else "plain:"
                this = [there.c[key] == row._mapping[key] for key in keys]
                connection.execute(sa.update(there).where(*this).values({name: mark + value}))


def _keep_names_of_lost_kickoffs() -> None:
    op.add_column("unclear_kickoffs", sa.Column("named", sa.JSON(none_as_null=True)))
