"""The channel of an effect, where its thread is another than the execution's, in a column."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and fill it from the end of the ordering keys that had it."""
    op.add_column("outbox", sa.Column("channel", sa.Text))
    of_thread = "'slack ' || crew || ' ' || execution_id || ' '"
    op.execute(
        f"UPDATE outbox SET channel = substr(ordering_key, length({of_thread}) + 1)"  # noqa: S608  # of constants
        f" WHERE substr(ordering_key, 1, length({of_thread})) = {of_thread}"
    )
