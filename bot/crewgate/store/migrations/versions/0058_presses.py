"""The latest press of each person that changed a round."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    op.add_column("rounds", sa.Column("presses", sa.JSON()))
