"""The audit trail, and the salts of the digests in it."""

import sqlalchemy as sa
from alembic import op

from crewgate.store.tables import audit_entries, audit_heads

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables with their triggers, and a salt for each round that there is."""
    connection = op.get_bind()
    audit_entries.create(connection)
    audit_heads.create(connection)
    op.add_column("rounds", sa.Column("salt", sa.Text))
    random = {
        "sqlite": "lower(hex(randomblob(16)))",
        "postgresql": "replace(gen_random_uuid()::text, '-', '')",
    }
    op.execute(f"UPDATE rounds SET salt = {random[connection.dialect.name]}")  # noqa: S608  # of constants
