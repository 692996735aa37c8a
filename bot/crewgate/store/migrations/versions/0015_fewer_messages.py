"""Finished tasks have no messages of their own: those that were waiting to be posted go."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the jobs; their tasks stay, and the progress message shows them."""
    op.execute("DELETE FROM outbox WHERE kind = 'task_done'")
