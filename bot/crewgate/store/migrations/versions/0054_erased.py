"""The passages of an output that were taken out, because the bot knows them as secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    op.add_column("outputs", sa.Column("erased", sa.Integer()))
