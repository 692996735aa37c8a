"""An index that has the whole order of a list."""

from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Append the id to the index of the queues."""
    columns = ["crew", "rule_id", "state", "opened_at"]
    op.drop_index("ix_rounds_crew_rule_id_state_opened_at", "rounds")
    op.create_index("ix_rounds_crew_rule_id_state_opened_at_id", "rounds", [*columns, "id"])
