"""Rules: what a round was opened under, its votes, what time brought, and who is away."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROUNDS = (
    ("votes", sa.JSON(none_as_null=True)),
    ("on_behalf_of", sa.Text()),
    ("on_behalf_of_name", sa.Text()),
    ("escalated_at", sa.BigInteger()),
    ("reminders", sa.Integer()),
    ("card_thread_ts", sa.Text()),
)
OLD = ("ix_rounds_crew_state_opened_at", "ix_rounds_crew_state_decided_at")
NEW = (
    ("rounds", ["crew", "rule_id", "state", "opened_at"]),
    ("rounds", ["crew", "rule_id", "state", "decided_at"]),
    ("rounds", ["card_channel", "card_thread_ts"]),
    ("rules", ["crew"]),
    ("absences", ["delegate_id"]),
    ("absences", ["until"]),
)


def upgrade() -> None:
    """Add the tables and columns: every older round is under no rule."""
    none = sa.Column("rule_id", sa.Text(), nullable=False, server_default=sa.text("''"))
    op.add_column("rounds", none)
    for name, kind in ROUNDS:
        op.add_column("rounds", sa.Column(name, kind, nullable=True))
    op.create_table(
        "rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crew", BYTEWISE, nullable=False),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
    )
    op.create_table(
        "absences",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("delegate_id", sa.Text(), nullable=False),
        sa.Column("delegate_name", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_absences")),
    )
    for name in OLD:
        op.drop_index(op.f(name), "rounds")
    for table, columns in NEW:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)
