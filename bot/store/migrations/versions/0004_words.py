"""Tables, columns and kinds of effects under the names that the code uses."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = {"letters": "dead_letters", "parcels": "forwarded_webhooks", "news": "task_updates"}
COLUMNS = (
    ("executions", "heard", "activity_count"),
    ("rounds", "sending_since", "in_doubt_since"),
    ("rounds", "heard_before", "activity_before"),
    ("outbox", "lane", "ordering_key"),
    ("task_updates", "came_at", "received_at"),
)
KINDS = {
    "tell": "notify_stuck",
    "conclude": "post_result",
    "follow": "poll_status",
    "hand_on": "forward",
    "not_handed_on": "forward_failed",
    "noted": "acknowledge_note",
    "release": "expire_claim",
}


def upgrade() -> None:
    """Rename; the rows stay."""
    op.drop_index(op.f("ix_outbox_lane_id"), "outbox")
    op.drop_index(op.f("ix_news_crew_execution_id"), "news")
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for table, old, new in COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.create_index(op.f("ix_outbox_ordering_key_id"), "outbox", ["ordering_key", "id"])
    op.create_index(
        op.f("ix_task_updates_crew_execution_id"), "task_updates", ["crew", "execution_id"]
    )
    for old, new in KINDS.items():
        # Constants of this file.
        op.execute(f"UPDATE outbox SET kind = '{new}' WHERE kind = '{old}'")  # noqa: S608
    for old, new in (
        ("hand on:", "forward:"),
        ("follow ", "poll_status "),
        ("release ", "expire_claim "),
    ):
        for column in ("destination", "ordering_key"):
            op.execute(
                f"UPDATE outbox SET {column} = '{new}' || substr({column}, {len(old) + 1})"  # noqa: S608
                f" WHERE substr({column}, 1, {len(old)}) = '{old}'"
            )
