"""Executions and what was recorded of their runs in one table; tables, columns, kinds renamed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KINDS = {
    "tell": "notify_stuck",
    "conclude": "post_result",
    "follow": "poll_status",
    "hand_on": "forward",
    "not_handed_on": "forward_failed",
    "noted": "acknowledge_note",
    "release": "expire_claim",
}
PREFIXES = {"hand on:": "forward:", "follow ": "poll_status ", "release ": "expire_claim "}


def upgrade() -> None:
    """Keep every row. A table that is renamed is made anew, so that its constraints are too."""
    _executions()
    _dead_letters()
    _task_updates()
    _forwarded_webhooks()
    op.alter_column("rounds", "sending_since", new_column_name="in_doubt_since")
    op.alter_column("rounds", "heard_before", new_column_name="activity_before")
    op.execute("""
        UPDATE rounds SET answer_code = 'retries_exhausted' WHERE answer_code = 'out_of_patience'
    """)
    _outbox()


def _executions() -> None:
    for column in (
        sa.Column("heard", sa.Integer()),
        sa.Column("channel", sa.Text()),
        sa.Column("thread_ts", sa.Text()),
    ):
        op.add_column("runs", column)
    # One that nothing was recorded of yet: it becomes tracked with its next notification.
    op.execute("""
        INSERT INTO runs (crew, execution_id, known, state, began_at, inputs, finished, step, error)
        SELECT crew, execution_id, false, 'RUNNING', created_at, '[]', 0, '', ''
        FROM executions
        WHERE NOT EXISTS (
            SELECT 1 FROM runs
            WHERE runs.crew = executions.crew AND runs.execution_id = executions.execution_id
        )
    """)
    for name in ("heard", "channel", "thread_ts"):
        # Names of this file.
        op.execute(f"""
            UPDATE runs SET {name} = (
                SELECT executions.{name} FROM executions
                WHERE executions.crew = runs.crew AND executions.execution_id = runs.execution_id
            )
        """)  # noqa: S608
    op.drop_table("executions")
    op.create_table(
        "executions",
        sa.Column("crew", BYTEWISE, nullable=False),
        sa.Column("execution_id", BYTEWISE, nullable=False),
        sa.Column("tracked", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("activity_count", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("thread_ts", sa.Text(), nullable=True),
        sa.Column("progress_channel", sa.Text(), nullable=True),
        sa.Column("progress_ts", sa.Text(), nullable=True),
        sa.Column("starter", sa.Text(), nullable=True),
        sa.Column("starter_name", sa.Text(), nullable=True),
        sa.Column("completed_tasks", sa.Integer(), nullable=False),
        sa.Column("total_tasks", sa.Integer(), nullable=True),
        sa.Column("tokens", sa.BigInteger(), nullable=True),
        sa.Column("result_format", sa.Text(), nullable=True),
        sa.Column("current_task", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("crew", "execution_id", name=op.f("pk_executions")),
    )
    op.execute("""
        INSERT INTO executions (
            crew, execution_id, tracked, state, began_at, ended_at, activity_count,
            channel, thread_ts, progress_channel, progress_ts, starter, starter_name,
            completed_tasks, total_tasks, tokens, result_format, current_task, step, inputs,
            error, result
        )
        SELECT
            crew, execution_id, known, state, began_at, ended_at, coalesce(heard, 0),
            channel, thread_ts, line_channel, line_ts, starter, starter_name,
            finished, total, tokens, format, current, step, inputs,
            error, result
        FROM runs
    """)
    op.drop_table("runs")
    op.create_index(op.f("ix_executions_execution_id"), "executions", ["execution_id"])
    op.create_index(op.f("ix_executions_channel_thread_ts"), "executions", ["channel", "thread_ts"])
    op.create_index(
        op.f("ix_executions_tracked_state_began_at"), "executions", ["tracked", "state", "began_at"]
    )


def _dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crew", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    op.execute("""
        INSERT INTO dead_letters (id, crew, received_at, reason, body)
        SELECT id, crew, received_at, reason, body FROM letters
    """)
    op.drop_table("letters")


def _task_updates() -> None:
    op.create_table(
        "task_updates",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crew", BYTEWISE, nullable=False),
        sa.Column("execution_id", BYTEWISE, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_updates")),
    )
    op.execute("""
        INSERT INTO task_updates (id, crew, execution_id, received_at, title, summary, agent)
        SELECT id, crew, execution_id, came_at, title, summary, agent FROM news
    """)
    op.drop_table("news")
    op.create_index(
        op.f("ix_task_updates_crew_execution_id"), "task_updates", ["crew", "execution_id"]
    )


def _forwarded_webhooks() -> None:
    op.create_table(
        "forwarded_webhooks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crew", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forwarded_webhooks")),
    )
    op.execute("""
        INSERT INTO forwarded_webhooks (id, crew, execution_id, kind, content_type, body)
        SELECT id, crew, execution_id, kind, content_type, body FROM parcels
    """)
    op.drop_table("parcels")


def _outbox() -> None:
    op.drop_index(op.f("ix_outbox_lane_id"), "outbox")
    op.alter_column("outbox", "lane", new_column_name="ordering_key")
    op.create_index(op.f("ix_outbox_ordering_key_id"), "outbox", ["ordering_key", "id"])
    # Constants of this file.
    for old, new in KINDS.items():
        op.execute(f"UPDATE outbox SET kind = '{new}' WHERE kind = '{old}'")  # noqa: S608
    for old, new in PREFIXES.items():
        for column in ("destination", "ordering_key"):
            op.execute(
                f"UPDATE outbox SET {column} = '{new}' || substr({column}, {len(old) + 1})"  # noqa: S608
                f" WHERE substr({column}, 1, {len(old)}) = '{old}'"
            )
