"""The newest finished tasks of an execution, found without reading the others."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put an index that has their order in the place of the one that has not."""
    new = op.f("ix_task_updates_crew_execution_id_received_at_id")
    op.create_index(new, "task_updates", ["crew", "execution_id", "received_at", "id"])
    op.drop_index(op.f("ix_task_updates_crew_execution_id"), "task_updates")
