"""The moment at which people could first see a round."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    """Add `announced_at`: for waiting rounds with a card, or in a flood, it is `opened_at`."""
    op.add_column("rounds", sa.Column("announced_at", sa.BigInteger()))
    op.execute(
        "UPDATE rounds SET announced_at = opened_at"
        " WHERE state = 'WAITING' AND (card_ts IS NOT NULL OR gathered_by IS NOT NULL)"
    )
