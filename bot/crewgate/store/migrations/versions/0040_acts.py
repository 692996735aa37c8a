"""Calls of tools that are put to people, their results, and the tools used for an output."""

import sqlalchemy as sa
from alembic import op

from crewgate.store.migrations import index_where

revision = "0040"
down_revision = "0039"

_DECIDED = (
    *("crew", "rule_id", "state", "decided_at", "decided_by", "decided_via"),
    *("number", "is_approve", "opened_at", "characters", "waited_seconds", "made_in_seconds"),
    *("is_on_target", "edited_at", "is_act"),
)


def upgrade() -> None:
    """Add the columns, all null, and let the stats' index tell calls from outputs."""
    for name in ("call", "call_result", "tools_used"):
        op.add_column("rounds", sa.Column(name, sa.JSON()))
    op.add_column("rounds", sa.Column("is_act", sa.Boolean()))
    op.drop_index("ix_rounds_decided", "rounds")
    index_where("decided_at IS NOT NULL", "ix_rounds_decided", "rounds", _DECIDED)
