"""The people who are asked to look at a round, and an index of the rounds with such people."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    op.add_column("rounds", sa.Column("referrals", sa.JSON()))
    where = sa.text("state = 'WAITING' AND referrals IS NOT NULL")
    op.create_index(
        "ix_rounds_referred",
        "rounds",
        ["crew", "opened_at"],
        sqlite_where=where,
        postgresql_where=where,
    )
