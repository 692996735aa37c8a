"""The masks that an approver left unseen, and the seconds that a hasty one took."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.add_column("rounds", sa.Column("masks_unseen", sa.Boolean()))
    op.add_column("rounds", sa.Column("looked_seconds", sa.Integer()))
